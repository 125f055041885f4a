"""Kernels that collect: every place of the result is filled, then what goes there is combined.

A work-item has a part of the places to itself. It visits all elements in turn and takes those that
go to its part, so nothing is shared, nothing waits, and sums come out the same on every run. What
lies below a place in memory (the row of an embedding) is walked inside, in vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod

from lazygrad import ops
from lazygrad.codegen import lanes as ln, nest
from lazygrad.codegen.schedule import Schedule, Walk, vector_steps
from lazygrad.codegen.scope import Point, Scope
from lazygrad.codegen.steps import Piece, Steps
from lazygrad.codegen.values import Values
from lazygrad.kernel import expr as ex, index as ix
from lazygrad.kernel.expr import Bound, Expr
from lazygrad.kernel.index import ANYWHERE, DataAtom, Range
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.target import Target

GPU_ITEMS = 512  # work-items for each unit of a GPU: as many as wait for memory side by side
GPU_GROUP = 128
VECTORS = 4  # in a step along a row


def schedule(kernel: Kernel, target: Target, wide: bool) -> Schedule:
    """A part of the places for each unit that the other ranges leave without work."""
    (output,) = kernel.outputs
    found = _collect(kernel)
    places, stride = found.arg.places, output.index.coefficient
    wide = wide or found.src[0].dtype.itemsize > 4
    rest = sorted((r for r in kernel.ranges if r != places), key=lambda r: -abs(stride(r)))
    below = places is not None and not target.is_gpu
    outer = tuple(r for r in rest if not below or abs(stride(r)) > abs(stride(places)))
    walks: dict[Range, Walk] = {}
    wanted = target.units * (GPU_ITEMS if target.is_gpu else 1)
    for r in outer:
        items = r.size if target.is_gpu else min(r.size, wanted)
        walks[r] = Walk(items=-(-r.size // -(-r.size // items)))
        wanted = -(-wanted // items)
    parts = min(wanted, places.size) if places else 1
    if places:
        walks[places] = Walk(items=-(-places.size // -(-places.size // parts)))
    rows = [r for r in rest if r not in outer]
    walks.update(_row_walks(kernel, rows, target))
    numbering = outer if places is None else (places, *outer)
    notes = (f"collects to {walks[places].items if places else 1} parts of the places",)
    items = prod(walks[r].items for r in numbering)
    most = min(GPU_GROUP, target.max_group) if target.is_gpu else 1
    group = min(most, 1 << (items - 1).bit_length())
    return Schedule(kernel, outer, numbering, walks, group, wide, notes=notes)


def _collect(kernel: Kernel) -> Expr:
    found = kernel.collected
    assert found is not None
    return found


def _row_walks(kernel: Kernel, rows: Sequence[Range], target: Target) -> dict[Range, Walk]:
    """Vectors along the range of rows that is contiguous, where whole rows go to a place."""
    (output,) = kernel.outputs
    position, value = _collect(kernel).src
    plain = replace(kernel, outputs=(replace(output, value=value),))
    lanes = ln.vector_width(plain, target, False)
    return {
        r: vector_steps(r, lanes, VECTORS)
        for r in rows
        if output.index.coefficient(r) == 1 and r not in position.ranges and lanes > 1
    }


class Collecting:
    """Writes the statements of such a kernel."""

    def __init__(self, plan: Schedule, scope: Scope, values: Values, steps: Steps) -> None:
        self.schedule, self.scope, self.values, self.steps = plan, scope, values, steps
        (self.output,) = plan.kernel.outputs
        self.value = _collect(plan.kernel)
        self.places = self.value.arg.places
        listed = {*plan.order, self.places}
        rows = sorted(
            (r for r in self.output.ranges if r not in listed),
            key=lambda r: -abs(self.output.index.coefficient(r)),
        )
        moving = self.value.src[0].ranges
        self.before = [r for r in rows if r in moving]  # each element of a row has its own place
        self.rows = [r for r in rows if r not in moving]

    def write(self, point: Point, part: str) -> None:
        """Everything at a ``point`` of the ranges outside; ``part`` counts parts of the places
        (empty: there is one)."""
        self._fill(point, part)
        turns = sorted(self.value.arg.ranges, key=lambda r: -self.value.arg.turn.coefficient(r))
        self._over([*turns, *self.before], point, lambda inner: self._take_in(inner, part))

    def _fill(self, point: Point, part: str) -> None:
        nothing = ex.literal(ops.NOTHING[self.value.arg.op](self.value.dtype), self.value.dtype)
        filler = replace(self.output, value=nothing)

        def rows(inner: Point) -> None:
            ranges = [*self.before, *self.rows]
            self._over(ranges, inner, lambda at: self.values.store(filler, at))

        if self.places is None:
            rows(point)
        elif part:
            walk = self.schedule.walk(self.places)
            self.steps.shared(self.places, walk, part, self._bound(self.places, point, rows))
        else:
            self._over([self.places], point, rows)

    def _take_in(self, point: Point, part: str) -> None:
        """The element of a turn, or the row of it, if its place is among those of the part."""
        integers, places = self.values.integers, self.places
        size = places.size if places else 1
        to = integers.bind(ix.of(DataAtom(self.value.src[0], ANYWHERE)), point)
        bounds = [Bound(to, 0, size)]
        if part and places:
            items = self.schedule.walk(places).items
            chunk = -(-places.size // items)
            bounds.append(Bound(to - ix.of(Range(part, items)) * chunk, 0, chunk))
        test = integers.test(bounds)
        with self.scope.block() as block:
            depth = self.scope.depth
            here = point
            for r in (*self.value.arg.ranges, *self.before):  # nothing is computed before the test
                here = here.bind(r, point.indices[r], depth)
            if places:
                here = here.bind(places, to, depth)
            element = replace(self.output, value=self.value.src[1])
            op = self.value.arg.op
            self._over(self.rows, here, lambda at: self.values.combine(element, at, op))
        self.scope.add(nest.If(test, tuple(block.statements)))

    def _over(self, ranges: Sequence[Range], point: Point, body: Callable[[Point], None]) -> None:
        """Calls ``body`` at every point, in the loops of ``ranges``."""
        if not ranges:
            body(point)
            return
        r, *rest = ranges
        inside = self._bound(r, point, lambda inner: self._over(rest, inner, body))
        self.steps.over(r, self.schedule.walk(r), inside)

    def _bound(
        self, r: Range, point: Point, body: Callable[[Point], None]
    ) -> Callable[[Sequence[Piece]], None]:
        def inside(pieces: Sequence[Piece]) -> None:
            for piece in pieces:
                body(point.bind(r, piece.index, piece.depth, piece.lanes))

        return inside
