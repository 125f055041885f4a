"""Convolutions and their transposes, over one, two or three dims."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

from lazygrad.arguments import require_range
from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.functional import movement, windows
from lazygrad.functional.arguments import Sizes
from lazygrad.lang.conv import conv_spans, transposed_sizes
from lazygrad.lang.padding import MODES
from lazygrad.lang.windows import sizes_of
from lazygrad.nn import init
from lazygrad.nn.module import Module
from lazygrad.nn.parameter import Parameter
from lazygrad.public import public
from lazygrad.shape import Shape, numel
from lazygrad.tensor_class import Tensor


class _ConvNd(Module):
    """What all convolutions share.

    ``weight`` and ``bias`` start uniform within ``1 / sqrt(fan_in)``.

    Attributes:
        spatial: over how many dims windows slide; given by each class.
    """

    spatial: ClassVar[int]

    weight: Parameter
    bias: Parameter | None
    padding: Shape | str

    def _set_up(
        self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes,
        padding: Sizes | str, dilation: Sizes, groups: int, padding_mode: str,
    ) -> None:  # fmt: skip
        name, count = type(self).__name__, self.spatial
        require_range(name, 1, in_channels=in_channels, out_channels=out_channels)
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ShapeError(
                f"[{name}] groups={groups} must divide in_channels={in_channels} and "
                f"out_channels={out_channels}"
            )
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = sizes_of(name, "kernel_size", kernel_size, count, 1)
        self.stride = sizes_of(name, "stride", stride, count, 1)
        self.padding = (
            padding if isinstance(padding, str) else sizes_of(name, "padding", padding, count, 0)
        )
        self.dilation = sizes_of(name, "dilation", dilation, count, 1)
        self.groups = groups
        self.padding_mode = padding_mode

    def _make_parameters(self, shape: Shape, bias: bool, device: str | None, dtype: Any) -> None:
        made = {"device": device, "dtype": dtype}
        self.weight = Parameter(Tensor.empty(*shape, **made))
        self.bias = Parameter(Tensor.empty(self.out_channels, **made)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        fan_in = numel(self.weight.shape[1:])
        if self.bias is not None and fan_in:
            bound = 1 / math.sqrt(fan_in)
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        shown = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        shown += f", stride={self.stride}"
        zeros, ones = (0,) * self.spatial, (1,) * self.spatial
        optional = {
            "padding": (self.padding, zeros),
            "dilation": (self.dilation, ones),
            "output_padding": (getattr(self, "output_padding", zeros), zeros),
            "groups": (self.groups, 1),
            "bias": (self.bias is not None, True),
            "padding_mode": (self.padding_mode, "zeros"),
        }
        for name, (value, default) in optional.items():
            if value != default:
                shown += f", {name}={value}"
        return shown


class _Conv(_ConvNd):
    """A convolution. ``weight`` has shape (out_channels, in_channels / groups, *kernel_size)."""

    convolve: ClassVar[Callable[..., Tensor]]

    @public
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self._set_up(in_channels, out_channels, kernel_size, stride, padding, dilation, groups,
                     padding_mode)  # fmt: skip
        name = type(self).__name__
        spans = conv_spans(name, self.kernel_size, self.stride, self.padding, self.dilation)
        if padding_mode not in ("zeros", *MODES):
            known = ", ".join(["zeros", *MODES])
            raise ValueRangeError(
                f"[{name}] padding_mode must be one of {known}, got {padding_mode!r}"
            )
        self._pads = [n for span in reversed(spans) for n in (span.before, span.after)]
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self._make_parameters(shape, bias, device, dtype)

    @public
    def forward(self, input: Tensor) -> Tensor:
        padding: Sizes | str = self.padding
        if self.padding_mode != "zeros":
            input, padding = movement.pad(input, self._pads, self.padding_mode), 0
        return type(self).convolve(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )


class Conv1d(_Conv):
    """Cross-correlation of sequences: (N, in_channels, L) to (N, out_channels, L').

    >>> layer = nn.Conv1d(4, 6, kernel_size=3, dilation=2)
    >>> layer(lazygrad.zeros(2, 4, 10)).shape
    (2, 6, 6)
    """

    spatial, convolve = 1, windows.conv1d


class Conv2d(_Conv):
    """Cross-correlation of images: (N, in_channels, H, W) to (N, out_channels, H', W').

    ``padding`` is a size, a pair of them, "valid" or "same"; ``padding_mode`` is "zeros",
    "reflect", "replicate" or "circular".

    >>> layer = nn.Conv2d(3, 8, kernel_size=3, padding="same", padding_mode="reflect")
    >>> layer.weight.shape, layer(lazygrad.zeros(2, 3, 5, 5)).shape
    ((8, 3, 3, 3), (2, 8, 5, 5))
    """

    spatial, convolve = 2, windows.conv2d


class Conv3d(_Conv):
    """Cross-correlation of volumes: (N, in_channels, D, H, W) to (N, out_channels, D', H', W').

    >>> nn.Conv3d(2, 4, kernel_size=2, stride=2)(lazygrad.zeros(1, 2, 4, 4, 4)).shape
    (1, 4, 2, 2, 2)
    """

    spatial, convolve = 3, windows.conv3d


# -- transposed ------------------------------------------------------------------------------------


class _ConvTranspose(_ConvNd):
    """The transpose of a convolution. ``weight`` has shape (in_channels, out_channels / groups,
    *kernel_size)."""

    convolve: ClassVar[Callable[..., Tensor]]

    padding: Shape

    @public
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self._set_up(in_channels, out_channels, kernel_size, stride, padding, dilation, groups,
                     padding_mode)  # fmt: skip
        name = type(self).__name__
        if padding_mode != "zeros":
            raise ValueRangeError(
                f'[{name}] padding_mode must be "zeros", got {padding_mode!r}: what is cut off '
                "has no other values"
            )
        least = sizes_of(name, "output_padding", output_padding, self.spatial, 0)
        self.output_padding = least
        shape = (in_channels, out_channels // groups, *self.kernel_size)
        self._make_parameters(shape, bias, device, dtype)

    @public
    def forward(self, input: Tensor, output_size: Sizes | None = None) -> Tensor:
        """With ``output_size`` the output padding that gives these spatial sizes.

        Raises:
            ValueRangeError: for sizes that none gives.
        """
        more = self.output_padding if output_size is None else self._missing(input, output_size)
        return type(self).convolve(
            input, self.weight, self.bias, self.stride, self.padding, more, self.groups,
            self.dilation,
        )  # fmt: skip

    def _missing(self, input: Tensor, output_size: Sizes) -> Shape:
        name, count = type(self).__name__, self.spatial
        wanted = output_size if isinstance(output_size, int) else tuple(output_size)[-count:]
        wanted = sizes_of(name, "output_size", wanted, count, 1)
        inner = input.shape[input.ndim - count :]
        least = transposed_sizes(
            name, inner, self.kernel_size, self.stride, self.padding, 0, self.dilation
        )
        missing = tuple(want - size for want, size in zip(wanted, least, strict=True))
        if any(not 0 <= m < s for m, s in zip(missing, self.stride, strict=True)):
            most = tuple(size + s - 1 for size, s in zip(least, self.stride, strict=True))
            raise ValueRangeError(
                f"[{name}] output_size {wanted} must be from {tuple(least)} to {most} for an input "
                f"of spatial sizes {inner}"
            )
        return missing


class ConvTranspose1d(_ConvTranspose):
    """The transpose of ``Conv1d``: (N, in_channels, L) to (N, out_channels, L').

    >>> nn.ConvTranspose1d(4, 6, kernel_size=4, stride=2, padding=1)(lazygrad.zeros(2, 4, 5)).shape
    (2, 6, 10)
    """

    spatial, convolve = 1, windows.conv_transpose1d


class ConvTranspose2d(_ConvTranspose):
    """The transpose of ``Conv2d``: (N, in_channels, H, W) to (N, out_channels, H', W').

    >>> layer = nn.ConvTranspose2d(4, 6, kernel_size=3, stride=2)
    >>> layer(lazygrad.zeros(1, 4, 5, 5), output_size=(12, 12)).shape
    (1, 6, 12, 12)
    """

    spatial, convolve = 2, windows.conv_transpose2d


class ConvTranspose3d(_ConvTranspose):
    """The transpose of ``Conv3d``: (N, in_channels, D, H, W) to (N, out_channels, D', H', W').

    >>> nn.ConvTranspose3d(2, 4, kernel_size=2, stride=2)(lazygrad.zeros(1, 2, 2, 2, 2)).shape
    (1, 4, 4, 4, 4)
    """

    spatial, convolve = 3, windows.conv_transpose3d


# -- columns ---------------------------------------------------------------------------------------


class Unfold(Module):
    """Windows of images (N, C, H, W) as columns (N, C * kernel elements, positions).

    >>> nn.Unfold(kernel_size=2)(lazygrad.zeros(1, 3, 4, 4)).shape
    (1, 12, 9)
    """

    @public
    def __init__(
        self, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
    ) -> None:
        super().__init__()
        self.kernel_size, self.dilation = kernel_size, dilation
        self.padding, self.stride = padding, stride

    @public
    def forward(self, input: Tensor) -> Tensor:
        arguments = (self.kernel_size, self.dilation, self.padding, self.stride)
        return windows.unfold(input, *arguments)

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, "
            f"stride={self.stride}"
        )


class Fold(Unfold):
    """Columns (N, C * kernel elements, positions) to images (N, C, *output_size), in which what
    overlaps adds up.

    >>> nn.Fold(output_size=4, kernel_size=2, stride=2)(lazygrad.zeros(1, 12, 4)).shape
    (1, 3, 4, 4)
    """

    @public
    def __init__(
        self,
        output_size: Sizes,
        kernel_size: Sizes,
        dilation: Sizes = 1,
        padding: Sizes = 0,
        stride: Sizes = 1,
    ) -> None:
        super().__init__(kernel_size, dilation, padding, stride)
        self.output_size = output_size

    @public
    def forward(self, input: Tensor) -> Tensor:
        arguments = (self.kernel_size, self.dilation, self.padding, self.stride)
        return windows.fold(input, self.output_size, *arguments)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}, {super().extra_repr()}"
