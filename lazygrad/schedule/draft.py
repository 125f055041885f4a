"""Drafts: kernels in the making, and the graph cut into them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from lazygrad import ops
from lazygrad.errors import InternalError
from lazygrad.graph import Node, toposort
from lazygrad.ops import Kind
from lazygrad.schedule.axes import FIRST, Axes, Position
from lazygrad.schedule.simplify import base_of

MAX_OPS = 192  # operations in one kernel: more only slows the compiler down


class Draft:
    """A kernel in the making: the values that it writes, and what is computed for them in place.

    Attributes:
        number: of the draft in its partition.
        roots: the values that it writes; the dims of the first one are its loops.
        reasons: why each of them is written.
        axes: of its loops.
        at: the positions of all values that it computes or reads.
        inside: the values computed in it, readers before their sources.
        reads: the values read from memory, as far as is decided.
        indices: what the places of its gathers are computed from, at every access.
        reductions: those computed in it.
        outer: the loops that all of its reductions share, once it has one; then the other loops
            run once more for each of them.
        windows: the contraction whose results its pooling takes as they come.
        operations, work: how many elementwise operations it has, and how long they take in all,
            in additions.
        distinct: the work if every value were computed once.
        repeated: what shifted positions of the same values add.
    """

    def __init__(self, number: int, root: Node, reason: str) -> None:
        self.number = number
        self.roots = [root]
        self.reasons = [reason]
        self.axes = Axes(root.shape)
        self.at: dict[Node, dict[Position, None]] = {root: {self.axes.whole(): None}}
        self.inside: dict[Node, None] = {}
        self.reads: dict[Node, None] = {root: None}
        self.indices: set[Node] = set()
        self.reductions: list[Node] = []
        self.outer: frozenset[int] | None = None
        self.windows: Node | None = None
        self.operations = self.work = self.distinct = self.repeated = 0
        self.take(root)

    @property
    def primary(self) -> Node:
        return self.roots[0]

    @property
    def whole(self) -> frozenset[int]:
        """All of its own loops."""
        return frozenset(self.axes.own)

    def evaluations(self, value: Node) -> int:
        """How many times ``value`` is computed if it is computed here. A row that several loops run
        over is kept, and so computed once."""
        loops = {self._turns(position): position for position in self.at[value]}
        return sum(map(self.axes.evaluated, loops.values()))

    def _turns(self, position: Position) -> Position | tuple[Position, Position]:
        """What is equal for positions that differ in the loop over a row only."""
        turns = tuple(self.axes.points[axis] if axis != FIRST else FIRST for axis in position)
        return (turns, position) if self.axes.is_moved(position) else turns

    def shifts(self, value: Node) -> int:
        """How many times ``value`` is needed again somewhere else than it is needed anyway."""
        moved = sum(1 for position in self.at[value] if self.axes.is_moved(position))
        return moved - (moved == len(self.at[value]))

    def take(self, value: Node) -> list[Node]:
        """Computes ``value`` here; returns what that reads."""
        del self.reads[value]
        self.inside[value] = None
        positions = list(self.at[value])
        if is_pointwise(value):
            self.operations += len(positions)
            cost = work_of(value)
            self.work += cost * self.evaluations(value)
            self.distinct += cost * value.size
            self.repeated += cost * value.size * self.shifts(value)
        elif value.op.kind is Kind.REDUCE:
            self.reductions.append(value)
            self.work += sum(self._reduced(value, position) for position in positions)
        found: dict[Node, None] = {}
        for number, operand in enumerate(value.src[: value.op.value_arity]):
            for position in positions:
                base, below = self.axes.below(operand, self._read_at(value, number, position))
                if base.op is not ops.CONST and base.op is not ops.IOTA:
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
            return self.axes.scattered(value, position)
        return position

    def join(self, other: Draft, reason: str) -> None:
        """Takes over what a draft over the same loops computes."""
        self.roots += other.roots
        self.reasons += [*other.reasons, reason]
        self.inside.update(other.inside)
        self.reads.update(other.reads)
        self.reductions += other.reductions
        self.operations += other.operations
        self.work += other.work

    def _reduced(self, value: Node, position: Position) -> int:
        return self.axes.evaluated(self.axes.inside(value, position))


def sources(value: Node) -> tuple[Node, ...]:
    """What it is computed from, the movement between skipped over; constants are nowhere."""
    bases = (base_of(operand) for operand in value.src[: value.op.value_arity])
    return tuple(base for base in bases if base.op is not ops.CONST and base.op is not ops.IOTA)


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


@dataclass
class Partition:
    """The graph cut into drafts, from the outputs back.

    Attributes:
        order: every node, sources first.
        outputs: nodes whose memory outlives the plan.
        owner: the draft that writes a node; a node without owner is computed where it is used.
        sources, readers: what a value is computed from, and what is computed from it, the movement
            between skipped over.
        stored: values that are in memory, or will be unless a kernel takes them in.
        users: the drafts that need a value, complete once all its readers have been placed.
        drafts: all of them, by number.
        looked_at: what was found out below values, as long as nothing is placed.
        after: for each draft the set of those that depend on it, as bits; so that no circle of
            kernels can come about.
    """

    order: list[Node]
    outputs: frozenset[Node]
    owner: dict[Node, Draft] = field(default_factory=dict)
    users: dict[Node, dict[Draft, None]] = field(default_factory=dict)
    drafts: list[Draft] = field(default_factory=list)
    after: list[int] = field(default_factory=list)
    position: dict[Node, int] = field(init=False)
    sources: dict[Node, tuple[Node, ...]] = field(init=False)
    readers: dict[Node, dict[Node, None]] = field(init=False)
    stored: set[Node] = field(init=False)
    looked_at: dict[Any, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.position = {value: i for i, value in enumerate(self.order)}
        values = [value for value in self.order if value.op.kind is not Kind.MOVEMENT]
        self.sources = {value: sources(value) for value in values}
        self.readers = {value: {} for value in values}
        for value, below in self.sources.items():
            for base in below:
                self.readers[base][value] = None
        self.stored = {v for v in values if not is_pointwise(v)} | self.outputs

    def write(self, value: Node, reason: str) -> Draft:
        """Writes ``value`` to memory, in a draft of its own."""
        draft = Draft(len(self.drafts), value, reason)
        self.drafts.append(draft)
        self.after.append(self._later(self.users.get(value, ())))
        self.owner[value] = draft
        self._placed(value)
        for base in draft.reads:
            self.users.setdefault(base, {})[draft] = None
        return draft

    def _placed(self, value: Node) -> None:
        self.stored.add(value)
        self.looked_at.clear()

    def inline(self, value: Node) -> None:
        """Computes ``value`` in each draft that needs it."""
        for draft in self.users[value]:
            self._take(draft, value)

    def keep(self, value: Node, draft: Draft, reason: str) -> None:
        """Computes ``value`` in a draft that needs it, and writes it from there for the others."""
        self._take(draft, value)
        draft.roots.append(value)
        draft.reasons.append(reason)
        self.owner[value] = draft
        self._placed(value)
        later = self._later(user for user in self.users[value] if user is not draft)
        mine = 1 << draft.number
        self.after = [after | later if after & mine else after for after in self.after]
        self.after[draft.number] |= later

    def _take(self, draft: Draft, value: Node) -> None:
        for base in draft.take(value):
            self.users.setdefault(base, {})[draft] = None

    def depends(self, draft: Draft, on: Draft) -> bool:
        """Whether ``draft`` can only run after ``on``."""
        return bool(self.after[on.number] >> draft.number & 1)

    def _later(self, users: Iterable[Draft]) -> int:
        """``users`` and all that runs after them."""
        later = 0
        for user in users:
            later |= self.after[user.number] | 1 << user.number
        return later

    def part(self, draft: Draft, value: Node) -> Draft:
        """Takes what ``draft`` computes of ``value`` out of it, into a draft of its own."""
        made = Draft(len(self.drafts), value, "what follows it lies in another order")
        self.drafts.append(made)
        self.owner[value] = made
        for other in draft.inside:
            if other in made.reads:
                made.take(other)
        if value in draft.roots:
            draft.roots.remove(value)
        draft.reductions.remove(value)
        draft.reads[value] = None
        return made

    def merge(self, draft: Draft, other: Draft, reason: str) -> None:
        """Makes one draft of two over the same loops, neither of which depends on the other."""
        both = self.after[draft.number] | self.after[other.number]
        bits = 1 << draft.number | 1 << other.number
        self.after = [after | both | bits if after & bits else after for after in self.after]
        self.after[draft.number] = self.after[other.number] = both
        draft.join(other, reason)
        for root in other.roots:
            self.owner[root] = draft

    def live(self) -> list[Draft]:
        """The drafts that there are, by number: those that were merged away are none."""
        return list(dict.fromkeys(sorted(self.owner.values(), key=lambda draft: draft.number)))

    def ordered(self) -> list[Draft]:
        """Producers before consumers. Of those that could run next, the one after which least
        memory is held, and of equal ones the first in the graph."""
        rank = {d: min(self.position[root] for root in d.roots) for d in self.live()}
        stored = {d: [r for r in d.reads if r in self.owner] for d in rank}
        missing = {d: len({self.owner[r] for r in reads}) for d, reads in stored.items()}
        waiting: dict[Node, dict[Draft, None]] = {}  # who still has to read a value
        for draft, reads in stored.items():
            for value in reads:
                waiting.setdefault(value, {})[draft] = None

        def held(draft: Draft) -> tuple[int, int]:
            kept = (root for root in draft.roots if root not in self.outputs)
            freed = (v for v in stored[draft] if len(waiting[v]) == 1 and v not in self.outputs)
            return sum(map(nbytes, kept)) - sum(map(nbytes, freed)), rank[draft]

        ordered: list[Draft] = []
        ready = [draft for draft, count in missing.items() if not count]
        while ready:
            draft = min(ready, key=held)
            ready.remove(draft)
            ordered.append(draft)
            for value in stored[draft]:
                del waiting[value][draft]
            readers = dict.fromkeys(r for root in draft.roots for r in waiting.get(root, ()))
            for reader in readers:
                missing[reader] -= 1
                if not missing[reader]:
                    ready.append(reader)
        if len(ordered) != len(rank):
            raise InternalError("[schedule] kernels wait for each other in a circle")
        return ordered

    def region(self, draft: Draft) -> list[Node]:
        """The nodes computed inside a draft, sources first, movement included."""
        inside = set(draft.roots)

        def sources(value: Node) -> Iterable[Node]:
            return [
                s for s in value.src
                if s.op is not ops.BUFFER and (s not in self.owner or s in inside)
            ]  # fmt: skip

        return toposort(draft.roots, sources)
