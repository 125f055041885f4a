"""Gathers and scatters whose indices are known."""

from __future__ import annotations

from lazygrad import ops
from lazygrad.graph import Iota, Node, node
from lazygrad.schedule.rules.table import expand, is_const, like, rules


@rules.on(ops.GATHER)
def gather_zeros(current: Node) -> Node | None:
    table = current.src[0]
    zeros = is_const(table, 0) and table.arg.sign > 0
    return like(current, 0) if zeros or table.size == 0 else None


@rules.on(ops.GATHER)
def gather_in_order(current: Node) -> Node | None:
    """The first elements, as of positions that are counted: a piece, or all and zeros."""
    table, index = current.src
    axis = current.arg
    return _cut_to(table, axis, index.shape[axis]) if _counts(index, axis) else None


@rules.on(ops.SCATTER)
def scatter_in_order(current: Node) -> Node | None:
    """Each element goes to its own position."""
    index, value = current.src
    axis, size, combine = current.arg
    in_order = combine in (None, ops.ADD) and _counts(index, axis)
    return _cut_to(value, axis, size) if in_order else None


def _counts(index: Node, axis: int) -> bool:
    """Whether an index is 0 1 2 ... along ``axis``, everywhere."""
    line = tuple(size if a == axis else 1 for a, size in enumerate(index.shape))
    for op in (ops.EXPAND, ops.RESHAPE):
        if index.op is op and index.src[0].shape in (line, line[axis : axis + 1]):
            (index,) = index.src
    return index.op is ops.IOTA and index.shape == line[axis : axis + 1]


def _cut_to(value: Node, axis: int, size: int) -> Node:
    """The first ``size`` elements along a dim; zeros where there are fewer."""
    old = value.shape[axis]
    bounds = tuple((0, min(size, n) if a == axis else n) for a, n in enumerate(value.shape))
    fill = tuple((0, max(size - old, 0) if a == axis else 0) for a in range(value.ndim))
    return node(ops.PAD, (node(ops.SHRINK, (value,), bounds),), fill)


@rules.on(ops.SCATTER)
def scatter_nothing(current: Node) -> Node | None:
    value, combine = current.src[1], current.arg.combine
    zeros = is_const(value, 0) and value.arg.sign > 0 and combine in (None, ops.ADD)
    if value.size and not zeros:
        return None
    return like(current, ops.NOTHING[combine](current.dtype))


@rules.on(ops.SCATTER)
def scatter_one(current: Node) -> Node | None:
    """Where one element of each row goes, every place can tell by itself: so the gradient of a
    loss that picks one score a row is elementwise."""
    index, value = current.src
    axis, size, combine = current.arg
    if index.shape[axis] != 1:
        return None
    iota = node(ops.IOTA, (), Iota((size,), index.dtype, index.device))
    line = tuple(size if a == axis else 1 for a in range(current.ndim))
    place = expand(node(ops.RESHAPE, (iota,), line), current.shape)
    missed = node(ops.NE, (expand(index, current.shape), place))
    nothing = like(current, ops.NOTHING[combine](current.dtype))
    return node(ops.WHERE, (missed, nothing, expand(value, current.shape)))
