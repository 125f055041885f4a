"""Images of other sizes, and samples of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import floor

import numpy as np

from lazygrad.errors import ValueRangeError
from lazygrad.nn import functional as F
from lazygrad.onnx.operators.operator import Operator, Operators, plain
from lazygrad.onnx.types import Array
from lazygrad.tensor_class import Tensor

# Where output ``i`` is in the input: of sizes n and m, scale, and the part (start, end) that is
# taken.
COORDINATES: dict[str, Callable[..., Array]] = {
    "half_pixel": lambda i, n, m, s, part: (i + 0.5) / s - 0.5,
    "half_pixel_symmetric": lambda i, n, m, s, part: (
        n / 2 * (1 - m / (s * n)) + (i + 0.5) / s - 0.5
    ),
    "pytorch_half_pixel": lambda i, n, m, s, part: (i + 0.5) / s - 0.5 if m > 1 else i * 0.0,
    "align_corners": lambda i, n, m, s, part: i * (n - 1) / (s * n - 1) if m > 1 else i * 0.0,
    "asymmetric": lambda i, n, m, s, part: i / s,
    "tf_half_pixel_for_nn": lambda i, n, m, s, part: (i + 0.5) / s,
    "tf_crop_and_resize": lambda i, n, m, s, part: (
        part[0] * (n - 1) + i * (part[1] - part[0]) * (n - 1) / (m - 1)
        if m > 1
        else i * 0.0 + 0.5 * (part[0] + part[1]) * (n - 1)
    ),
}  # fmt: skip
NEAREST: dict[str, Callable[[Array], Array]] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}
REACH = {"linear": 1, "cubic": 2}  # how far a kernel is from 0


def _linear(distance: Array, a: float) -> Array:
    return np.maximum(1 - np.abs(distance), 0)


def _cubic(distance: Array, a: float) -> Array:
    """Keys' kernel (Cubic convolution interpolation for digital image processing, 1981)."""
    d = np.abs(distance)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


KERNELS = {"linear": _linear, "cubic": _cubic}


def resize(
    x: Tensor, roi: Array | None = None, scales: Array | None = None, sizes: Array | None = None,
    *, antialias: int = 0, axes: Sequence[int] | None = None,
    coordinate_transformation_mode: str = "half_pixel", cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0, extrapolation_value: float = 0.0,
    keep_aspect_ratio_policy: str = "stretch", mode: str = "nearest",
    nearest_mode: str = "round_prefer_floor",
) -> Tensor:  # fmt: skip
    """Along one axis after the other, which gives the same."""
    chosen = [axis % x.ndim for axis in (range(x.ndim) if axes is None else axes)]
    old = [x.shape[axis] for axis in chosen]
    if sizes is not None and sizes.size:
        new, factors = _fitting(old, [int(n) for n in sizes], keep_aspect_ratio_policy)
    elif scales is not None:
        factors = [float(s) for s in scales]
        new = [floor(n * s) for n, s in zip(old, factors, strict=True)]
    else:
        raise ValueRangeError("[Resize] needs scales or sizes")
    cropping = coordinate_transformation_mode == "tf_crop_and_resize"
    given = roi if cropping and roi is not None else [0.0] * len(old) + [1.0] * len(old)
    parts = zip(given[: len(old)], given[len(old) :], strict=True)
    for axis, n, m, scale, part in zip(chosen, old, new, factors, parts, strict=True):
        if n == m and scale == 1 and not cropping:
            continue
        places = COORDINATES[coordinate_transformation_mode](
            np.arange(m, dtype=np.float64), n, m, scale, part
        )
        if mode == "nearest":
            index = NEAREST[nearest_mode](places).clip(0, n - 1)
            x = x.index_select(axis, Tensor(index.astype(np.int64), device=x.device))
        else:
            stretch = min(scale, 1.0) if antialias else 1.0
            taps = _taps(places, n, mode, cubic_coeff_a, stretch, bool(exclude_outside))
            x = _interpolated(x, axis, *taps)
        if cropping:
            x = _outside(x, axis, (places < 0) | (places > n - 1), extrapolation_value)
    return x


def _fitting(
    old: Sequence[int], sizes: Sequence[int], policy: str
) -> tuple[list[int], list[float]]:
    """New sizes and scales."""
    factors = [m / n for n, m in zip(old, sizes, strict=True)]
    if policy == "stretch":
        return list(sizes), factors
    scale = min(factors) if policy == "not_larger" else max(factors)
    return [floor(scale * n + 0.5) for n in old], [scale] * len(old)


def _taps(
    places: Array, size: int, mode: str, a: float, stretch: float, exclude_outside: bool
) -> tuple[Array, Array]:
    """The elements (K, m) that each result is made of, and their weights. A kernel that is
    stretched by a scale below 1 takes in all that falls together."""
    reach = REACH[mode] / stretch
    count = int(np.ceil(2 * reach)) + (stretch < 1)
    first = np.floor(places - reach) + 1
    index = first + np.arange(count)[:, None]
    weights = KERNELS[mode]((index - places) * stretch, a)
    if exclude_outside:
        weights = np.where((index >= 0) & (index < size), weights, 0)
    if exclude_outside or stretch < 1:
        weights = weights / weights.sum(0)
    return index.clip(0, size - 1).astype(np.int64), weights


def _interpolated(x: Tensor, axis: int, index: Array, weights: Array) -> Tensor:
    shape = [1] * x.ndim
    shape[axis] = -1
    parts = [
        x.index_select(axis, Tensor(places, device=x.device))
        * Tensor(weight, dtype=x.dtype, device=x.device).reshape(shape)
        for places, weight in zip(index, weights, strict=True)
    ]
    return sum(parts[1:], parts[0])


def _outside(x: Tensor, axis: int, outside: Array, value: float) -> Tensor:
    shape = [1] * x.ndim
    shape[axis] = -1
    return x.masked_fill(Tensor(outside, device=x.device).reshape(shape), value)


def resize_10(x: Tensor, scales: Array, *, mode: str = "nearest") -> Tensor:
    return resize(
        x, None, scales, mode=mode, nearest_mode="floor",
        coordinate_transformation_mode="asymmetric",
    )  # fmt: skip


def upsample_7(x: Tensor, *, scales: Sequence[float], mode: str = "nearest") -> Tensor:
    return resize_10(x, np.array(scales), mode=mode)


MODES = {"linear": "bilinear", "cubic": "bicubic"}  # and PyTorch's names


def grid_sample(
    x: Tensor, grid: Tensor, *, align_corners: int = 0, mode: str = "linear",
    padding_mode: str = "zeros",
) -> Tensor:  # fmt: skip
    return F.grid_sample(x, grid, MODES.get(mode, mode), padding_mode, bool(align_corners))


def affine_grid(theta: Tensor, size: Array, *, align_corners: int = 0) -> Tensor:
    return F.affine_grid(theta, [int(n) for n in size], bool(align_corners))


OPERATORS: Operators = {
    **plain(GridSample=grid_sample),
    "Resize": (
        Operator(resize_10, since=10, host=(1,)),
        Operator(resize, since=11, host=(1, 2, 3)),
    ),
    "Upsample": (Operator(upsample_7, since=7), Operator(resize_10, since=9, host=(1,))),
    "AffineGrid": (Operator(affine_grid, host=(1,)),),
}
