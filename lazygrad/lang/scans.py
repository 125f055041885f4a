"""What runs along a dim, but for sums: by doubling, each step one kernel over all elements."""

from __future__ import annotations

from collections.abc import Callable

from lazygrad import ops
from lazygrad.element_types import BOOL, FLOAT, DType, accumulator, default_int, int32
from lazygrad.errors import ShapeError
from lazygrad.graph import Node, Scalar, node
from lazygrad.lang.comparison import eq, isnan, logical_or, logical_xor
from lazygrad.lang.creation import positions
from lazygrad.lang.elementwise import add, contiguous, detach, div, mul, reversed_order, sub, where
from lazygrad.lang.join import cat
from lazygrad.lang.movement import broadcast_to, narrow, pad, reshape
from lazygrad.lang.operands import Operand, cast, full_like, to_float, widened, zeros_like
from lazygrad.lang.reduce import cumsum, sum as sum_over
from lazygrad.lang.transcendental import logaddexp
from lazygrad.shape import normalize_axis

Combine = Callable[[Node, Node], Node]


def _running(x: Node, axis: int, combine: Combine, nothing: Scalar) -> Node:
    """out[i] combines x[0] ... x[i] along ``axis``; ``nothing`` changes nothing."""
    step, size = 1, x.shape[axis]
    while step < size:
        edges = [(step, 0) if d == axis else (0, 0) for d in range(x.ndim)]
        earlier = pad(narrow(x, axis, 0, size - step), edges, nothing)
        x = contiguous(combine(earlier, x))
        step *= 2
    return x


def cumprod(x: Node, dim: int, dtype: DType | None = None) -> Node:
    """Running product along ``dim``; its derivative is exact where factors are 0."""
    axis = normalize_axis("cumprod", dim, x.ndim)
    if dtype is None:
        dtype = x.dtype if x.dtype.kind == FLOAT else default_int
    wide = cast(x, accumulator(dtype))
    return cast(_running(wide, axis, mul, 1) if x.ndim else wide, dtype)


def logcumsumexp(x: Node, dim: int) -> Node:
    """``log(cumsum(exp(x)))`` along ``dim``, without overflow."""
    axis = normalize_axis("logcumsumexp", dim, x.ndim)
    x = to_float(x)
    wide = widened(x)
    return cast(_running(wide, axis, logaddexp, -float("inf")) if x.ndim else wide, x.dtype)


def cummax(x: Node, dim: int, smallest: bool = False) -> tuple[Node, Node]:
    """The largest (or smallest) element up to each along ``dim``, and its int64 index: of equals
    the last. NaN stays from the first on."""
    axis = normalize_axis("cummin" if smallest else "cummax", dim, x.ndim)
    if not x.ndim or not x.size:
        return x, zeros_like(x, default_int)
    fixed = detach(reversed_order(x) if smallest else x)
    hit = eq(fixed, _running(fixed, axis, _larger, x.dtype.min))
    if x.dtype.kind == FLOAT:
        hit = logical_or(hit, isnan(fixed))
    place = positions(x, axis)
    index = _running(where(hit, place, zeros_like(place)), axis, _larger, 0)
    return node(ops.GATHER, (x, cast(index, int32)), axis), cast(index, default_int)


def _larger(left: Node, right: Node) -> Node:
    return node(ops.MAX, (left, right))


def diff(x: Node, n: int, dim: int) -> Node:
    """``n`` times the differences of neighbours along ``dim``; of bools: whether they differ."""
    axis = normalize_axis("diff", dim, x.ndim)
    for _ in range(min(n, x.shape[axis])):
        size = max(x.shape[axis] - 1, 0)
        earlier, later = narrow(x, axis, 0, size), narrow(x, axis, x.shape[axis] - size, size)
        x = logical_xor(later, earlier) if x.dtype.kind == BOOL else sub(later, earlier)
    return x


def trapezoids(op: str, y: Node, x: Operand, dim: int) -> tuple[Node, int]:
    """The areas below neighbours along ``dim``, which lie ``x`` apart or at ``x``; and the dim's
    number.

    Raises:
        ShapeError: for places that do not fit.
    """
    axis = normalize_axis(op, dim, y.ndim)
    if not y.ndim:
        raise ShapeError(f"[{op}] a scalar has no neighbours")
    size = y.shape[axis]
    if isinstance(x, Node):
        if not x.ndim:
            raise ShapeError(f"[{op}] places have at least one dim, got a scalar; give it as dx")
        if x.ndim == 1:
            if x.shape[0] != size:
                raise ShapeError(f"[{op}] {x.shape[0]} places for {size} values along dim {dim}")
            x = reshape(x, (size,) + (1,) * (y.ndim - axis - 1))
        x = diff(x, 1, axis - y.ndim)
    count = max(size - 1, 0)
    heights = add(narrow(y, axis, 0, count), narrow(y, axis, size - count, count))
    return div(mul(heights, x), 2.0), axis


def trapezoid(y: Node, x: Operand, dim: int) -> Node:
    """The integral along ``dim`` by the trapezoidal rule."""
    areas, axis = trapezoids("trapezoid", y, x, dim)
    return sum_over(areas, axis)


def cumulative_trapezoid(y: Node, x: Operand, dim: int) -> Node:
    """The integrals up to each element along ``dim`` but the first."""
    areas, axis = trapezoids("cumulative_trapezoid", y, x, dim)
    return cumsum(areas, axis)


def between(x: Node, before: Node | None, after: Node | None, dim: int) -> Node:
    """``x`` between other values along ``dim``; scalars stand for a slice of it."""
    axis = normalize_axis("diff", dim, x.ndim)
    if not x.ndim:
        raise ShapeError("[diff] a scalar has no neighbours")
    slice_shape = tuple(1 if d == axis else n for d, n in enumerate(x.shape))
    parts = [part for part in (before, x, after) if part is not None]
    return cat([part if part.ndim else broadcast_to(part, slice_shape) for part in parts], axis)


def gradient(x: Node, axis: int, gaps: Operand, edge_order: int) -> Node:
    """Estimates of the derivative along ``axis`` from neighbours, which are ``gaps`` (a number, or
    a vector of one for each pair) apart: the parabola through three of them, or at the ends, if
    ``edge_order`` is 1, the line through two.

    Raises:
        ShapeError: for less than ``edge_order + 1`` values.
    """
    size = x.shape[axis]
    if size <= edge_order:
        raise ShapeError(
            f"[gradient] needs at least {edge_order + 1} values along dim {axis}, got {x.shape}"
        )
    if isinstance(gaps, Node):
        gaps = reshape(gaps, (size - 1,) + (1,) * (x.ndim - axis - 1))
    widths = add(full_like(narrow(x, axis, 0, size - 1), 0.0), gaps)
    slopes = div(diff(x, 1, axis), widths)
    if size == 2:
        return cat([slopes, slopes], axis)

    def pairs(of: Node) -> tuple[Node, Node]:
        return narrow(of, axis, 0, size - 2), narrow(of, axis, 1, size - 2)

    (before, after), (left, right) = pairs(slopes), pairs(widths)
    inner = div(add(mul(before, right), mul(after, left)), add(left, right))
    first, last = narrow(slopes, axis, 0, 1), narrow(slopes, axis, size - 2, 1)
    if edge_order == 2:  # the parabola's slope at the end: as far beyond the line's as at the other
        first = sub(mul(first, 2.0), narrow(inner, axis, 0, 1))
        last = sub(mul(last, 2.0), narrow(inner, axis, size - 3, 1))
    return cat([first, inner, last], axis)
