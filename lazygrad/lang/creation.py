"""Nodes made from nothing: constants, ranges, masks."""

from __future__ import annotations

import math
from typing import Any

from lazygrad import ops
from lazygrad.element_types import (
    DType,
    accumulator,
    default_int,
    float32,
    int32,
    int64,
    require_fit,
)
from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.graph import Iota, Node, Scalar, const, node
from lazygrad.lang.elementwise import add, mul, where
from lazygrad.lang.movement import aligned, broadcast_to, reshape
from lazygrad.lang.operands import cast, full_like
from lazygrad.shape import Shape, checked_shape


def full(shape: Shape, value: Scalar, dtype: DType, device: str) -> Node:
    """``value`` everywhere.

    Raises:
        ValueRangeError: for a value that ``dtype`` does not hold.
    """
    require_fit("full", value, dtype)
    return const(value, dtype, checked_shape("full", tuple(shape)), device)


def iota(size: int, device: str, dtype: DType = int32) -> Node:
    """0, 1, ... size - 1 in one dim, an integer dtype."""
    return node(ops.IOTA, (), Iota((size,), dtype, device))


def positions(like: Node, axis: int, dtype: DType = int32) -> Node:
    """The index along ``axis`` of each element of ``like``."""
    index = iota(like.shape[axis], like.device, dtype)
    return broadcast_to(aligned(index, axis, like.ndim), like.shape)


def arange(start: Scalar, end: Scalar, step: Scalar, dtype: DType, device: str) -> Node:
    """start, start + step, ... before ``end``; shape (ceil((end - start) / step),).

    Raises:
        ValueRangeError: if a bound is not finite, if step is 0 or leads away from end, or if the
            values do not fit ``dtype``.
    """
    for name, bound in (("start", start), ("end", end), ("step", step)):
        if not isinstance(bound, int) and not math.isfinite(bound):
            raise ValueRangeError(f"[arange] {name} must be finite, got {bound}")
    if step == 0 or (dtype.is_integer and int(step) == 0):
        raise ValueRangeError(f"[arange] step must not be 0, got {step} for {dtype.name}")
    if (end - start) * (1 if step > 0 else -1) < 0:
        raise ValueRangeError(f"[arange] step {step} leads from {start} away from {end}")
    if all(isinstance(bound, int) for bound in (start, end, step)):
        count = -((start - end) // step)  # exact where a float quotient would not be
    else:
        count = math.ceil((end - start) / step)
    (count,) = checked_shape("arange", (int(count),))
    if count:
        require_fit("arange", start, dtype)
        require_fit("arange", start + (count - 1) * step, dtype)
    index = iota(count, device, default_int if not dtype.is_integer else dtype)
    if dtype.is_integer:
        return add(mul(index, int(step)), int(start))
    steps = mul(cast(index, accumulator(dtype)), step)
    return cast(add(steps, start), dtype)


def linspace(start: float, end: float, steps: int, dtype: DType, device: str) -> Node:
    """``steps`` values from ``start`` to ``end``, both included, equally far apart.

    Counted from the nearer end, so that both ends are exact.
    """
    if steps < 0:
        raise ValueRangeError(f"[linspace] steps must not be negative, got {steps}")
    for bound in (start, end) if steps else ():
        require_fit("linspace", bound, dtype)
    if steps == 1:
        return full((1,), start, dtype, device)
    index = iota(steps, device)
    carried = accumulator(dtype) if dtype.is_floating_point else float32
    gap = (end - start) / max(steps - 1, 1)
    low = add(mul(cast(index, carried), gap), start)
    back = cast(add(mul(index, -1), steps - 1), carried)
    high = add(mul(back, -gap), end)
    first_half = node(ops.LT, (index, full_like(index, (steps + 1) // 2)))
    return cast(where(first_half, low, high), dtype)


def eye(rows: int, columns: int, dtype: DType, device: str) -> Node:
    """Ones on the diagonal, shape (rows, columns)."""
    checked_shape("eye", (rows, columns))
    across = broadcast_to(reshape(iota(columns, device), (1, columns)), (rows, columns))
    down = broadcast_to(reshape(iota(rows, device), (rows, 1)), (rows, columns))
    off = node(ops.NE, (down, across))
    return where(off, full_like(off, 0, dtype), full_like(off, 1, dtype))


def triangle_mask(like: Node, diagonal: int, lower: bool) -> Node:
    """Bool: which elements of the last two dims lie on or below (``lower``), or on or above, the
    given diagonal (0: the main one, positive: above it)."""
    if like.ndim < 2:
        raise ShapeError(f"[{'tril' if lower else 'triu'}] needs 2 dims, got shape {like.shape}")
    row = positions(like, like.ndim - 2)
    column = positions(like, like.ndim - 1)
    if lower:  # column <= row + diagonal
        return node(ops.LT, (column, add(row, diagonal + 1)))
    return node(ops.LT, (add(row, diagonal - 1), column))


def tril(x: Node, diagonal: int = 0) -> Node:
    """``x`` with zeros above the diagonal of its last two dims."""
    return where(triangle_mask(x, diagonal, lower=True), x, full_like(x, 0))


def triu(x: Node, diagonal: int = 0) -> Node:
    """``x`` with zeros below the diagonal of its last two dims."""
    return where(triangle_mask(x, diagonal, lower=False), x, full_like(x, 0))


def default_range_dtype(*bounds: Any) -> DType:
    """What arange gives: int64 for whole bounds, else the default float dtype."""
    return int64 if all(isinstance(bound, int) for bound in bounds) else float32
