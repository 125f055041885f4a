"""Reductions over axes. ``axes`` is None (all), one axis or several; negative ones count back."""

from __future__ import annotations

from collections.abc import Iterable

from lazygrad import ops
from lazygrad.element_types import FLOAT, DType, accumulator, bool_, default_int, uint8
from lazygrad.errors import ShapeError
from lazygrad.graph import Node, const, node
from lazygrad.lang.comparison import eq, isnan, logical_and, logical_not, logical_or, ne, to_bool
from lazygrad.lang.creation import positions
from lazygrad.lang.elementwise import (
    add,
    div,
    mul,
    reversed_order,
    sloped,
    sqrt,
    square,
    sub,
    surrogate,
    where,
)
from lazygrad.lang.movement import broadcast_to, flatten, movedim, pad, reshape, shrink
from lazygrad.lang.operands import cast, require_float, zeros_like
from lazygrad.shape import Shape, normalize_axes, normalize_axis, numel

Axes = int | Iterable[int] | None

PRODUCT_WIDTH = 8  # factors multiplied by one kernel of a product
SCAN_BLOCK = 128  # elements of a running sum that are summed one after the other


def sum(x: Node, axes: Axes = None, keepdim: bool = False, dtype: DType | None = None) -> Node:
    """Sum; 0 over nothing. Bools and integers give int64; small floats are carried in float32."""
    reduced = normalize_axes("sum", axes, x.ndim)
    if dtype is None:
        dtype = x.dtype if x.dtype.kind == FLOAT else default_int
    carried = accumulator(dtype if dtype.kind == FLOAT or x.dtype.kind != FLOAT else x.dtype)
    total = _reduce(ops.SUM, cast(x, carried), reduced)
    return _kept(cast(total, dtype), reduced, keepdim)


def _reduce(op: ops.Op, x: Node, axes: Shape) -> Node:
    """The graph's reduction, which keeps reduced dims with size 1; dims of size 1 need none."""
    needed = tuple(axis for axis in axes if x.shape[axis] != 1)
    return node(op, (x,), needed) if needed else x


def _kept(x: Node, axes: Shape, keepdim: bool) -> Node:
    if keepdim:
        return x
    return reshape(x, [n for axis, n in enumerate(x.shape) if axis not in axes])


def sum_to(x: Node, shape: Shape) -> Node:
    """Undo a broadcast: the sum of ``x`` over the dims that broadcasting ``shape`` repeated."""
    extra = x.ndim - len(shape)
    axes = list(range(extra))
    axes += [extra + i for i, n in enumerate(shape) if n == 1 and x.shape[extra + i] != 1]
    return reshape(sum(x, axes, keepdim=True, dtype=x.dtype), shape) if axes else x


def mean(x: Node, axes: Axes = None, keepdim: bool = False, dtype: DType | None = None) -> Node:
    """Arithmetic mean, of floats only; NaN over nothing."""
    x = x if dtype is None else cast(x, dtype)
    require_float("mean", x)
    reduced = normalize_axes("mean", axes, x.ndim)
    wide = cast(x, accumulator(x.dtype))
    count = numel([x.shape[axis] for axis in reduced])
    total = sum(wide, reduced, keepdim)
    return cast(div(total, float(count)), x.dtype)


def var(x: Node, axes: Axes = None, correction: float = 1, keepdim: bool = False) -> Node:
    """Variance with divisor ``count - correction``, from deviations (two passes)."""
    require_float("var", x)
    reduced = normalize_axes("var", axes, x.ndim)
    wide = cast(x, accumulator(x.dtype))
    deviation = sub(wide, mean(wide, reduced, keepdim=True))
    count = numel([x.shape[axis] for axis in reduced])
    total = sum(square(deviation), reduced, keepdim)
    return cast(div(total, float(max(count - correction, 0))), x.dtype)


def std(x: Node, axes: Axes = None, correction: float = 1, keepdim: bool = False) -> Node:
    """Standard deviation, the root of ``var``; where it is 0, so is its derivative."""
    wide = cast(x, accumulator(x.dtype))
    require_float("std", x)
    variance = var(wide, axes, correction, keepdim)
    root = sqrt(variance)
    varies = ne(variance, 0.0)
    halved = div(0.5, where(varies, root, 1.0))
    return cast(sloped(root, (variance, where(varies, halved, 0.0))), x.dtype)


def amax(x: Node, axes: Axes = None, keepdim: bool = False) -> Node:
    """The largest value; NaN if there is one. Ties share the gradient evenly.

    Raises:
        ShapeError: over an axis of size 0.
    """
    return largest(x, _nonempty("amax", x, axes), keepdim)


def largest(x: Node, axes: Axes = None, keepdim: bool = False) -> Node:
    """As ``amax``; over nothing the smallest value of the dtype, of floats -inf."""
    reduced = normalize_axes("amax", axes, x.ndim)
    return _kept(_reduce(ops.REDUCE_MAX, x, reduced), reduced, keepdim)


def amin(x: Node, axes: Axes = None, keepdim: bool = False) -> Node:
    """The smallest value; NaN if there is one. Ties share the gradient evenly."""
    reduced = _nonempty("amin", x, axes)
    return reversed_order(amax(reversed_order(x), reduced, keepdim)) if reduced else x


def _nonempty(op: str, x: Node, axes: Axes) -> Shape:
    reduced = normalize_axes(op, axes, x.ndim)
    if 0 in [x.shape[axis] for axis in reduced]:
        raise ShapeError(f"[{op}] no largest or smallest value over a dim of size 0 of {x.shape}")
    return reduced


def prod(x: Node, axes: Axes = None, keepdim: bool = False, dtype: DType | None = None) -> Node:
    """Product; 1 over nothing. Bools and integers give int64.

    A tree of multiplications, so that it and its derivatives are exact where factors are 0.
    """
    reduced = normalize_axes("prod", axes, x.ndim)
    if dtype is None:
        dtype = x.dtype if x.dtype.kind == FLOAT else default_int
    kept = [axis for axis in range(x.ndim) if axis not in reduced]
    last = movedim(cast(x, accumulator(dtype)), kept, list(range(len(kept))))
    shape = tuple(x.shape[axis] for axis in kept)
    result = _product_of_last(reshape(last, (*shape, numel([x.shape[a] for a in reduced]))))
    if keepdim:
        shape = tuple(1 if axis in reduced else n for axis, n in enumerate(x.shape))
    return cast(reshape(result, shape), dtype)


def _product_of_last(x: Node) -> Node:
    """Product over the last dim, ``PRODUCT_WIDTH`` factors at a time; it stays with size 1."""
    while True:
        size = x.shape[-1]
        if size == 1:
            return x
        if size == 0:
            return const(1, x.dtype, (*x.shape[:-1], 1), x.device)
        width = min(size, PRODUCT_WIDTH)
        groups = -(-size // width)
        edge = [(0, 0)] * (x.ndim - 1)
        x = pad(x, [*edge, (0, groups * width - size)], value=1)
        factors = reshape(x, (*x.shape[:-1], groups, width))
        result = _pick_last(factors, 0)
        for k in range(1, width):
            result = mul(result, _pick_last(factors, k))
        x = reshape(result, result.shape[:-1])
        if groups > 1:
            x = node(ops.CONTIGUOUS, (x,))


def _pick_last(x: Node, k: int) -> Node:
    return shrink(x, [*((0, n) for n in x.shape[:-1]), (k, k + 1)])


def any(x: Node, axes: Axes = None, keepdim: bool = False) -> Node:
    """Whether something differs from 0; False over nothing. bool, but uint8 of uint8."""
    reduced = normalize_axes("any", axes, x.ndim)
    found = _kept(_reduce(ops.REDUCE_MAX, to_bool(x), reduced), reduced, keepdim)
    return cast(found, _truth_dtype(x))


def all(x: Node, axes: Axes = None, keepdim: bool = False) -> Node:
    """Whether nothing is 0; True over nothing. bool, but uint8 of uint8."""
    return cast(logical_not(any(logical_not(x), axes, keepdim)), _truth_dtype(x))


def _truth_dtype(x: Node) -> DType:
    """PyTorch's: uint8 was its bool once."""
    return x.dtype if x.dtype is uint8 else bool_


def first_maximum(x: Node, axis: int, allowed: Node | None = None) -> Node:
    """int32 index along ``axis`` (kept with size 1) of the first largest value, or first NaN, of
    those ``allowed`` (bool), which must include one."""
    largest = node(ops.REDUCE_MAX, (x,), (axis,))
    hit = eq(x, broadcast_to(largest, x.shape))
    if x.dtype.kind == FLOAT:
        hit = logical_or(hit, isnan(x))
    if allowed is not None:
        hit = logical_and(hit, allowed)
    size = x.shape[axis]
    countdown = sub(size, positions(x, axis))  # size at the front ... 1 at the end
    found = node(ops.WHERE, (hit, countdown, zeros_like(countdown)))
    return sub(size, node(ops.REDUCE_MAX, (found,), (axis,)))


def select_first(x: Node, index: Node, axis: int) -> Node:
    """The value of ``x`` at ``index`` (size 1 along ``axis``), as a sum over positions."""
    here = positions(x, axis)
    miss = node(ops.NE, (broadcast_to(index, x.shape), here))
    return node(ops.SUM, (node(ops.WHERE, (miss, zeros_like(x), x)),), (axis,))


def max_with_index(x: Node, dim: int, keepdim: bool = False) -> tuple[Node, Node]:
    """Largest values along ``dim`` and their int64 indices; the first of equals takes both the
    index and the gradient."""
    return _extreme("max", x, dim, keepdim, smallest=False)


def min_with_index(x: Node, dim: int, keepdim: bool = False) -> tuple[Node, Node]:
    """Smallest values along ``dim`` and their int64 indices; the first of equals takes both."""
    return _extreme("min", x, dim, keepdim, smallest=True)


def _extreme(op: str, x: Node, dim: int, keepdim: bool, smallest: bool) -> tuple[Node, Node]:
    axis = normalize_axis(op, dim, x.ndim)
    if x.ndim == 0:
        return x, zeros_like(x, default_int)
    axes = _nonempty(op, x, axis)
    ordered = reversed_order(x) if smallest else x
    index = first_maximum(ordered, axis)
    largest = node(ops.REDUCE_MAX, (ordered,), (axis,))
    value = reversed_order(largest) if smallest else largest
    value = surrogate(value, select_first(x, index, axis))
    return _kept(value, axes, keepdim), _kept(cast(index, default_int), axes, keepdim)


def argmax(x: Node, dim: int | None = None, keepdim: bool = False) -> Node:
    """int64 index of the first largest value; over the flattened tensor without ``dim``."""
    return _arg_extreme("argmax", x, dim, keepdim, smallest=False)


def argmin(x: Node, dim: int | None = None, keepdim: bool = False) -> Node:
    """int64 index of the first smallest value; over the flattened tensor without ``dim``."""
    return _arg_extreme("argmin", x, dim, keepdim, smallest=True)


def _arg_extreme(op: str, x: Node, dim: int | None, keepdim: bool, smallest: bool) -> Node:
    if x.ndim == 0:
        normalize_axis(op, dim or 0, 0)
        return zeros_like(x, default_int)
    if dim is None:
        index = _arg_extreme(op, flatten(x), 0, False, smallest)
        return reshape(index, (1,) * x.ndim) if keepdim else index
    axis = normalize_axis(op, dim, x.ndim)
    axes = _nonempty(op, x, axis)
    index = first_maximum(reversed_order(x) if smallest else x, axis)
    return _kept(cast(index, default_int), axes, keepdim)


def cumsum(x: Node, dim: int, dtype: DType | None = None) -> Node:
    """Running sum along ``dim``."""
    if dtype is None:
        dtype = x.dtype if x.dtype.kind == FLOAT else default_int
    axis = normalize_axis("cumsum", dim, x.ndim)
    wide = cast(x, accumulator(dtype))
    if x.ndim == 0 or x.size == 0:
        return cast(wide, dtype)
    return cast(_scan(wide, axis), dtype)


def _scan(x: Node, axis: int) -> Node:
    """In blocks, side by side: what runs within a block, and the totals of the blocks before."""
    left, size, right = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
    if size <= SCAN_BLOCK:
        return _scan_block(x, axis)
    width = _scan_width(size)
    blocks = -(-size // width)
    padded = pad(x, _edge(x, axis, 0, blocks * width - size))
    split = reshape(padded, (*left, blocks, width, *right))
    totals = node(ops.CONTIGUOUS, (sum(split, axis + 1, dtype=x.dtype),))
    before = pad(_scan(totals, axis), _edge(totals, axis, 1, -1))
    within = _scan_block(split, axis + 1)
    result = add(within, reshape(before, (*left, blocks, 1, *right)))
    if padded is x:
        return reshape(result, x.shape)
    # written before it is cut: what lies in blocks is computed in blocks
    whole = reshape(node(ops.CONTIGUOUS, (result,)), padded.shape)
    return pad(whole, _edge(x, axis, 0, size - blocks * width))


def _edge(x: Node, axis: int, before: int, after: int) -> list[tuple[int, int]]:
    """Pads along one axis only."""
    return [(before, after) if i == axis else (0, 0) for i in range(x.ndim)]


def _scan_width(size: int) -> int:
    """Of blocks: such that they divide ``size``, if there is one."""
    near = range(SCAN_BLOCK, SCAN_BLOCK // 4, -1)
    return next((width for width in near if size % width == 0), SCAN_BLOCK)


def _scan_block(x: Node, axis: int) -> Node:
    """out[.., i, ..] = sum over k <= i of x[.., k, ..], which ``kernel.running`` finds again."""
    left, size, right = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
    source = broadcast_to(reshape(x, (*left, 1, size, *right)), (*left, size, size, *right))
    row, column = positions(source, axis), positions(source, axis + 1)
    later = node(ops.LT, (row, column))
    return sum(node(ops.WHERE, (later, zeros_like(source), source)), axis + 1, dtype=x.dtype)
