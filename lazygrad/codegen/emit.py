"""From a scheduled kernel to its loop nest."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from lazygrad.codegen import nest
from lazygrad.codegen.collect import Collecting
from lazygrad.codegen.nest import LoopNest, Sum
from lazygrad.codegen.panels import FilledPanel, fits
from lazygrad.codegen.reductions import Reductions
from lazygrad.codegen.rows import KeptRows
from lazygrad.codegen.schedule import Blocks, Schedule
from lazygrad.codegen.scope import Point, Scope
from lazygrad.codegen.shared import BlockedSum
from lazygrad.codegen.steps import MEMBER, Piece, Steps
from lazygrad.codegen.values import Values
from lazygrad.kernel import index as ix
from lazygrad.kernel.index import Index, Range
from lazygrad.kernel.kernel import Kernel, Output, buffer_names

ITEM = "item"  # the variable that counts work-items


def emit(kernel: Kernel, schedule: Schedule) -> LoopNest:
    """The nest of ``kernel``; ``schedule.kernel`` is the same in normal form."""
    return _Emitter(schedule).write(kernel)


class _Emitter:
    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.scope = Scope()
        self.values = Values(self.scope, buffer_names(schedule.kernel))
        self.steps = Steps(self.scope, self.values.integers, schedule.group)
        rows = KeptRows(schedule.rows, self.scope, self.values)
        self.reductions = Reductions(self.scope, self.values, self.steps, schedule, rows)

    def write(self, kernel: Kernel) -> LoopNest:
        coordinates = self._coordinates()
        if self.schedule.blocks is None:
            self._outer(0, [Point()], coordinates)
        else:
            self._blocks(self.schedule.blocks, coordinates)
        items = prod(self.schedule.walk(r).items for r in self.schedule.numbering)
        together = self.schedule.together
        return LoopNest(
            kernel, items * (self.schedule.group if together else 1), self.schedule.group,
            self.schedule.wide, self.values.integers.zeros,
            tuple(self.scope.stack[0].statements), self._plan(), together,
        )  # fmt: skip

    def _blocks(self, blocks: Blocks, coordinates: dict[Range, str]) -> None:
        kernel = self.schedule.kernel
        places = dict.fromkeys(self.schedule.order, Index())
        for r, name in coordinates.items():
            places[r] = ix.of(Range(name, self.schedule.walk(r).items))
        BlockedSum(kernel, blocks, self.scope, self.values, self.steps, places).write()

    def _coordinates(self) -> dict[Range, str]:
        """A variable with the work-item's place along every range that is divided."""
        found: dict[Range, str] = {}
        shared = [r for r in self.schedule.numbering if self.schedule.walk(r).items > 1]
        flat = self.scope.define(ITEM, 0)
        self.scope.define(MEMBER, 0)
        for number, r in enumerate(reversed(shared)):
            items = self.schedule.walk(r).items
            if number == len(shared) - 1:
                found[r] = flat
                break
            name = self.scope.counter(r.name if self._is_axis(r) else f"{r.name}_part")
            found[r] = self._divided(name, flat, items, True)
            flat = self._divided(self.scope.fresh("item"), flat, items, False)
        return found

    def _is_axis(self, r: Range) -> bool:
        """Whether each of the work-items along ``r`` has one element of it."""
        return r in self.schedule.order and self.schedule.walk(r).items == r.size

    def _divided(self, name: str, flat: str, items: int, remainder: bool) -> str:
        self.scope.define(name, 0)
        self.scope.add(nest.Divide(name, Sum(((flat, 1),)), items, remainder, False))
        return name

    def _outer(self, position: int, points: list[Point], coordinates: dict[Range, str]) -> None:
        """Opens the loops of the kernel's ranges, one after the other."""
        if position == len(self.schedule.order):
            if self.schedule.kernel.collected is not None:
                self._collect(points, coordinates)
            else:
                self._outputs(points)
            return
        r = self.schedule.order[position]
        for panel in self.schedule.panels:
            if r == panel.rows and fits(panel, points):
                filled = FilledPanel(panel, points, self.scope, self.values, self.steps)
                self.values.read_back(panel.factor, filled.get)
        self._loop(r, position, points, coordinates)
        if any(r == panel.rows for panel in self.schedule.panels):
            self.values.compute_again()

    def _loop(
        self, r: Range, position: int, points: list[Point], coordinates: dict[Range, str]
    ) -> None:
        walk = self.schedule.walk(r)
        innermost = position == len(self.schedule.order) - 1
        runs = self.schedule.running if innermost else ()
        carried = [self.reductions.carried(run, points) for run in runs]

        def inside(pieces: Sequence[Piece]) -> None:
            bound = _bound(points, r, pieces)
            for add in carried:
                add(bound)
            self._outer(position + 1, bound, coordinates)

        if r in coordinates:
            self.steps.shared(r, walk, coordinates[r], inside)
        else:
            self.steps.over(r, walk, inside)

    def _collect(self, points: list[Point], coordinates: dict[Range, str]) -> None:
        parts = [r for r in self.schedule.numbering if r not in self.schedule.order]
        part = "".join(coordinates.get(r, "") for r in parts)
        for point in points:
            Collecting(self.schedule, self.scope, self.values, self.steps).write(point, part)

    def _outputs(self, points: list[Point]) -> None:
        """Outputs with the same ranges of their own share their loops."""
        groups: dict[tuple[Range, ...], list[Output]] = {}
        outer = set(self.schedule.kernel.ranges)
        for output in self.schedule.kernel.outputs:
            own = tuple(r for r in output.ranges if r not in outer)
            groups.setdefault(own, []).append(output)
        outputs = self.schedule.kernel.outputs
        self.reductions.prepare((o.value, point) for o in outputs for point in points)
        for own, group in groups.items():
            if own or not self.schedule.together:
                self._own(group, own, points)
                continue
            with self.scope.block() as block:  # what all have computed is written by one
                self._own(group, own, points)
            self.scope.add(nest.Last(MEMBER, 0, tuple(block.statements)))

    def _own(self, outputs: list[Output], left: tuple[Range, ...], points: list[Point]) -> None:
        """The loops of the outputs' own ranges, and the stores inside."""
        if not left:
            self.reductions.prepare((o.value, point) for o in outputs for point in points)
            self.values.write(outputs, points)
            return

        def inside(pieces: Sequence[Piece]) -> None:
            self._own(outputs, left[1:], _bound(points, left[0], pieces))

        self.steps.over(left[0], self.schedule.walk(left[0]), inside)

    def _plan(self) -> tuple[str, ...]:
        """How the ranges are walked, in words."""
        lines = [*self.schedule.notes]
        for r in (*self.schedule.order, *self._other_ranges()):
            lines.append(f"{r.name} = 0 ... {r.size - 1}: {self.schedule.walk(r)}")
        return tuple(lines)

    def _other_ranges(self) -> list[Range]:
        kernel = self.schedule.kernel
        found = [r for o in kernel.outputs for r in o.ranges]
        found += [r for e in kernel.reductions() for r in e.arg.ranges]
        return [r for r in dict.fromkeys(found) if r not in self.schedule.order]


def _bound(points: list[Point], r: Range, pieces: Sequence[Piece]) -> list[Point]:
    """Every point with every piece. In a tile, the rows (bound last) change slowest: so few of
    their scalars are alive at a time that the accumulators stay in registers."""
    return [
        point.bind(r, piece.index, piece.depth, piece.lanes) for piece in pieces for point in points
    ]
