"""Steps: opens the loop of a range, or writes its elements out, and binds it at points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lazygrad.codegen import nest
from lazygrad.codegen.integers import Integers
from lazygrad.codegen.nest import Sum
from lazygrad.codegen.schedule import Segment, Walk, segments
from lazygrad.codegen.scope import Scope
from lazygrad.kernel import index as ix
from lazygrad.kernel.index import Index, Range


@dataclass(frozen=True)
class Piece:
    """One element or vector of a step: the index to bind, the block that the index lives in, its
    lanes, and its number among the pieces of the step."""

    index: Index
    depth: int
    lanes: int
    number: int


Body = Callable[[Sequence[Piece]], None]
MEMBER = "member"  # the variable that counts the work-items of a group that works together


class Steps:
    """Writes loops."""

    def __init__(self, scope: Scope, integers: Integers, group: int) -> None:
        self.scope = scope
        self.integers = integers
        self.group = group

    def over(self, r: Range, walk: Walk, body: Body) -> None:
        """Calls ``body`` with the pieces of a step of ``r``, once for each of its segments."""
        if walk.together:
            (segment,) = segments(r.size, walk)
            start = Sum(((MEMBER, 1),))
            self._loop(r, segment, body, start, Sum((), segment.steps), None, self.group)
            return
        for segment in segments(r.size, walk):
            self._segment(r, segment, body)

    def shared(self, r: Range, walk: Walk, coordinate: str, body: Body) -> None:
        """The same for the part of ``r`` that belongs to a work-item: ``coordinate`` is the
        variable that counts the work-items along ``r``."""
        main, *tails = segments(r.size, walk)
        chunk = -(-main.steps // walk.items)
        if chunk == 1:
            axis = self._axis(r, main, coordinate)
            body(self._pieces(main, ix.of(Range(axis, walk.items)), 0))
        else:
            start = Sum(((coordinate, chunk),))
            limit = main.steps if main.steps % chunk else None
            self._loop(r, main, body, start, Sum(start.terms, chunk), limit)
        if tails:
            with self.scope.block() as block:
                for segment in tails:  # at this depth: the other work-items skip it
                    self._segment(r, segment, body, self.scope.depth)
            self.scope.add(nest.Last(coordinate, walk.items - 1, tuple(block.statements)))

    def _axis(self, r: Range, main: Segment, coordinate: str) -> str:
        """A variable that counts elements along ``r``, of which a work-item takes one step."""

        def along(name: str) -> nest.Int:
            return nest.Int(name, Sum(((coordinate, main.tile),), main.start))

        axis = coordinate
        if coordinate != r.name:
            axis = self.scope.once(("axis", r), 0, r.name, along, self.scope.counter)
            self.integers.steps[axis] = main.tile, main.start
        return axis

    def _segment(self, r: Range, segment: Segment, body: Body, depth: int = 0) -> None:
        if segment.steps == 1:
            body(self._pieces(segment, Index(), depth))
        else:
            self._loop(r, segment, body, Sum(), Sum((), segment.steps), None)

    def parted(
        self, r: Range, walk: Walk, parts: int, before: Callable[[Index], None], body: Body
    ) -> None:
        """``over`` in ``parts``, a loop each, which ``before`` begins with the number of the part;
        of a range that has one segment."""
        (segment,) = segments(r.size, walk)
        chunk = -(-segment.steps // parts)
        if chunk == segment.tile == 1:  # its own loop does

            def begun(pieces: Sequence[Piece]) -> None:
                before(pieces[0].index)
                body(pieces)

            self._segment(r, segment, begun)
            return
        name = self.scope.counter(f"{r.name}_part")
        with self.scope.block() as block:
            before(ix.of(Range(self.scope.define(name, self.scope.depth), parts)))
            start = Sum(((name, chunk),))
            limit = segment.steps if segment.steps % chunk else None
            self._loop(r, segment, body, start, Sum(start.terms, chunk), limit)
        self.scope.counters.discard(name)
        count = -(-segment.steps // chunk)
        self.scope.add(nest.Loop(name, Sum(), Sum((), count), tuple(block.statements)))

    def _loop(
        self, r: Range, segment: Segment, body: Body, start: Sum, stop: Sum, limit: int | None,
        step: int = 1,
    ) -> None:  # fmt: skip
        """``start``, ``stop`` and ``limit`` count steps; the loop counts elements."""
        name, first, tile = self.scope.counter(r.name), segment.start, segment.tile
        self.integers.steps[name] = tile, first
        with self.scope.block() as block:
            counter = Range(self.scope.define(name, self.scope.depth), segment.steps)
            body(self._pieces(segment, ix.of(counter), self.scope.depth))
        self.scope.counters.discard(name)
        start, stop = _elements(start, tile, first), _elements(stop, tile, first)
        limit = None if limit is None else limit * tile + first
        self.scope.add(nest.Loop(name, start, stop, tuple(block.statements), limit, step * tile))

    def _pieces(self, segment: Segment, step: Index, depth: int) -> list[Piece]:
        base = step * segment.tile + segment.start
        return [
            Piece(self._lanes(base + offset, lanes), depth, lanes, number)
            for number, (offset, lanes) in enumerate(segment.pieces())
        ]

    def _lanes(self, index: Index, lanes: int) -> Index:
        return index if lanes == 1 else index + ix.of(self.integers.lane(lanes))


def _elements(steps: Sum, tile: int, first: int) -> Sum:
    return Sum(tuple((name, c * tile) for name, c in steps.terms), steps.const * tile + first)
