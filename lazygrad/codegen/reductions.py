"""Reductions of a nest: loops with accumulators.

Reductions that become computable at the same place and have the same ranges share their loops:
the tiles of a contraction, the mean and the mean square of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from lazygrad import element_types as dt, ops
from lazygrad.codegen import nest, skip
from lazygrad.codegen.fetch import Fetches
from lazygrad.codegen.nest import Value
from lazygrad.codegen.rows import KeptRows
from lazygrad.codegen.schedule import Schedule, Walk, segments
from lazygrad.codegen.scope import Point, Scope
from lazygrad.codegen.steps import Piece, Steps
from lazygrad.codegen.values import Values
from lazygrad.kernel import contraction, expr as ex, forms
from lazygrad.kernel.expr import Bound, Expr
from lazygrad.kernel.index import Range
from lazygrad.kernel.running import Running

Slot = tuple[int, int]  # lanes of an accumulator, and its number
_ONLY: Slot = (1, 0)


@dataclass
class Started:
    """A reduction in progress: its accumulators."""

    value: Expr
    point: Point
    partial: dict[Slot, Value]


class Reductions:
    """Writes the loops of REDUCE expressions and remembers their results."""

    def __init__(
        self, scope: Scope, values: Values, steps: Steps, schedule: Schedule, rows: KeptRows
    ) -> None:
        self.scope = scope
        self.values = values
        self.steps = steps
        self.schedule = schedule
        self.rows = rows
        self._inside: dict[Expr, list[Expr]] = {}
        ahead = schedule.ahead
        self.fetches = None if ahead is None else Fetches(ahead, scope, values, steps)

    def prepare(self, wanted: Iterable[tuple[Expr, Point]]) -> None:
        """Computes every reduction below ``wanted`` whose free ranges are bound."""
        groups: dict[tuple[int, int, tuple[tuple[int, Walk], ...]], list[Started]] = {}
        for value, point in wanted:
            levels: dict[Expr, int] = {}
            for r in self._reductions(value):
                if not point.binds(r.ranges):
                    continue
                below = (levels[inner] for inner in self._reductions(r.src[0]) if inner in levels)
                level = levels[r] = 1 + max(below, default=0)
                if self.values.known(r, point) is None:
                    walks = tuple((x.size, self.schedule.walk(x)) for x in r.arg.ranges)
                    home = point.key(r.ranges)[1]
                    groups.setdefault((level, home, walks), []).append(Started(r, point, {}))
        for (_, home, _), group in sorted(groups.items(), key=lambda item: item[0][:2]):
            self._compute(_distinct(group), home)

    def carried(self, run: Running, points: Sequence[Point]) -> Callable[[Sequence[Point]], None]:
        """Declares the accumulators of a running reduction, before the loop along it; what it
        returns adds the elements at a step of that loop, whose results the accumulators then
        are."""
        home = self.scope.depth
        before = run.reduce.ranges - {run.along}
        running: dict[object, Value] = {}
        for point in points:
            key = point.key(before)[0]
            if key not in running:
                running[key] = self._declare(run.reduce, point.width(before), home)

        def add(inside: Sequence[Point]) -> None:
            for point in inside:
                if self.values.known(run.reduce, point) is None:
                    total = running[point.key(before)[0]]
                    self._add(run.source, run.reduce.arg.op.combine, point, total)
                    self.values.remember(run.reduce, point, total)

        return add

    def _add(self, source: Expr, op: ops.Op, point: Point, total: Value) -> None:
        for operands in self._operands(source, op, point):
            added = nest.Accumulate(total.name, source.dtype, total.lanes, op, operands)
            self.scope.add(added)

    def _reductions(self, value: Expr) -> list[Expr]:
        """Every REDUCE below ``value``, inner ones first."""
        found = self._inside.get(value)
        if found is None:
            found = [e for e in ex.toposort([value]) if e.op is ex.REDUCE]
            self._inside[value] = found
        return found

    def _compute(self, group: list[Started], home: int) -> None:
        ranges = group[0].value.arg.ranges
        chained = not any(self._is_loop(r) or self.schedule.walk(r).lanes > 1 for r in ranges)
        with self.scope.at(home):
            self._walk(group, [()], home, chained)
            for running in group:
                result = self._total(running, home)
                self.values.remember(running.value, running.point, result)

    def _is_loop(self, r: Range) -> bool:
        return any(segment.steps > 1 for segment in segments(r.size, self.schedule.walk(r)))

    def _walk(
        self, group: list[Started], combos: Sequence[tuple[Piece, ...]], home: int, chained: bool
    ) -> None:
        """Opens the loops of the ranges that are left, then accumulates at every combination of
        their pieces."""
        ranges = group[0].value.arg.ranges
        position = len(combos[0])
        if position == len(ranges):
            self._accumulate(group, combos, home, chained)
            return
        r = ranges[position]

        def inside(pieces: Sequence[Piece]) -> None:
            with self._where_needed(group, combos, r, pieces) as here:
                wider = [(*combo, piece) for combo in combos for piece in here]
                self._walk(group, wider, home, chained)

        walk = self.schedule.walk(r)
        if position == 0 and self.fetches is not None:
            self.fetches.over(r, walk, [running.point for running in group], inside)
        else:
            self.steps.over(r, walk, inside)

    @contextmanager
    def _where_needed(
        self,
        group: list[Started],
        combos: Sequence[tuple[Piece, ...]],
        r: Range,
        pieces: Sequence[Piece],
    ) -> Iterator[Sequence[Piece]]:
        """The pieces of a step of ``r``, inside of a test if there are points where nothing is
        added."""
        bounds: tuple[Bound, ...] = ()
        if len(pieces) == 1 and self._is_loop(r) and not self.schedule.together:
            (reduction, *others) = {running.value for running in group}
            points = [_bind(running, (*combo, *pieces)) for running in group for combo in combos]
            if not others:
                bounds = skip.needed(reduction, r, points, self.values.integers)
        if not bounds:
            yield pieces
            return
        test = self.values.integers.test(bounds)
        with self.scope.block() as block, self.values.integers.assuming(bounds):
            yield [replace(piece, depth=self.scope.depth) for piece in pieces]
        self.scope.add(nest.If(test, tuple(block.statements)))

    def _accumulate(
        self, group: list[Started], combos: Sequence[tuple[Piece, ...]], home: int, chained: bool
    ) -> None:
        points = [[_bind(running, combo) for combo in combos] for running in group]
        self.prepare(
            (running.value.src[0], point)
            for running, inner in zip(group, points, strict=True)
            for point in inner
        )
        for number, combo in enumerate(combos):
            for running, inner in zip(group, points, strict=True):
                if chained:
                    self._chain(running, inner[number], home)
                else:
                    self._step(running, combo, inner[number], home)

    def _chain(self, running: Started, point: Point, home: int) -> None:
        """A handful of values combined without an accumulator: the window of a pooling."""
        source = running.value.src[0]
        value = self.values.at(source, point)
        before = running.partial.get(_ONLY)
        if before is not None:
            op = running.value.arg.op.combine
            value = self.values.let(op, (before, value), source, home)
        running.partial[_ONLY] = value

    def _step(self, running: Started, combo: tuple[Piece, ...], point: Point, home: int) -> None:
        """Adds the value at ``point`` to its accumulator."""
        source = running.value.src[0]
        op = running.value.arg.op.combine
        lanes = max([point.width(source.ranges), *(piece.lanes for piece in combo)])
        slot = lanes, self._number(running, combo)
        if slot not in running.partial:
            running.partial[slot] = self._declare(running.value, lanes, home)
        self._add(source, op, point, running.partial[slot])
        self.rows.put(running.value, point, home)

    def _number(self, running: Started, combo: tuple[Piece, ...]) -> int:
        """Which accumulator a combination of pieces adds to: one each where a loop steps over
        several at a time, so that they do not wait for each other."""
        number = 0
        for r, piece in zip(running.value.arg.ranges, combo, strict=True):
            if piece.lanes > 1 or self._is_loop(r):
                number = number * self.schedule.walk(r).tile + piece.number
        return number

    def _operands(self, source: Expr, op: ops.Op, point: Point) -> list[tuple[Value, ...]]:
        """What to accumulate: pairs of factors where products can be added in one instruction."""
        if op is ops.ADD and source.dtype.kind == dt.FLOAT:
            pairs = contraction.factors(source)
            if pairs is not None and self.values.known(source, point) is None:
                return [(self.values.at(a, point), self.values.at(b, point)) for a, b in pairs]
        return [(self.values.at(source, point),)]

    def _declare(self, value: Expr, lanes: int, home: int) -> Value:
        name = self.scope.define(self.scope.fresh(forms.stem(value)), home)
        first = value.arg.op.identity(value.dtype)
        self.scope.add(nest.Declare(name, value.dtype, lanes, first), home)
        return Value(value.dtype, lanes, name)

    def _total(self, running: Started, home: int) -> Value:
        """The accumulators combined, and their lanes where the reduction itself ran over lanes."""
        value = running.value
        op = value.arg.op.combine
        outer = running.point.width(value.ranges)
        by_lanes: dict[int, list[Value]] = {}
        for (lanes, _), partial in running.partial.items():
            by_lanes.setdefault(lanes, []).append(partial)
        totals = []
        for lanes in sorted(by_lanes, reverse=True):
            total = self._combine(by_lanes[lanes], value, op, home)
            if total.lanes > 1 and outer == 1:
                name = self.scope.define(self.scope.fresh(forms.STEMS[op]), home)
                self.scope.add(nest.Fold(name, op, total))
                total = Value(value.dtype, 1, name)
            totals.append(total)
        total = self._combine(totals, value, op, home)
        if any(self.schedule.walk(r).together for r in value.arg.ranges):
            name = self.scope.define(self.scope.fresh(forms.STEMS[op]), home)
            self.scope.add(nest.Combine(name, op, total))
            total = Value(value.dtype, 1, name)
        return total

    def _combine(self, values: list[Value], like: Expr, op: ops.Op, home: int) -> Value:
        """A balanced tree."""
        while len(values) > 1:
            pairs = [tuple(values[i : i + 2]) for i in range(0, len(values), 2)]
            values = [
                pair[0] if len(pair) == 1 else self.values.let(op, pair, like, home)
                for pair in pairs
            ]
        return values[0]


def _distinct(group: list[Started]) -> list[Started]:
    """Each reduction once, where several points of a tile agree on what it depends on."""
    seen = {(r.value, r.point.key(r.value.ranges)[0]): r for r in group}
    return list(seen.values())


def _bind(running: Started, combo: tuple[Piece, ...]) -> Point:
    """Where a reduction is with the pieces of its first ranges."""
    point = running.point
    for r, piece in zip(running.value.arg.ranges, combo, strict=False):
        point = point.bind(r, piece.index, piece.depth, piece.lanes)
    return point
