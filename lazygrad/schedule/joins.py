"""Rules about JOIN: pieces that are cut out again, and padded values that add up to a join, as the
gradients of slices do."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import groupby

from lazygrad import element_types as dt, ops
from lazygrad.graph import Node, Scalar, const, node
from lazygrad.rewrite import Rules, rewrite

Span = tuple[int, Node | None]  # elements along the axis, and the piece that they are; None: zeros
PADDED = ops.PAD, ops.JOIN  # what adds up to a join
SIMPLER = {ops.JOIN, ops.CONST}  # pieces that may become part of others
LEAST_CUT = 2  # a slice of several pieces is cut out of each if that leaves so many times less


def concern(values: Iterable[Node]) -> bool:
    """Whether one of the rules may apply to a value."""
    return bool([
        value for value in values
        if (value.op is ops.ADD and value.src[0].op in PADDED and value.src[1].op in PADDED)
        or (value.op is ops.SHRINK and value.src[0].op is ops.JOIN)
        or (value.op is ops.JOIN and not SIMPLER.isdisjoint([x.op for x in value.src]))
    ])  # fmt: skip


def join(pieces: Iterable[Node], axis: int) -> Node:
    """The pieces one after the other, neighbours that are one constant as one."""
    found: list[Node] = []
    for constant, equal in groupby(pieces, _constant):
        run = list(equal)
        size = sum(piece.shape[axis] for piece in run)
        found += run if constant is None else [filled(run[0], axis, size, run[0].arg.value)]
    return node(ops.JOIN, tuple(found), axis) if len(found) > 1 else found[0]


def _constant(piece: Node) -> Hashable:
    return (piece.arg.value, piece.arg.sign) if piece.op is ops.CONST else None


def filled(like: Node, axis: int, size: int, number: Scalar) -> Node:
    """A constant as a piece of this size beside another."""
    shape = (*like.shape[:axis], size, *like.shape[axis + 1 :])
    return const(number, like.dtype, shape, like.device)


rules = Rules()


def with_joins(roots: Sequence[Node]) -> list[Node]:
    """``roots`` with sums of padded values as joins, and slices of joins as slices of pieces."""
    found = rewrite(roots, rules)
    return [found[root] for root in roots]


@rules.on(ops.JOIN)
def simpler_join(current: Node) -> Node | None:
    """Without pieces that are empty, constants side by side, and joins of its own within."""
    axis = current.arg
    pieces: list[Node] = []
    for piece in current.src:
        inside = piece.op is ops.JOIN and piece.arg == axis
        pieces += piece.src if inside else [piece] if piece.shape[axis] else []
    return join(pieces, axis)


@rules.on(ops.SHRINK)
def cut_join(current: Node) -> Node | None:
    """SHRINK of a join: of the piece that it lies in, or of each piece if little is left."""
    (inner,) = current.src
    if inner.op is not ops.JOIN:
        return None
    axis = inner.arg
    start, stop = current.arg[axis]
    parts = []
    for piece, (low, high) in zip(inner.src, _bounds(inner), strict=True):
        if low < stop and start < high:
            along = max(start - low, 0), min(stop, high) - low
            bounds = (*current.arg[:axis], along, *current.arg[axis + 1 :])
            parts.append(node(ops.SHRINK, (piece,), bounds))
    if len(parts) > 1 and current.size * LEAST_CUT > inner.size:
        return None
    return join(parts, axis)


def _bounds(joined: Node) -> Iterator[tuple[int, int]]:
    """Where each piece starts and ends."""
    at = 0
    for piece in joined.src:
        size = piece.shape[joined.arg]
        yield at, at + size
        at += size


# -- sums of padded values ------------------------------------------------------------------------


@rules.on(ops.ADD)
def add_apart(current: Node) -> Node | None:
    """ADD of values that are zero where the other is not: pieces of a join."""
    left, right = current.src
    for axis in _axes(left):
        if axis in _axes(right):
            merged = _merged(_spans(left, axis), _spans(right, axis))
            if merged is not None:
                pieces = (piece or filled(current, axis, size, 0) for size, piece in merged)
                return join(pieces, axis)
    return None


def _axes(value: Node) -> list[int]:
    """The axes along which zeros are known."""
    if value.op is ops.JOIN:
        return [value.arg]
    if value.op is not ops.PAD:
        return []
    return [axis for axis, around in enumerate(value.arg) if around != (0, 0)]


def _spans(value: Node, axis: int) -> list[Span]:
    if value.op is ops.JOIN:
        return [(piece.shape[axis], None if is_zero(piece) else piece) for piece in value.src]
    (inner,) = value.src
    low, high = value.arg[axis]
    others = tuple((0, 0) if a == axis else around for a, around in enumerate(value.arg))
    if any(around != (0, 0) for around in others):
        inner = node(ops.PAD, (inner,), others)
    return [span for span in ((low, None), (inner.shape[axis], inner), (high, None)) if span[0]]


def is_zero(value: Node) -> bool:
    """Whether it is what padding is."""
    return value.op is ops.CONST and value.arg.value == 0 and value.arg.sign > 0


def _merged(left: list[Span], right: list[Span]) -> list[Span] | None:
    """The spans of a sum; None if pieces overlap in part, or if all meet a piece of the other
    side."""
    result: list[Span] = []
    ahead, behind = left[::-1], right[::-1]
    apart = False
    while ahead:
        (a, x), (b, y) = ahead.pop(), behind.pop()
        size = min(a, b)
        if (x is not None and a > size) or (y is not None and b > size):
            return None
        ahead += [(a - size, x)] if a > size else []
        behind += [(b - size, y)] if b > size else []
        if x is not None and y is not None:
            result.append((size, node(ops.ADD, (x, y))))
            continue
        one = x if x is not None else y
        apart = apart or one is not None
        result.append((size, None if one is None else _plus_zero(one)))
    return result if apart else None


def _plus_zero(value: Node) -> Node:
    """What adding zeros makes of it: -0.0 is none of its elements any more."""
    if value.dtype.kind != dt.FLOAT or is_plus_zero(value):
        return value
    if value.op is ops.JOIN:
        return join(map(_plus_zero, value.src), value.arg)
    if value.op is ops.PAD:
        return node(ops.PAD, (_plus_zero(value.src[0]),), value.arg)
    return node(ops.ADD, (value, const(0.0, value.dtype, value.shape, value.device)))


def is_plus_zero(value: Node) -> bool:
    """Whether it is a sum with zeros, as the pieces of a sum are."""
    return value.op is ops.ADD and is_zero(value.src[1])
