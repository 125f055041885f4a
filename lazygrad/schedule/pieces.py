"""Where the pieces of joins go: each is stored where it belongs in the memory of the whole, by a
kernel of its own shape; or, if that costs less, each reader selects what it needs from all of them.

A stored join costs a store for each piece, and for each shape of pieces a kernel: linear in bytes
and in code. What follows it element by element is done piece by piece, before it is stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lazygrad import ops
from lazygrad.element_types import bool_
from lazygrad.graph import Node, const, node, toposort
from lazygrad.kernel.target import Target
from lazygrad.ops import Kind
from lazygrad.schedule import joins, meet
from lazygrad.schedule.draft import is_pointwise, nbytes, sources, work_of
from lazygrad.schedule.price import ARGUMENT, FAR
from lazygrad.schedule.siblings import is_small
from lazygrad.schedule.simplify import base_of
from lazygrad.shape import Shape

SELECT = 4  # additions that a piece costs an element: it is loaded under a guard, and chosen
READ_OFTEN = 4  # times; what is read so often is written anyway
MOST_CONTRACTIONS = 8  # of a join that are stored in place
PIECE = "piece"  # what the CONTIGUOUS of one says, with its join and its number

Piecewise = tuple[Node, Shape]  # a join, and the shape that it is seen in


def with_stored_joins(roots: Sequence[Node], target: Target) -> tuple[list[Node], bool]:
    """``roots`` with no joins but those that are to be stored in pieces; whether there are any."""
    made = _Joins(roots, target)
    found = made.rewritten()
    return [found[root] for root in roots], bool(made.stored)


def side_by_side(values: Sequence[Node], axis: int) -> Node:
    """A join of values, each of which is stored as a piece of it."""
    join = node(ops.JOIN, tuple(values), axis)
    return node(ops.JOIN, tuple(_piece(join, n, value) for n, value in enumerate(values)), axis)


def _piece(join: Node, number: int, value: Node) -> Node:
    """``value`` to be written as this piece: one value can be several."""
    return node(ops.CONTIGUOUS, (value,), (PIECE, join, number))


def _is_piece(value: Node) -> bool:
    return value.op is ops.CONTIGUOUS and value.arg is not None and value.arg[0] == PIECE


def with_pieces(roots: Sequence[Node]) -> list[Node]:
    """``roots`` with each piece of a join as a value of its own, to be written. A join within a
    join is no value, but its pieces are, if nothing else reads it. Contractions cannot share a
    kernel, and one for each place takes long to generate: many equal ones are copied to their
    places."""
    order = toposort(roots)
    readers = _readers(order)
    outputs = set(roots)
    made: dict[Node, Node] = {}

    def own(value: Node) -> bool:
        return len(readers[value]) == 1 and value not in outputs

    def stored(join: Node) -> Iterator[Node]:
        copied = {x for x in join.src if own(x) and _contracts(x)}
        for number, piece in enumerate(join.src):
            value = made[piece]
            if _is_piece(piece) or (piece.op is ops.JOIN and own(piece)):
                yield value
                continue
            if len(copied) > MOST_CONTRACTIONS and piece in copied:
                value = node(ops.CONTIGUOUS, (value,))
            yield _like(join, _piece(join, number, value))

    for value in order:
        if value.op is ops.JOIN:
            src = tuple(stored(value))
        else:
            src = tuple(made[operand] for operand in value.src)
        made[value] = _rebuilt(value, src)
    return [made[root] for root in roots]


def _contracts(piece: Node) -> bool:
    """Whether it is a contraction, or what follows one element by element."""
    found = [base_of(piece)]
    for value in found:  # grows while it is walked
        if meet.contracts(value):
            return True
        if is_pointwise(value) and len(found) < FAR:
            found += [x for x in sources(value) if x.size == piece.size and x not in found]
    return False


def _readers(order: Sequence[Node]) -> dict[Node, list[Node]]:
    readers: dict[Node, list[Node]] = {}
    for value in order:
        for operand in value.src:
            readers.setdefault(operand, []).append(value)
    return readers


def _rebuilt(value: Node, src: tuple[Node, ...]) -> Node:
    return value if src == value.src else _like(value, node(value.op, src, value.arg))


def _like(value: Node, made: Node) -> Node:
    """``made`` in the place of ``value``, for the user's line."""
    made.origin = made.origin or value.origin
    return made


class _Joins:
    """The joins of a graph, and what becomes of each."""

    def __init__(self, roots: Sequence[Node], target: Target) -> None:
        self.target, self.outputs = target, frozenset(roots)
        self.order = toposort(roots)
        self.readers = _readers(self.order)
        self.stored: dict[Node, Piecewise] = {}  # what is had piece by piece
        self.paying: set[Node] = set()
        for value in reversed(self.order):  # outer ones first
            if value.op is ops.JOIN and self._pays(value):
                self.paying.add(value)

    def rewritten(self) -> dict[Node, Node]:
        made: dict[Node, Node] = {}
        for value in self.order:
            src = tuple(made[operand] for operand in value.src)
            found = self._piecewise(value, src)
            if found is not None:
                self.stored[value] = found
                joined, shape = found
                seen = joined if joined.shape == shape else node(ops.RESHAPE, (joined,), shape)
                made[value] = _like(value, seen)
            elif value.op is ops.JOIN:
                made[value] = _like(value, _selected(src, value.arg))
            else:
                made[value] = _rebuilt(value, src)
        return made

    # -- piece by piece -----------------------------------------------------------------------

    def _piecewise(self, value: Node, src: tuple[Node, ...]) -> Piecewise | None:
        """``value``, made of ``src``, as a join that is stored; None if it is none."""
        known = self.stored
        if value.op is ops.JOIN:
            return (_rebuilt(value, src), value.shape) if value in self.paying else None
        moving = [x for x in value.src if x.op is not ops.CONST]
        if not moving or any(x not in known or not self._passes(x) for x in moving):
            return None
        joined, shape = known[moving[0]]
        if value.op is ops.RESHAPE:
            return joined, value.shape
        if value.op in TURNS and shape == joined.shape:
            return TURNS[value.op](value, joined), value.shape
        if value.op.kind is not Kind.ELEMENTWISE:
            return None
        if any(_form(known[x]) != _form(known[moving[0]]) for x in moving):
            return None
        axis = joined.arg
        parts = [
            [const(x.arg.value, x.dtype, piece.shape, x.device) for piece in joined.src]
            if x.op is ops.CONST
            else known[x][0].src
            for x in value.src
        ]
        pieces = (node(value.op, operands, value.arg) for operands in zip(*parts, strict=True))
        made = tuple(_like(value, piece) for piece in pieces)
        return _like(value, node(ops.JOIN, made, axis)), shape

    def _passes(self, value: Node) -> bool:
        """Whether one other value is made of it, and nothing else."""
        return value not in self.outputs and len(set(self.readers[value])) == 1

    # -- prices -------------------------------------------------------------------------------

    def _pays(self, join: Node) -> bool:
        """Whether it costs less to store the pieces than to select from all of them wherever one
        element is read.

        To store takes a launch for each shape of large pieces; and where the kernel that reads the
        join could have selected, its bytes over the bandwidth, once written and once for each who
        reads. To select takes a test of every piece for every element.
        """
        last = self._last(join)
        readers = self.readers.get(last, ())
        written = last in self.outputs or any(
            reader.op is ops.CONTIGUOUS
            or reader.op.kind is Kind.CALL
            or reader in self.paying
            or reader.size >= READ_OFTEN * last.size
            for reader in readers
        )
        shapes = len({() if is_small(piece) else piece.shape for piece in join.src})
        launches, moved = shapes - 1, 0
        if not written:
            launches, moved = shapes, nbytes(last) * (1 + len(readers))
        stored = launches * self.target.launch + moved / self.target.bandwidth
        tests = sum(SELECT + work_of(piece) for piece in join.src) * join.size
        starts = len(join.src) * self.target.launch * ARGUMENT
        times = 1 if written else len(readers)
        return stored <= times * (tests / self.target.throughput + starts)

    def _last(self, join: Node) -> Node:
        """The last value that can be had piece by piece if ``join`` is stored."""
        last, reshaped = join, False
        while last in self.readers and self._passes(last):
            (reader,) = set(self.readers[last])
            others = [x for x in reader.src if x is not last and x.op is not ops.CONST]
            elementwise = reader.op.kind is Kind.ELEMENTWISE and not others
            turned = reader.op in TURNS and not reshaped
            reshaped = reshaped or reader.op is ops.RESHAPE
            if not (elementwise or turned or reader.op is ops.RESHAPE):
                break
            last = reader
        return last


def _form(found: Piecewise) -> tuple[Any, ...]:
    """What is equal for values that go together, piece by piece."""
    joined, shape = found
    return joined.arg, tuple(piece.shape for piece in joined.src), shape


def _permuted(view: Node, joined: Node) -> Node:
    pieces = tuple(node(ops.PERMUTE, (piece,), view.arg) for piece in joined.src)
    return node(ops.JOIN, pieces, view.arg.index(joined.arg))


def _flipped(view: Node, joined: Node) -> Node:
    pieces = tuple(node(ops.FLIP, (piece,), view.arg) for piece in joined.src)
    return node(ops.JOIN, pieces[::-1] if joined.arg in view.arg else pieces, joined.arg)


TURNS = {ops.PERMUTE: _permuted, ops.FLIP: _flipped}  # each piece can be turned by itself


# -- selected -------------------------------------------------------------------------------------


def _selected(pieces: Sequence[Node], axis: int) -> Node:
    """The join as a value that an element of it selects from all pieces: from their sum, where that
    is what it was, or else one by one, since adding zeros would lose the sign of -0.0."""
    total = sum(piece.shape[axis] for piece in pieces)
    padded: list[tuple[Node, Node]] = []
    at = 0
    summed = all(joins.is_plus_zero(piece) or joins.is_zero(piece) for piece in pieces)
    for piece in pieces:
        size = piece.shape[axis]
        around = (at, total - at - size)
        widths = tuple(around if a == axis else (0, 0) for a in range(piece.ndim))
        at += size
        if joins.is_zero(piece):
            continue
        value = piece.src[0] if summed else piece
        inside = const(True, bool_, piece.shape, piece.device)
        padded.append((node(ops.PAD, (inside,), widths), node(ops.PAD, (value,), widths)))
    if not padded:
        first = pieces[0]
        shape = tuple(total if a == axis else n for a, n in enumerate(first.shape))
        return const(0, first.dtype, shape, first.device)
    result = padded[0][1]
    for inside, value in padded[1:]:
        whole = node(ops.ADD, (result, value)) if summed else None
        result = whole or node(ops.WHERE, (inside, value, result))
    return result
