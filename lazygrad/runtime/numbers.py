"""Graphs that are equal but for numbers: constants, and where slices start.

The first graph of a kind is planned with its numbers, which are folded where they can be. When one
comes whose numbers differ, those that do become arguments of a second plan, which does for all that
follow: a constant is read from memory; a slice that is one piece of a value in memory is that piece
of its memory; any other slice is gathered from where an argument says.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import dropwhile
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from lazygrad import dtype as dt, ops
from lazygrad.dtype import DType
from lazygrad.graph import Iota, Node, node
from lazygrad.runtime import buffer, memory
from lazygrad.runtime.buffer import Buffer, is_realised, value_of
from lazygrad.shape import Shape, strides_of

FOLDED = (0, 1, -1)  # numbers that make a graph simpler
LARGEST = 1 << 31


class Holder(NamedTuple):
    """Whose number it is: a constant's, or where a slice starts along ``axis``."""

    value: Node
    axis: int = -1

    @property
    def is_constant(self) -> bool:
        return self.axis < 0

    @property
    def number(self) -> Any:
        return self.value.arg.value if self.is_constant else self.value.arg[self.axis][0]

    @property
    def dtype(self) -> DType:
        """That of its number."""
        return self.value.dtype if self.is_constant else dt.int32

    @property
    def can_vary(self) -> bool:
        """Whether nothing depends on the number but values."""
        value, number = self.value, self.number
        if not self.is_constant:
            return value.size > 0 and value.src[0].shape[self.axis] < LARGEST
        if value.dtype is dt.bool_ or number in FOLDED or not isfinite(number):
            return False
        return value.dtype.is_floating_point or -LARGEST < number < LARGEST


HOLDERS = (ops.CONST, ops.SHRINK)


def without_numbers(value: Node, holders: list[Holder]) -> tuple[Hashable, list[Hashable]]:
    """The argument of one of ``HOLDERS`` without its numbers, and these; who holds each of them is
    added to ``holders``."""
    if value.op is ops.CONST:
        arg = value.arg
        holders.append(Holder(value))
        return (arg.shape, arg.dtype), [(arg.value, arg.sign)]
    holders += [Holder(value, axis) for axis in range(value.ndim)]
    return value.shape, [start for start, _ in value.arg]


def _words(holder: Holder, before: Any) -> str:
    where = f" in {holder.value.origin}" if holder.value.origin is not None else ""
    if holder.is_constant:
        return f"a number is {holder.number:g}, was {before[0]:g}{where}"
    return f"a slice starts at {holder.number}, was {before}{where}"


class Piece(NamedTuple):
    """Elements of a value in memory, one after the other."""

    base: Node
    start: int


def piece_of(value: Node) -> Piece | None:
    """Where a slice lies in memory, if it is one piece of it."""
    start = 0
    while not is_realised(value):
        if value.op is ops.SHRINK and _is_one_piece(value):
            steps = strides_of(value.src[0].shape)
            start += sum(low * step for (low, _), step in zip(value.arg, steps, strict=True))
        elif value.op is not ops.RESHAPE:
            return None
        value = value.src[0]
    return Piece(value, start) if isinstance(value_of(value), Buffer) else None


def _is_one_piece(value: Node) -> bool:
    """Whether all dims behind the first that is not a single element are whole."""
    sizes = zip(value.shape, value.src[0].shape, strict=True)
    behind = dropwhile(lambda size: size[0] == 1, sizes)
    next(behind, None)
    return all(part == whole for part, whole in behind)


class StandIns(NamedTuple):
    """What takes the place of nodes in a graph: other nodes, or what a function makes of their
    sources."""

    nodes: Mapping[Node, Node]
    makes: Mapping[Node, Callable[[tuple[Node, ...]], Node]]


NOTHING = StandIns({}, {})


@dataclass
class Family:
    """The graphs of one kind.

    Attributes:
        first: the numbers of the one that was planned first.
        varying: the positions of numbers that were seen to differ.
    """

    first: tuple[Hashable, ...]
    varying: frozenset[int] = frozenset()

    def changes(self, numbers: Sequence[Hashable], holders: Sequence[Holder]) -> list[str]:
        """What tells a graph from the first one, in words."""
        rows = zip(holders, numbers, self.first, strict=True)
        return list(dict.fromkeys(_words(h, then) for h, now, then in rows if now != then))

    def arguments(self, numbers: Sequence[Hashable], holders: Sequence[Holder]) -> Arguments:
        """The numbers of a graph that its plan is given."""
        pairs = enumerate(zip(numbers, self.first, strict=True))
        self.varying |= {i for i, (now, then) in pairs if now != then}
        return Arguments(numbers, holders, self.varying)


class Arguments:
    """Numbers that a plan is given when it runs, as leaves of its graph.

    Attributes:
        pieces: the slices that are a piece of a value in memory.
        scalars: the holders of all others, by dtype.
        key: what tells graphs of one kind apart that need different plans.
    """

    def __init__(
        self, numbers: Sequence[Hashable], holders: Sequence[Holder], varying: Container[int]
    ) -> None:
        self.pieces: dict[Node, Piece] = {}
        self.scalars: dict[DType, list[Holder]] = {}
        chosen = [h for i, h in enumerate(holders) if i in varying and h.can_vary]
        for holder in chosen:
            piece = None if holder.is_constant else piece_of(holder.value)
            if piece is not None:
                self.pieces[holder.value] = piece
            else:
                self.scalars.setdefault(holder.dtype, []).append(holder)
        given = {*chosen, *(h for h in holders if h.value in self.pieces)}
        self.key = tuple(
            ("piece" if h.value in self.pieces else "scalar",) if h in given else number
            for h, number in zip(holders, numbers, strict=True)
        )

    def __bool__(self) -> bool:
        return bool(self.pieces or self.scalars)

    def leaves(self) -> list[Node]:
        """Leaves that hold the numbers of now."""
        found = [
            Buffer(value.shape, value.dtype, value.device, _memory(value, piece))
            for value, piece in self.pieces.items()
        ]
        for dtype, holders in self.scalars.items():
            listed = np.array([holder.number for holder in holders])
            found.append(buffer.from_numpy(listed, dtype, holders[0].value.device))
        return [node(ops.BUFFER, (), each) for each in found]

    def stand_ins(self, inputs: Sequence[Node]) -> StandIns:
        """What takes the place of the holders in a graph whose last ``inputs`` are the leaves."""
        given = inputs[len(inputs) - len(self.pieces) - len(self.scalars) :]
        nodes = dict(zip(self.pieces, given, strict=False))
        starts: dict[Node, dict[int, Element]] = {}
        for leaf, holders in zip(given[len(nodes) :], self.scalars.values(), strict=True):
            for number, holder in enumerate(holders):
                element = Element(leaf, number)
                if holder.is_constant:
                    nodes[holder.value] = element.everywhere(holder.value.shape)
                else:
                    starts.setdefault(holder.value, {})[holder.axis] = element
        makes = {value: partial(_gathered, value.arg, found) for value, found in starts.items()}
        return StandIns(nodes, makes)


def _memory(value: Node, piece: Piece) -> memory.Memory:
    itemsize = value.dtype.itemsize
    whole = value_of(piece.base).memory
    return memory.part(whole, piece.start * itemsize, value.size * itemsize, value.device)


class Element(NamedTuple):
    """A number in a leaf."""

    leaf: Node
    position: int

    def everywhere(self, shape: Shape) -> Node:
        """A value of ``shape`` all of which it is."""
        one = node(ops.SHRINK, (self.leaf,), ((self.position, self.position + 1),))
        return node(ops.EXPAND, (node(ops.RESHAPE, (one,), (1,) * len(shape)),), shape)


def _gathered(
    bounds: Sequence[tuple[int, int]], starts: Mapping[int, Element], src: tuple[Node, ...]
) -> Node:
    """A slice that starts, along some axes, where an argument says."""
    (value,) = src
    fixed = [(0, n) if axis in starts else bounds[axis] for axis, n in enumerate(value.shape)]
    value = node(ops.SHRINK, (value,), tuple(fixed))
    for axis, start in starts.items():
        first, last = bounds[axis]
        shape = (*value.shape[:axis], last - first, *value.shape[axis + 1 :])
        along = node(ops.IOTA, (), Iota((last - first,), dt.int32, value.device))
        lined = tuple(n if i == axis else 1 for i, n in enumerate(shape))
        index = node(ops.EXPAND, (node(ops.RESHAPE, (along,), lined),), shape)
        index = node(ops.ADD, (index, start.everywhere(shape)))
        value = node(ops.GATHER, (value, index), axis)
    return value
