"""Drafts: kernels in the making."""

from __future__ import annotations

from lazygrad import ops
from lazygrad.graph import Node
from lazygrad.ops import Kind
from lazygrad.schedule.axes import FIRST, Axes, Position
from lazygrad.schedule.simplify import base_of

MAX_OPS = 192  # operations in one kernel: more only slows the compiler down
MAX_REDUCTIONS = 16  # of a kernel, as each brings loops of its own
MAX_BUFFERS = 24  # of a kernel with several outputs, where the target allows as many


class Draft:
    """A kernel in the making: the values that it writes, and what is computed for them in place.

    Attributes:
        number: of the draft in its partition.
        roots: the values that it writes; the dims of the first one are its loops.
        reasons: why each of them is written.
        axes: of its loops.
        at: the positions of all values that it computes or reads.
        inside: the values computed in it, readers before their sources, and how many operations
            each takes.
        reads: the values read from memory, as far as is decided.
        indices: what the places of its gathers are computed from, at every access.
        reductions: those computed in it.
        outer: the loops that all of its reductions share, once it has one; then the other loops
            run once more for each of them.
        windows: the contraction whose results its pooling takes as they come.
        operations: how many elementwise operations it has.
        distinct: the work, in additions, if every value were computed once.
        repeated: what shifted positions of the same values add.
    """

    def __init__(self, number: int, root: Node, reason: str) -> None:
        self.number = number
        self.roots = [root]
        self.reasons = [reason]
        self.axes = Axes(root.shape)
        self.at: dict[Node, dict[Position, None]] = {root: {self.axes.whole(): None}}
        self.inside: dict[Node, int] = {}
        self.reads: dict[Node, None] = {root: None}
        self.indices: set[Node] = set()
        self.reductions: list[Node] = []
        self.outer: frozenset[int] | None = None
        self.windows: Node | None = None
        self.operations = self.distinct = self.repeated = 0
        self.take(root)

    @property
    def primary(self) -> Node:
        return self.roots[0]

    @property
    def whole(self) -> frozenset[int]:
        """All of its own loops."""
        return frozenset(self.axes.own)

    def share(self, loops: frozenset[int]) -> None:
        """Settles on ``loops`` as the outer ones, if they are not all that there are."""
        if loops != self.whole:
            self.outer = loops

    def evaluations(self, value: Node) -> int:
        """How many times ``value`` is computed if it is computed here. A row that several loops run
        over is kept, and so computed once."""
        positions = self.at[value]
        if len(positions) > 1:
            loops = {self._turns(position): position for position in positions}
            return sum(map(self.axes.evaluated, loops.values()))
        return self.axes.evaluated(next(iter(positions)))

    def _turns(self, position: Position) -> Position | tuple[Position, Position]:
        """What is equal for positions that differ in the loop over a row only."""
        turns = tuple(self.axes.points[axis] if axis != FIRST else FIRST for axis in position)
        return (turns, position) if self.axes.is_moved(position) else turns

    def shifts(self, value: Node) -> int:
        """How many times ``value`` is needed again somewhere else than it is needed anyway."""
        positions = self.at[value]
        if len(positions) < 2:
            return 0
        moved = sum(map(self.axes.is_moved, positions))
        return moved - (moved == len(positions))

    def add(self, value: Node) -> None:
        """Has ``value``, as large as the first root, computed at all points of its loops."""
        loops = iter(self.axes.own)
        position = tuple(FIRST if size == 1 else next(loops) for size in value.shape)
        self.at[value] = {position: None}
        self.reads[value] = None

    def take(self, value: Node) -> list[Node]:
        """Computes ``value`` here; returns what that reads."""
        del self.reads[value]
        positions = list(self.at[value])
        self.inside[value] = len(positions) if is_pointwise(value) else 0
        self.operations += self.inside[value]
        if is_pointwise(value):
            cost = work_of(value)
            self.distinct += cost * value.size
            self.repeated += cost * value.size * self.shifts(value)
        elif value.op.kind is Kind.REDUCE:
            self.reductions.append(value)
        found: dict[Node, None] = {}
        for number, operand in enumerate(value.src[: value.op.value_arity]):
            for position in positions:
                base, below = self.axes.below(operand, self._read_at(value, number, position))
                if not is_constant(base):
                    self.at.setdefault(base, {})[below] = None
                    found[base] = None
                    if value in self.indices or (value.op is ops.GATHER and number == 1):
                        self.indices.add(base)
        self.reads.update(found)
        return list(found)

    def _read_at(self, value: Node, number: int, position: Position) -> Position:
        """Where ``value`` at ``position`` needs its source of this number."""
        if value.op.kind is Kind.REDUCE:
            return self.axes.inside(value, position)
        if value.op is ops.GATHER and number == 0:
            return self.axes.picked_from(value, position)
        if value.op is ops.SCATTER:
            axes = self.axes
            return axes.brought(value) if number else axes.scattered(value, position)
        return position

    def operations_beside(self, other: Draft) -> int:
        """How many operations it would add to another over the same loops."""
        own = (value for value in self.inside if value not in other.inside)
        return sum(self.inside[value] for value in own)

    def join(self, other: Draft, reason: str) -> None:
        """Takes over what a draft over the same loops computes."""
        self.operations += other.operations_beside(self)
        self.roots += other.roots
        self.reasons += [*other.reasons, reason]
        self.inside.update(other.inside)
        self.reads.update(other.reads)
        self.reductions += other.reductions


def sources(value: Node) -> tuple[Node, ...]:
    """What it is computed from, the movement between skipped over; constants are nowhere."""
    bases = (base_of(operand) for operand in value.src[: value.op.value_arity])
    return tuple(base for base in bases if not is_constant(base))


def is_constant(value: Node) -> bool:
    """Whether it is made of no memory."""
    return value.op is ops.CONST or value.op is ops.IOTA


def is_pointwise(value: Node) -> bool:
    """Whether an element of it is computed from few others, so that it can be done in place."""
    return value.op.kind is Kind.ELEMENTWISE or value.op is ops.GATHER


def work_of(value: Node) -> int:
    """Additions that take as long as an element of ``value``, given its sources. Casts ride along
    with loads and stores."""
    if not is_pointwise(value) or value.op is ops.CAST:
        return 0
    return value.op.cost


def nbytes(value: Node) -> int:
    return value.size * value.dtype.itemsize
