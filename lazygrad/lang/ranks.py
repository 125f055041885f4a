"""What is found by its rank among the elements along a dim: medians, quantiles, modes."""

from __future__ import annotations

import math
from collections.abc import Callable

from lazygrad import ops
from lazygrad.element_types import FLOAT, accumulator, default_int
from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.graph import Node, const, node
from lazygrad.lang.comparison import eq, isnan, logical_not, logical_or
from lazygrad.lang.elementwise import clamp, detach, div, lerp, mul, sub, surrogate, where
from lazygrad.lang.movement import broadcast_to, flatten, movedim, reshape, shrink
from lazygrad.lang.operands import cast, full_like, require_float, zeros_like
from lazygrad.lang.reduce import any as any_over, first_maximum, sum as sum_over
from lazygrad.lang.rounding import ceil, floor, round as rounded
from lazygrad.lang.sort import order, search
from lazygrad.shape import normalize_axis

Found = tuple[Node, Node]  # values, and their int64 indices


def sort(x: Node, dim: int, descending: bool = False, count: int | None = None) -> Found:
    """The first ``count`` (or all) elements along ``dim`` in order."""
    axis = normalize_axis("sort", dim, x.ndim)
    if not x.ndim:
        return x, zeros_like(x, default_int)
    last = movedim(x, axis, -1)
    index = order(detach(last), descending, count)
    values = node(ops.GATHER, (last, index), x.ndim - 1)
    return movedim(values, -1, axis), movedim(index, -1, axis)


def topk(x: Node, k: int, dim: int, largest: bool) -> Found:
    """The ``k`` largest or smallest elements along ``dim``, in order.

    Raises:
        ValueRangeError: for more than there are.
    """
    size = x.shape[normalize_axis("topk", dim, x.ndim)] if x.ndim else 1
    if not 0 <= k <= size:
        raise ValueRangeError(f"[topk] k must be from 0 to {size}, the size of dim {dim}, got {k}")
    return sort(x, dim, largest, k)


def _pick(x: Node, axis: int, index: Node, keepdim: bool) -> Found:
    """What ``index`` (size 1 along ``axis``) names."""
    value = node(ops.GATHER, (x, index), axis)
    index = cast(index, default_int)
    if keepdim:
        return value, index
    shape = (*x.shape[:axis], *x.shape[axis + 1 :])
    return reshape(value, shape), reshape(index, shape)


def _along(op: str, x: Node, dim: int) -> int:
    axis = normalize_axis(op, dim, x.ndim)
    if x.ndim and not x.shape[axis]:
        raise ShapeError(f"[{op}] there is none over dim {dim} of size 0 of shape {x.shape}")
    return axis


def _place(places: Node, axis: int, at: int) -> Node:
    bounds = [(at, at + 1) if d == axis else (0, n) for d, n in enumerate(places.shape)]
    return shrink(places, bounds)


def kthvalue(x: Node, k: int, dim: int, keepdim: bool = False) -> Found:
    """The ``k``-th smallest element along ``dim``, counted from 1.

    Raises:
        ValueRangeError: for one that is not there.
    """
    axis = _along("kthvalue", x, dim)
    size = x.shape[axis] if x.ndim else 1
    if not 1 <= k <= size:
        raise ValueRangeError(f"[kthvalue] k must be from 1 to {size}, got {k}")
    if not x.ndim:
        return x, zeros_like(x, default_int)
    _, places = sort(x, axis, count=k)
    return _pick(x, axis, _place(places, axis, k - 1), keepdim)


def median(x: Node, dim: int, keepdim: bool = False, skip_nan: bool = False) -> Found:
    """The lower of the middle elements along ``dim``; NaN if there is one, unless skipped."""
    axis = _along("nanmedian" if skip_nan else "median", x, dim)
    if not x.ndim:
        return x, zeros_like(x, default_int)
    middle = (x.shape[axis] - 1) // 2
    if x.dtype.kind != FLOAT:
        _, places = sort(x, axis, count=middle + 1)
        return _pick(x, axis, _place(places, axis, middle), keepdim)
    fixed = detach(x)
    missing = isnan(fixed)
    _, places = sort(fixed, axis)
    if skip_nan:
        there = sum_over(logical_not(missing), axis, keepdim=True)
        middle_of = node(ops.DIV, (clamp(sub(there, 1), 0), full_like(there, 2)))
        return _pick(x, axis, node(ops.GATHER, (places, middle_of), axis), keepdim)
    first = cast(first_maximum(fixed, axis), default_int)  # a NaN, if there is one
    found = any_over(missing, axis, keepdim=True)
    return _pick(x, axis, where(found, first, _place(places, axis, middle)), keepdim)


def median_of_all(x: Node, skip_nan: bool = False) -> Node:
    """The median of all elements; equals share the gradient. NaN of none."""
    flat = flatten(x)
    if not flat.size:
        require_float("median", x)
        return const(math.nan, x.dtype, (), x.device)
    value, _ = median(flat, 0, skip_nan=skip_nan)
    if x.dtype.kind != FLOAT:
        return value
    fixed, chosen = detach(flat), detach(broadcast_to(reshape(value, (1,)), flat.shape))
    same = eq(fixed, chosen)
    same = logical_or(same, where(isnan(chosen), isnan(fixed), full_like(same, False)))
    wide = cast(same, accumulator(x.dtype))
    shared = div(sum_over(where(same, flat, zeros_like(flat))), sum_over(wide))
    return surrogate(value, cast(shared, value.dtype))


# -- quantiles -------------------------------------------------------------------------------------

_MODES: dict[str, Callable[[Node], tuple[Node, Node]]] = {
    "lower": lambda rank: (floor(rank), floor(rank)),
    "higher": lambda rank: (ceil(rank), ceil(rank)),
    "nearest": lambda rank: (rounded(rank), rounded(rank)),
    "midpoint": lambda rank: (floor(rank), ceil(rank)),
    "linear": lambda rank: (floor(rank), ceil(rank)),
}


def quantile(x: Node, q: Node, dim: int, interpolation: str, skip_nan: bool) -> Node:
    """Quantiles along ``dim``, which becomes the last one, of the size of the vector ``q``.

    Raises:
        ShapeError: for a dim of size 0.
        ValueRangeError: for an unknown interpolation.
    """
    op = "nanquantile" if skip_nan else "quantile"
    if interpolation not in _MODES:
        raise ValueRangeError(
            f"[{op}] interpolation must be one of {', '.join(_MODES)}, got {interpolation!r}"
        )
    require_float(op, x)
    axis = _along(op, x, dim)
    ordered = movedim(sort(x, axis)[0], axis, -1) if x.ndim else reshape(x, (1,))
    missing = isnan(detach(ordered))
    size = ordered.shape[-1]
    shape = (*ordered.shape[:-1], q.size)
    share = broadcast_to(reshape(q, (1,) * (len(shape) - 1) + q.shape), shape)
    if skip_nan:
        there = sum_over(logical_not(missing), -1, keepdim=True, dtype=default_int)
        rank = mul(share, cast(clamp(sub(there, 1), 0), x.dtype))
    else:  # a NaN is what comes last
        rank = mul(share, float(size - 1))
        found = broadcast_to(any_over(missing, -1, keepdim=True), shape)
        rank = where(found, full_like(rank, float(size - 1)), rank)
    below, above = (cast(place, default_int) for place in _MODES[interpolation](detach(rank)))
    low = node(ops.GATHER, (ordered, below), len(shape) - 1)
    if interpolation not in ("linear", "midpoint"):
        return low
    high = node(ops.GATHER, (ordered, above), len(shape) - 1)
    weight = full_like(low, 0.5) if interpolation == "midpoint" else sub(rank, floor(rank))
    return lerp(low, high, weight)


# -- the most frequent -----------------------------------------------------------------------------


def mode(x: Node, dim: int, keepdim: bool = False) -> Found:
    """The most frequent value along ``dim``, the smallest of several; the index of its last one."""
    axis = _along("mode", x, dim)
    if not x.ndim:
        return x, zeros_like(x, default_int)
    ordered, places = sort(detach(x), axis)
    ordered, places = movedim(ordered, axis, -1), movedim(places, axis, -1)
    last = search(ordered, ordered, right=True)
    count = sub(last, search(ordered, ordered))
    most = first_maximum(count, x.ndim - 1)
    end = sub(node(ops.GATHER, (last, most), x.ndim - 1), 1)
    index = node(ops.GATHER, (places, end), x.ndim - 1)
    return _pick(x, axis, movedim(index, -1, axis), keepdim)
