"""Reductions of what is one element, reduced already, or repeated."""

from __future__ import annotations

from lazygrad import ops
from lazygrad.graph import Node, node
from lazygrad.schedule.rules.table import expand, rules


@rules.on(*ops.REDUCE)
def reduce_single_elements(current: Node) -> Node | None:
    """Axes of size 1 need no reduction."""
    inner = current.src[0]
    axes = tuple(axis for axis in current.arg if inner.shape[axis] != 1)
    if axes == current.arg:
        return None
    return node(current.op, (inner,), axes) if axes else inner


@rules.on(*ops.REDUCE)
def reduce_reduced(current: Node) -> Node | None:
    """A sum of a sum is one sum."""
    inner = current.src[0]
    if inner.op is not current.op or inner.arg == ():
        return None
    return node(current.op, inner.src, tuple(sorted(set(current.arg) | set(inner.arg))))


@rules.on(ops.REDUCE_MAX)
def max_of_expanded(current: Node) -> Node | None:
    inner = current.src[0]
    if inner.op is not ops.EXPAND or 0 in inner.shape:
        return None
    before = inner.src[0].shape
    axes = tuple(axis for axis in current.arg if before[axis] != 1)
    if axes == current.arg:
        return None
    shape = tuple(1 if axis in current.arg else n for axis, n in enumerate(inner.shape))
    kept = tuple(n if axis in axes else shape[axis] for axis, n in enumerate(inner.shape))
    moved = expand(inner.src[0], kept)
    return node(current.op, (moved,), axes) if axes else moved
