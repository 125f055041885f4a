"""Movements that move nothing, and two in a row that are one."""

from __future__ import annotations

from lazygrad import ops
from lazygrad.graph import Node, node
from lazygrad.schedule.rules.table import rules


@rules.on(ops.RESHAPE, ops.EXPAND)
def keep_shape(current: Node) -> Node | None:
    return current.src[0] if current.src[0].shape == current.shape else None


@rules.on(ops.RESHAPE)
def reshape_reshaped(current: Node) -> Node | None:
    inner = current.src[0]
    return node(ops.RESHAPE, inner.src, current.arg) if inner.op is ops.RESHAPE else None


@rules.on(ops.EXPAND)
def expand_expanded(current: Node) -> Node | None:
    inner = current.src[0]
    return node(ops.EXPAND, inner.src, current.arg) if inner.op is ops.EXPAND else None


@rules.on(ops.PERMUTE)
def permute_permuted(current: Node) -> Node | None:
    inner = current.src[0]
    if current.arg == tuple(range(inner.ndim)):
        return inner
    if inner.op is not ops.PERMUTE:
        return None
    return node(ops.PERMUTE, inner.src, tuple(inner.arg[axis] for axis in current.arg))


@rules.on(ops.PAD)
def pad_nothing(current: Node) -> Node | None:
    inner = current.src[0]
    if all(pair == (0, 0) for pair in current.arg):
        return inner
    if inner.op is not ops.PAD:
        return None
    both = zip(current.arg, inner.arg, strict=True)
    return node(ops.PAD, inner.src, tuple((a + c, b + d) for (a, b), (c, d) in both))


@rules.on(ops.SHRINK)
def shrink_nothing(current: Node) -> Node | None:
    inner = current.src[0]
    if current.shape == inner.shape:
        return inner
    if inner.op is ops.SHRINK:
        both = zip(current.arg, inner.arg, strict=True)
        return node(ops.SHRINK, inner.src, tuple((a + c, b + c) for (a, b), (c, _) in both))
    return None


@rules.on(ops.SHRINK)
def shrink_padded(current: Node) -> Node | None:
    """What was only just padded around is cut off again."""
    inner = current.src[0]
    if inner.op is not ops.PAD:
        return None
    before = inner.src[0].shape
    pairs = zip(current.arg, inner.arg, before, strict=True)
    inside = [low <= start and stop <= low + size for (start, stop), (low, _), size in pairs]
    if not all(inside):
        return None
    moved = zip(current.arg, inner.arg, strict=True)
    return node(
        ops.SHRINK, inner.src, tuple((start - low, stop - low) for (start, stop), (low, _) in moved)
    )


@rules.on(ops.FLIP)
def flip_flipped(current: Node) -> Node | None:
    inner = current.src[0]
    axes = tuple(axis for axis in current.arg if inner.shape[axis] > 1)
    if axes != current.arg:
        return node(ops.FLIP, (inner,), axes) if axes else inner
    if inner.op is ops.FLIP:
        both = tuple(sorted(set(axes) ^ set(inner.arg)))
        return node(ops.FLIP, inner.src, both) if both else inner.src[0]
    return None
