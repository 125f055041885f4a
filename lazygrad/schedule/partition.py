"""The graph cut into drafts of kernels, from the outputs back, and the order in which they run."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Any

from lazygrad import ops
from lazygrad.errors import InternalError
from lazygrad.graph import Node, call_of, toposort
from lazygrad.ops import Kind
from lazygrad.schedule.calls import CallDraft
from lazygrad.schedule.draft import Draft, is_pointwise, nbytes, sources, work_of

IN_MEMORY = ops.BUFFER, ops.JOIN  # whoever writes it


@dataclass
class Partition:
    """The graph cut into drafts, from the outputs back.

    Attributes:
        order: every node, sources first.
        outputs: nodes whose memory outlives the plan.
        owner: the draft that writes a node; a node without owner is computed where it is used.
        within: for each piece of a join, the join and where in it the piece starts.
        fixed: values whose elements lie in the order of their dims, whatever kernels would like.
        lasting: those among them that are part of an output's memory.
        sources, readers: what a value is computed from, and what is computed from it, the movement
            between skipped over.
        stored: values that are in memory, or will be unless a kernel takes them in.
        unstored: the sources of a value that were no such values before any was placed.
        users: the drafts that need a value, complete once all its readers have been placed.
        drafts: all of them, by number.
        calls: those that call a routine, by what is called.
        operands: what routines read: never computed in place.
        work: additions that take as long as computing a value, given its sources.
        prices: what was compared where a value could be computed in place or written, seconds: for
            those who look inside.
        several: values that more than one value is computed from.
        looked_at: what was found out below values. That stays true: a value is asked about until it
            is placed, and what it is made of is placed after it.
        after: for each draft the set of those that depend on it, as bits; so that no circle of
            kernels can come about.
    """

    order: list[Node]
    outputs: frozenset[Node]
    owner: dict[Node, Draft] = field(default_factory=dict)
    users: dict[Node, dict[Draft, None]] = field(default_factory=dict)
    drafts: list[Draft] = field(default_factory=list)
    after: list[int] = field(default_factory=list)
    calls: dict[Hashable, Draft] = field(default_factory=dict)
    position: dict[Node, int] = field(init=False)
    within: dict[Node, tuple[Node, int]] = field(init=False)
    fixed: frozenset[Node] = field(init=False)
    lasting: frozenset[Node] = field(init=False)
    sources: dict[Node, tuple[Node, ...]] = field(init=False)
    readers: dict[Node, dict[Node, None]] = field(init=False)
    operands: frozenset[Node] = field(init=False)
    stored: set[Node] = field(init=False)
    unstored: dict[Node, tuple[Node, ...]] = field(init=False)
    work: dict[Node, int] = field(init=False)
    several: set[Node] = field(init=False)
    looked_at: dict[Any, Any] = field(default_factory=dict)
    prices: dict[Node, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.position = {value: i for i, value in enumerate(self.order)}
        values = [value for value in self.order if value.op.kind is not Kind.MOVEMENT]
        self.within = dict(_pieces([value for value in values if value.op is ops.JOIN]))
        inside = {value for value in self.within if self.memory_of(value)[0] in self.outputs}
        self.lasting = self.outputs | inside
        self.sources = {value: sources(value) for value in values}
        read = [self.sources[value] for value in values if value.op.kind is Kind.CALL]
        self.operands = frozenset[Node]().union(*read)
        self.fixed = self.outputs | self.within.keys() | self.operands
        self.readers = {value: {} for value in values}
        for value, below in self.sources.items():
            for base in below:
                self.readers[base][value] = None
        self.stored = {v for v in values if not is_pointwise(v)} | self.outputs | self.operands
        self.unstored = {
            v: tuple(base for base in below if base not in self.stored)
            for v, below in self.sources.items()
        }
        self.work = {v: work_of(v) * v.size for v in values}
        self.several = {v for v, readers in self.readers.items() if len(readers) > 1}

    def memory_of(self, value: Node) -> tuple[Node, tuple[int, ...]]:
        """The value whose memory holds ``value``, and where in it that starts, for each dim."""
        start = [0] * value.ndim
        while value in self.within:
            value, at = self.within[value]
            start[value.arg] += at
        return value, tuple(start)

    def spread(self, join: Node) -> None:
        """Leaves it to the pieces of a join to be written, before all that needs the join."""
        for piece in join.src:
            self.users.setdefault(piece, {}).update(self.users.get(join, {}))
        self.stored.add(join)

    def write(self, value: Node, reason: str) -> Draft:
        """Writes ``value`` to memory, in a draft of its own."""
        return self._add(Draft(len(self.drafts), value, reason), value)

    def call(self, value: Node) -> None:
        """Writes a result of a routine, in the one draft that calls it."""
        known = self.calls.get(call_of(value))
        if known is None:
            reason = "it is a loop" if value.op is ops.LOOP else "it is no loop nest"
            draft = CallDraft(len(self.drafts), value, reason)
            self.calls[call_of(value)] = self._add(draft, value)
        else:
            self._write_too(known, value)

    def _add(self, draft: Draft, value: Node) -> Draft:
        self.drafts.append(draft)
        self.after.append(self._later(self.users.get(value, ())))
        self.owner[value] = draft
        self.stored.add(value)
        for base in draft.reads:
            self.users.setdefault(base, {})[draft] = None
        return draft

    def inline(self, value: Node) -> None:
        """Computes ``value`` in each draft that needs it."""
        for draft in self.users[value]:
            self._take(draft, value)

    def keep(self, value: Node, draft: Draft, reason: str) -> None:
        """Computes ``value`` in a draft that needs it, and writes it from there for the others."""
        self._take(draft, value)
        draft.reasons.append(reason)
        self._write_too(draft, value)

    def write_beside(self, value: Node, draft: Draft) -> None:
        """Writes ``value``, a piece of the join that ``draft`` writes pieces of, from there."""
        draft.add(value)
        self._write_too(draft, value)
        self._take(draft, value)

    def _write_too(self, draft: Draft, value: Node) -> None:
        """``draft`` writes ``value`` as well, before all that need it."""
        draft.roots.append(value)
        self.owner[value] = draft
        self.stored.add(value)
        later = self._later(u for u in self.users.get(value, ()) if u is not draft)
        if later & ~self.after[draft.number]:  # what runs before it knows the others already
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
        all_of_it = both | 1 << draft.number | 1 << other.number
        bits = all_of_it & ~both
        before = self._before(draft) | self._before(other)
        if any(all_of_it & ~self.after[first.number] for first in before):  # else all know it
            self.after = [after | all_of_it if after & bits else after for after in self.after]
        self.after[draft.number] = self.after[other.number] = both
        draft.join(other, reason)
        for root in other.roots:
            self.owner[root] = draft

    def follow(self, draft: Draft, other: Draft, reason: str) -> None:
        """Makes one draft of two over the same loops, where ``other`` goes on with what ``draft``
        writes. That is not written any more, where nobody else needs it."""
        bits, later = 1 << draft.number, self.after[draft.number]
        for number, after in enumerate(self.after):
            if number != draft.number and after >> other.number & 1:
                self.after[number] = after | bits | later
        passed = [value for value in other.reads if self.owner.get(value) is draft]
        draft.join(other, reason)
        for value in passed:
            del draft.reads[value]
        for root in other.roots:
            self.owner[root] = draft
        read = {value for user in self.live() for value in user.reads}
        for value in passed:
            if value not in read and value not in self.fixed:
                draft.roots.remove(value)
                del self.owner[value]

    def between(self, draft: Draft, other: Draft) -> bool:
        """Whether ``other`` also waits for something else that waits for ``draft``."""
        return any(self.depends(first, draft) for first in self._before(other))

    def _before(self, draft: Draft) -> set[Draft]:
        """Those that write what it reads."""
        return {self.owner[v] for v in self._with_pieces(draft.reads) if v in self.owner}

    def live(self) -> list[Draft]:
        """The drafts that there are, by number: those that were merged away are none."""
        return list(dict.fromkeys(sorted(self.owner.values(), key=lambda draft: draft.number)))

    def ordered(self) -> list[Draft]:
        """Producers before consumers. Of those that could run next, the one after which least
        memory is held, and of equal ones the first in the graph."""
        rank = {d: min(self.position[root] for root in d.roots) for d in self.live()}
        spread = self._with_pieces if self.within else list
        stored = {d: [r for r in spread(d.reads) if r in self.owner] for d in rank}
        missing = {d: len({self.owner[r] for r in reads}) for d, reads in stored.items()}
        waiting: dict[Node, dict[Draft, None]] = {}  # who still has to read a value
        for draft, reads in stored.items():
            for value in reads:
                waiting.setdefault(value, {})[draft] = None

        def held(draft: Draft) -> tuple[int, int]:
            kept = (root for root in draft.roots if root not in self.lasting)
            freed = (v for v in stored[draft] if len(waiting[v]) == 1 and v not in self.lasting)
            return sum(map(nbytes, kept)) - sum(map(nbytes, freed)), rank[draft]

        ordered: dict[Draft, None] = {}
        ranked = {number: draft for draft, number in rank.items()}
        ready = [held(draft) for draft, count in missing.items() if not count]
        heapify(ready)
        while ready:
            draft = ranked[heappop(ready)[1]]
            if draft in ordered:
                continue
            ordered[draft] = None
            nearer = {reader: 1 for root in draft.roots for reader in waiting.get(root, ())}
            for value in stored[draft]:
                del waiting[value][draft]
                if len(waiting[value]) == 1:  # the last one to read it frees it
                    nearer.setdefault(next(iter(waiting[value])), 0)
            for reader, done in nearer.items():
                missing[reader] -= done
                if not missing[reader]:
                    heappush(ready, held(reader))  # once more if it frees more than it did
        if len(ordered) != len(rank):
            raise InternalError("[schedule] kernels wait for each other in a circle")
        return self._late(list(ordered), stored)

    def _late(
        self, ordered: Sequence[Draft], stored: Mapping[Draft, Sequence[Node]]
    ) -> list[Draft]:
        """``ordered``, but what holds more memory once it has run than before runs right before the
        first one who reads it: nobody could say earlier when that would be."""
        readers: dict[Node, list[Draft]] = {}  # of a value, among those that are placed
        room = 1 << len(ordered)  # between two places: there can be as many in between
        place: dict[Draft, int] = {}
        at: dict[int, Draft] = {}
        backwards: list[int] = []  # the places, the last one first
        for draft in reversed(ordered):
            kept = sum(nbytes(root) for root in draft.roots if root not in self.lasting)
            freed = sum(nbytes(v) for v in stored[draft] if not (v in readers or v in self.lasting))
            waiting = {reader for root in draft.roots for reader in readers.get(root, ())}
            last = backwards[-1] if backwards else 0
            first = max(place[reader] for reader in waiting) if kept > freed and waiting else last
            number = bisect(backwards, first)
            between = backwards[number] if first != last else last + 2 * room
            place[draft] = (first + between) // 2
            at[place[draft]] = draft
            backwards.insert(number, place[draft])
            for value in stored[draft]:
                readers.setdefault(value, []).append(draft)
        return [at[number] for number in reversed(backwards)]

    def _with_pieces(self, values: Iterable[Node]) -> list[Node]:
        """``values``, and the pieces of those that are joins."""
        found = list(values)
        for current in found:  # grows while it is walked
            found += current.src if current.op is ops.JOIN else ()
        return found

    def region(self, draft: Draft) -> list[Node]:
        """The nodes computed inside a draft, sources first, movement included."""
        inside = set(draft.roots)

        def computed(value: Node) -> list[Node]:
            return [
                s for s in value.src
                if s in inside or not (s.op in IN_MEMORY or s in self.owner)
            ]  # fmt: skip

        return toposort(draft.roots, computed)


def _pieces(joins: Iterable[Node]) -> Iterator[tuple[Node, tuple[Node, int]]]:
    for join in joins:
        start = 0
        for piece in join.src:
            yield piece, (join, start)
            start += piece.shape[join.arg]
