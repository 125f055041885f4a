"""Images of other sizes, and channels rearranged, as modules."""

from __future__ import annotations

from lazygrad.arguments import require_range
from lazygrad.errors import ValueRangeError
from lazygrad.functional import resize, shuffle
from lazygrad.functional.arguments import Sizes
from lazygrad.functional.resize import MODES, Scales
from lazygrad.nn.applied import Applied
from lazygrad.nn.module import Module
from lazygrad.public import public
from lazygrad.tensor_class import Tensor


class Upsample(Module):
    """The spatial dims of (N, C, ..) brought to ``size``, or scaled by ``scale_factor``; arguments
    as of ``F.interpolate``.

    >>> nn.Upsample(scale_factor=2, mode="nearest")(Tensor([[[1.0, 3.0]]])).tolist()
    [[[1.0, 1.0, 3.0, 3.0]]]
    """

    @public
    def __init__(
        self,
        size: Sizes | None = None,
        scale_factor: Scales | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        if mode not in MODES:
            known = ", ".join(MODES)
            raise ValueRangeError(f"[Upsample] mode must be one of {known}, got {mode!r}")
        self.size = size
        self.scale_factor = float(scale_factor) if isinstance(scale_factor, int) else scale_factor
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    @public
    def forward(self, input: Tensor) -> Tensor:
        return resize.interpolate(
            input, self.size, self.scale_factor, self.mode, self.align_corners,
            self.recompute_scale_factor,
        )  # fmt: skip

    def extra_repr(self) -> str:
        if self.scale_factor is None:
            return f"size={self.size}, mode={self.mode!r}"
        return f"scale_factor={self.scale_factor}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """``Upsample`` of images with mode "nearest".

    >>> nn.UpsamplingNearest2d(scale_factor=2)(lazygrad.zeros(1, 3, 4, 4)).shape
    (1, 3, 8, 8)
    """

    @public
    def __init__(self, size: Sizes | None = None, scale_factor: Scales | None = None) -> None:
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample):
    """``Upsample`` of images with mode "bilinear" and aligned corners.

    >>> nn.UpsamplingBilinear2d(size=(1, 3))(Tensor([[[[1.0, 3.0]]]])).tolist()
    [[[[1.0, 2.0, 3.0]]]]
    """

    @public
    def __init__(self, size: Sizes | None = None, scale_factor: Scales | None = None) -> None:
        super().__init__(size, scale_factor, "bilinear", True)


class PixelShuffle(Applied):
    """(.., C * r * r, H, W) to (.., C, H * r, W * r), with r ``upscale_factor``.

    >>> nn.PixelShuffle(2)(lazygrad.zeros(1, 12, 4, 4)).shape
    (1, 3, 8, 8)
    """

    function = shuffle.pixel_shuffle

    @public
    def __init__(self, upscale_factor: int) -> None:
        require_range("PixelShuffle", 1, upscale_factor=upscale_factor)
        super().__init__(upscale_factor=upscale_factor)


class PixelUnshuffle(Applied):
    """(.., C, H * r, W * r) to (.., C * r * r, H, W), with r ``downscale_factor``.

    >>> nn.PixelUnshuffle(2)(lazygrad.zeros(1, 3, 8, 8)).shape
    (1, 12, 4, 4)
    """

    function = shuffle.pixel_unshuffle

    @public
    def __init__(self, downscale_factor: int) -> None:
        require_range("PixelUnshuffle", 1, downscale_factor=downscale_factor)
        super().__init__(downscale_factor=downscale_factor)


class ChannelShuffle(Applied):
    """The channels of ``groups`` groups taken in turn from each group.

    >>> nn.ChannelShuffle(2)(lazygrad.arange(4).reshape(1, 4, 1)).flatten().tolist()
    [0, 2, 1, 3]
    """

    function = shuffle.channel_shuffle

    @public
    def __init__(self, groups: int) -> None:
        require_range("ChannelShuffle", 1, groups=groups)
        super().__init__(groups=groups)
