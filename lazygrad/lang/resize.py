"""Images of other sizes: each element of the result is a weighted sum of a few of the input's.

How a dim is resized is a table, ``Taps``, computed on the host as PyTorch computes it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from lazygrad.graph import Node
from lazygrad.lang.elementwise import mul
from lazygrad.lang.indexing import take
from lazygrad.lang.movement import broadcast_to, reshape, unsqueeze
from lazygrad.lang.reduce import sum as sum_over

Array = np.ndarray[Any, Any]
CUBIC = -0.75  # the coefficient of PyTorch's bicubic kernel
CUBIC_ANTIALIASED = -0.5  # and of the one that is stretched
KEPT = 64  # tables


class Taps(NamedTuple):
    """For each place of a resized dim the elements that it is a sum of, and their weights, both of
    shape (places, taps); no weights where it is one element."""

    source: Array
    weight: Array | None


def resample(x: Node, axis: int, index: Node, weight: Node | None) -> Node:
    """Dim ``axis`` resized by the table given."""
    places, taps = index.shape
    if weight is None:
        return take(x, axis, reshape(index, (places,)), in_range=True)
    seen = take(x, axis, index, in_range=True)
    share = reshape(weight, (places, taps, *(1,) * (x.ndim - axis - 1)))
    return sum_over(mul(seen, share), axis + 1, dtype=x.dtype)


def repeated(x: Node, axis: int, times: int) -> Node:
    """Each element of dim ``axis`` as often as that: the nearest one, at a whole scale."""
    apart = unsqueeze(x, axis + 1)
    apart = broadcast_to(apart, (*x.shape[: axis + 1], times, *x.shape[axis + 1 :]))
    return reshape(apart, (*x.shape[:axis], x.shape[axis] * times, *x.shape[axis + 1 :]))


# -- tables ----------------------------------------------------------------------------------------


@lru_cache(KEPT)
def taps_of(
    mode: str, size: int, places: int, scale: float | None, align_corners: bool, wide: bool,
    antialias: bool,
) -> Taps:  # fmt: skip
    """How a dim of ``size`` becomes one of ``places``.

    Args:
        mode: "nearest", "nearest-exact", "linear" or "cubic".
        scale: of the result to the input, where it is not to follow from their sizes.
        wide: whether places are computed in float64, as PyTorch does for such tensors.
    """
    real: Any = np.float64 if wide else np.float32
    if align_corners:
        ratio = real((size - 1) / (places - 1) if places > 1 else 0.0)
    else:
        ratio = real(1.0 / scale if scale else size / places)
    at = np.arange(places).astype(real)
    if mode.startswith("nearest"):
        # PyTorch computes these places in float32 for all dtypes
        step, at = np.float32(ratio), at.astype(np.float32)
        shift = np.float32(0.5 if mode == "nearest-exact" else 0.0)
        nearest = np.minimum(np.floor((at + shift) * step).astype(np.int64), size - 1)
        return Taps(nearest[:, None].astype(np.int32), None)
    if antialias:
        return _antialiased(mode, size, places, ratio, real)
    half = real(0.5)
    source: Array = ratio * at if align_corners else ratio * (at + half) - half
    return _SPREAD[mode](source, size)


def _linear(source: Array, size: int) -> Taps:
    source = np.maximum(source, 0)
    low = np.minimum(source.astype(np.int64), size - 1)
    high = np.minimum(low + 1, size - 1)
    share = np.clip(source - low, 0, 1)
    return Taps(np.stack([low, high], 1).astype(np.int32), np.stack([1 - share, share], 1))


def _cubic(source: Array, size: int) -> Taps:
    low = np.floor(source)
    offsets = np.arange(-1, 3)
    index = np.clip(low[:, None].astype(np.int64) + offsets, 0, size - 1)
    distance = np.abs((source - low)[:, None] - offsets.astype(source.dtype))
    return Taps(index.astype(np.int32), cubic(distance, CUBIC))


_SPREAD: dict[str, Callable[[Array, int], Taps]] = {"linear": _linear, "cubic": _cubic}


def cubic(distance: Array, a: float) -> Array:
    """The convolution kernel of R. Keys (1981), 0 from a distance of 2 on."""
    near = ((a + 2) * distance - (a + 3)) * distance * distance + 1
    far = ((distance - 5) * distance + 8) * distance * a - 4 * a
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0)).astype(distance.dtype)


def _antialiased(mode: str, size: int, places: int, ratio: Any, real: Any) -> Taps:
    """Kernels stretched over all that one place stands for, as PIL has them."""
    reach = 1.0 if mode == "linear" else 2.0
    stretch = max(float(ratio), 1.0)
    support = reach * stretch
    center = float(ratio) * (np.arange(places) + 0.5)
    first = np.maximum((center - support + 0.5).astype(np.int64), 0)
    last = np.minimum((center + support + 0.5).astype(np.int64), size)
    index = first[:, None] + np.arange(int((last - first).max()))
    distance = np.abs((index - center[:, None] + 0.5) / stretch)
    kernel = np.maximum(1 - distance, 0) if mode == "linear" else cubic(
        distance, CUBIC_ANTIALIASED)  # fmt: skip
    weight = np.where(index < last[:, None], kernel, 0)
    weight = weight / weight.sum(1, keepdims=True)
    return Taps(np.minimum(index, size - 1).astype(np.int32), weight.astype(real))
