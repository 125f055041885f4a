"""Graphs that are equal but for numbers: constants, and where slices start or padding ends.

The first graph of a kind is planned with its numbers, which are folded where they can be. When one
comes whose numbers differ, those that do become arguments of a second plan, which does for all that
follow: a constant is read from memory; a slice that is one piece of a value in memory is that piece
of its memory; any other slice, or what lies in zeros, is gathered from where an argument says.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence
from functools import partial
from itertools import dropwhile
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from lazygrad import element_types as dt, ops
from lazygrad.element_types import DType
from lazygrad.graph import Iota, Node, const, node
from lazygrad.runtime import buffer, memory
from lazygrad.runtime.buffer import Buffer, is_realised, value_of
from lazygrad.shape import Shape, strides_of

FOLDED = (0, 1, -1)  # numbers that make a graph simpler
LARGEST = 1 << 31
MOST_PLACES = 1 << 12

moving: set[Hashable] = set()  # places of slices that were seen to differ
_seen: dict[Hashable, tuple[Hashable, ...]] = {}  # where the slices of a place started last


class Holder(NamedTuple):
    """Whose number it is: a constant's, or where a slice, or what is padded, starts along
    ``axis``."""

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
    def place(self) -> Hashable:
        """Where the user's program has the slice; None for what cannot be told."""
        origin = self.value.origin
        return None if self.is_constant or origin is None else (origin, self.axis, self.value.shape)

    @property
    def can_vary(self) -> bool:
        """Whether nothing depends on the number but values."""
        value, number = self.value, self.number
        if not self.is_constant:
            return (
                value.size > 0
                and max(value.shape[self.axis], value.src[0].shape[self.axis]) < LARGEST
            )
        if value.dtype is dt.bool_ or number in FOLDED or not isfinite(number):
            return False
        return value.dtype.is_floating_point or -LARGEST < number < LARGEST


HOLDERS = (ops.CONST, ops.SHRINK, ops.PAD)


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
    what = "a slice" if holder.value.op is ops.SHRINK else "what is padded"
    return f"{what} starts at {holder.number}, was {before}{where}"


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


class Family:
    """The graphs of one kind.

    Attributes:
        first: the numbers of the one that was planned first.
        varying: the positions of numbers that were seen to differ, or that belong to slices which
            differed in graphs of other kinds: those that a loop has before a first sum, say.
    """

    def __init__(self, first: tuple[Hashable, ...], holders: Sequence[Holder]) -> None:
        self.first = first
        _look_at(holders)
        self.varying = frozenset(i for i, h in enumerate(holders) if h.place in moving)

    def changes(self, numbers: Sequence[Hashable], holders: Sequence[Holder]) -> list[str]:
        """What tells a graph from the first one, in words."""
        rows = zip(holders, numbers, self.first, strict=True)
        return list(dict.fromkeys(_words(h, then) for h, now, then in rows if now != then))

    def arguments(self, numbers: Sequence[Hashable], holders: Sequence[Holder]) -> Arguments:
        """The numbers of a graph that its plan is given."""
        pairs = enumerate(zip(numbers, self.first, strict=True))
        differing = {i for i, (now, then) in pairs if now != then}
        self.varying |= differing
        _moves(place for i in differing if (place := holders[i].place) is not None)
        return Arguments(numbers, holders, self.varying)


def forget_places() -> None:
    """Forgets what was seen of slices."""
    moving.clear()
    _seen.clear()


def _moves(places: Iterable[Hashable]) -> None:
    if len(moving) >= MOST_PLACES:
        moving.clear()
    moving.update(places)


def _look_at(holders: Sequence[Holder]) -> None:
    """A loop that goes over a tensor has as many slices in a graph of another kind, which start
    elsewhere; if there are more or fewer, the loop is another one."""
    if len(_seen) >= MOST_PLACES:
        _seen.clear()
    starts: dict[Hashable, list[Hashable]] = {}
    for holder in holders:
        place = holder.place
        if place is not None:
            starts.setdefault(place, []).append(holder.number)
    for place, numbers in starts.items():
        now = tuple(numbers)
        before = _seen.get(place, now)
        if now != before and len(now) == len(before):
            _moves([place])
        _seen[place] = now


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
            piece = piece_of(holder.value) if holder.value.op is ops.SHRINK else None
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
        makes = {value: partial(_gathered, value, found) for value, found in starts.items()}
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


def _gathered(instead: Node, starts: Mapping[int, Element], src: tuple[Node, ...]) -> Node:
    """What stands for a slice that starts, along some axes, where an argument says, or for what is
    padded so that it starts there: GATHER gives zeros outside."""
    (value,) = src
    is_slice = instead.op is ops.SHRINK
    whole = [(0, n if is_slice else 0) for n in value.shape]
    fixed = [whole[axis] if axis in starts else arg for axis, arg in enumerate(instead.arg)]
    value = node(instead.op, (value,), tuple(fixed))
    for axis, start in starts.items():
        size = instead.shape[axis]
        shape = (*value.shape[:axis], size, *value.shape[axis + 1 :])
        along = node(ops.IOTA, (), Iota((size,), dt.int32, value.device))
        lined = tuple(n if i == axis else 1 for i, n in enumerate(shape))
        index = node(ops.EXPAND, (node(ops.RESHAPE, (along,), lined),), shape)
        given = start.everywhere(shape)
        if not is_slice:
            given = node(ops.MUL, (given, const(-1, dt.int32, shape, value.device)))
        value = node(ops.GATHER, (value, node(ops.ADD, (index, given))), axis)
    return value
