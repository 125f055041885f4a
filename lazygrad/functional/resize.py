"""Images of other sizes, and images sampled anywhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lazygrad import host
from lazygrad.bridge import read, wrap
from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.functional.arguments import Sizes
from lazygrad.graph import Node
from lazygrad.lang import adaptive_pool, grid, resize
from lazygrad.lang.operands import cast, require_float, widened
from lazygrad.lang.windows import sizes_of
from lazygrad.public import public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

Scales = float | Sequence[float]

# The kernel of each mode along a dim, and how many spatial dims it takes.
MODES = {
    "nearest": ("nearest", (1, 2, 3)),
    "nearest-exact": ("nearest-exact", (1, 2, 3)),
    "linear": ("linear", (1,)),
    "bilinear": ("linear", (2,)),
    "trilinear": ("linear", (3,)),
    "bicubic": ("cubic", (2,)),
    "area": ("area", (1, 2, 3)),
}
SMOOTH = ("linear", "cubic")  # kernels that can align corners
ANTIALIASED = ("bilinear", "bicubic")


@public
def interpolate(
    input: Tensor, size: Sizes | None = None, scale_factor: Scales | None = None,
    mode: str = "nearest", align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None, antialias: bool = False,
) -> Tensor:  # fmt: skip
    """The spatial dims of (N, C, ..) brought to ``size``, or scaled by ``scale_factor``.

    Args:
        mode: "nearest", "nearest-exact", "linear" (3 dims), "bilinear" (4), "bicubic" (4),
            "trilinear" (5) or "area".
        align_corners: whether the centers of the outermost elements keep their places, and not
            their outer edges.
        recompute_scale_factor: whether scales follow from the resulting sizes, which are whole.
        antialias: whether kernels are stretched where the result is smaller ("bilinear",
            "bicubic").

    Raises:
        ShapeError: for a number of dims that the mode does not take.
        ValueRangeError: for an unknown mode, both or neither of size and scale, or an option that
            the mode does not have.

    >>> x = Tensor([[[1.0, 3.0]]])
    >>> F.interpolate(x, scale_factor=2).tolist()
    [[[1.0, 1.0, 3.0, 3.0]]]
    >>> F.interpolate(x, size=3, mode="linear", align_corners=True).tolist()
    [[[1.0, 2.0, 3.0]]]
    """
    kernel = _checked_mode(mode, input.ndim, align_corners, antialias)
    own = read(input)
    require_float("interpolate", own)
    inner = own.shape[2:]
    sizes, scales = _sizes_and_scales(inner, size, scale_factor, recompute_scale_factor)
    if kernel == "area":
        return wrap(adaptive_pool.adaptive_avg_pool("interpolate", own, sizes))
    result = own if kernel.startswith("nearest") else widened(own)
    for axis, (old, new, scale) in enumerate(zip(inner, sizes, scales, strict=True), 2):
        result = _resized(result, axis, (kernel, old, new, scale), bool(align_corners), antialias)
    return wrap(cast(result, own.dtype))


def _resized(
    x: Node, axis: int, how: tuple[str, int, int, float | None], align: bool, antialias: bool
) -> Node:
    kernel, old, new, scale = how
    times = new // old
    if kernel.startswith("nearest") and new == times * old and (scale is None or scale == times):
        return resize.repeated(x, axis, times)
    if new == old and (scale is None or scale == 1.0):
        return x
    wide = x.dtype.itemsize == 8
    taps = resize.taps_of(kernel, old, new, scale, align, wide, antialias)
    index = host.leaf_of(taps.source, None, x.device)
    weight = None if taps.weight is None else host.leaf_of(taps.weight, x.dtype, x.device)
    return resize.resample(x, axis, index, weight)


def _checked_mode(mode: str, ndim: int, align_corners: bool | None, antialias: bool) -> str:
    if mode not in MODES:
        known = ", ".join(MODES)
        raise ValueRangeError(f"[interpolate] mode must be one of {known}, got {mode!r}")
    kernel, spatial = MODES[mode]
    if ndim - 2 not in spatial:
        wanted = " or ".join(str(n + 2) for n in spatial)
        raise ShapeError(f"[interpolate] mode {mode!r} takes {wanted} dims, got {ndim}")
    if align_corners is not None and kernel not in SMOOTH:
        raise ValueRangeError(f"[interpolate] mode {mode!r} has no align_corners; leave it out")
    if antialias and mode not in ANTIALIASED:
        raise ValueRangeError(
            f"[interpolate] mode {mode!r} has no antialias; it is for {' and '.join(ANTIALIASED)}"
        )
    return kernel


def _sizes_and_scales(
    inner: Sequence[int], size: Sizes | None, scale_factor: Scales | None, recompute: bool | None
) -> tuple[tuple[int, ...], list[float | None]]:
    """The result's spatial sizes, and the scales where they do not follow from these."""
    count = len(inner)
    if 0 in inner:
        raise ShapeError(f"[interpolate] there is nothing to scale in spatial sizes {inner}")
    if (size is None) == (scale_factor is None):
        raise ValueRangeError("[interpolate] give either size or scale_factor")
    if size is not None:
        if recompute:
            raise ValueRangeError("[interpolate] recompute_scale_factor needs a scale_factor")
        return sizes_of("interpolate", "size", size, count, 1), [None] * count
    listed = [scale_factor] * count if isinstance(scale_factor, int | float) else [
        *(scale_factor or ())]  # fmt: skip
    scales = [float(scale) for scale in listed if scale is not None]
    if len(scales) != count or not all(0 < scale < math.inf for scale in scales):
        raise ValueRangeError(
            f"[interpolate] scale_factor must be one or {count} numbers above 0, got "
            f"{scale_factor!r}"
        )
    sizes = tuple(math.floor(n * scale) for n, scale in zip(inner, scales, strict=True))
    if 0 in sizes:
        raise ShapeError(f"[interpolate] scale_factor {scale_factor} leaves nothing of {inner}")
    return sizes, [None] * count if recompute else list(scales)


@public
def upsample(
    input: Tensor, size: Sizes | None = None, scale_factor: Scales | None = None,
    mode: str = "nearest", align_corners: bool | None = None,
) -> Tensor:  # fmt: skip
    """``interpolate``, under the name that it had.

    >>> F.upsample(lazygrad.zeros(1, 3, 4, 4), scale_factor=2).shape
    (1, 3, 8, 8)
    """
    return interpolate(input, size, scale_factor, mode, align_corners)


@public
def upsample_nearest(
    input: Tensor, size: Sizes | None = None, scale_factor: Scales | None = None
) -> Tensor:
    """``interpolate`` with mode "nearest".

    >>> F.upsample_nearest(Tensor([[[1.0, 3.0]]]), size=4).tolist()
    [[[1.0, 1.0, 3.0, 3.0]]]
    """
    return interpolate(input, size, scale_factor, "nearest")


@public
def upsample_bilinear(
    input: Tensor, size: Sizes | None = None, scale_factor: Scales | None = None
) -> Tensor:
    """``interpolate`` with mode "bilinear" and aligned corners.

    >>> F.upsample_bilinear(lazygrad.zeros(1, 3, 4, 4), size=(8, 6)).shape
    (1, 3, 8, 6)
    """
    return interpolate(input, size, scale_factor, "bilinear", align_corners=True)


@public
def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """Where ``grid_sample`` finds an affine transform: theta (N, 2, 3) and size (N, C, H, W) to
    (N, H, W, 2), or (N, 3, 4) and (N, C, D, H, W) to (N, D, H, W, 3).

    Raises:
        ShapeError: for other shapes.

    >>> F.affine_grid(Tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]), (1, 1, 1, 2)).tolist()
    [[[[-0.5, 0.0], [0.5, 0.0]]]]
    """
    return wrap(grid.affine_grid(read(theta), tuple(size), bool(align_corners)))


@public
def grid_sample(
    input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:  # fmt: skip
    """``input`` (N, C, H, W) at the places ``grid`` (N, H', W', 2), from -1 to 1 in (x, y); or
    (N, C, D, H, W) at (N, D', H', W', 3).

    Args:
        mode: "bilinear", "nearest" or, of 4 dims, "bicubic".
        padding_mode: what is outside: "zeros", "border" or "reflection".
        align_corners: whether -1 and 1 are the centers of the outermost elements, and not their
            outer edges.

    Raises:
        ShapeError: for shapes that do not fit.
        ValueRangeError: for an unknown mode.

    >>> image = Tensor([[[[1.0, 2.0]]]])
    >>> F.grid_sample(image, Tensor([[[[0.0, 0.0], [5.0, 0.0]]]]), padding_mode="border").tolist()
    [[[[1.5, 2.0]]]]
    """
    return wrap(sample(read(input), read(grid), mode, padding_mode, bool(align_corners)))


sample = grid.grid_sample  # where the name is that of an argument
