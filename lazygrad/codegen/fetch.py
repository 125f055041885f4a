"""Fetches: memory that a tile reads and writes after its sum, asked for while the sum runs.

What is multiplied is read in order, or again and again, and is there in time. What an epilogue
reads and writes, as the state of an optimizer, lies in rows far apart that nobody has asked for: a
tile waits for each of them. The sum takes long enough for all of them to come.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lazygrad.codegen import nest
from lazygrad.codegen.schedule import Ahead, Walk, segments
from lazygrad.codegen.scope import Point, Scope
from lazygrad.codegen.steps import Body, Steps
from lazygrad.codegen.values import Values
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Load
from lazygrad.kernel.index import Index, Range
from lazygrad.kernel.kernel import Kernel

Access = tuple[int, Index, bool]  # a buffer, where, and whether it is written


def beside(kernel: Kernel) -> list[tuple[Load, bool]]:
    """What is stored and loaded for each sum, not for each product, and whether it is written."""
    found = [(Load(output.slot, output.index, ()), True) for output in kernel.outputs]
    left = [output.value for output in kernel.outputs]
    seen = set(left)
    while left:
        value = left.pop()
        if value.op is ex.LOAD:
            found.append((value.arg, False))
        below = () if value.op is ex.REDUCE else value.operands
        left += [operand for operand in below if operand not in seen]
        seen.update(below)
    return found


def accesses(kernel: Kernel, rows: Range, columns: Range) -> tuple[Access, ...]:
    """What ``kernel`` reads and writes beside its sum, along memory in ``columns``, elsewhere in
    each row."""
    return tuple(
        (load.slot, load.index, written)
        for load, written in beside(kernel)
        if not load.guard
        and all(r in load.index.ranges and load.index.affine_in(r) for r in (rows, columns))
        and load.index.coefficient(columns) == 1
    )


class Fetches:
    """Writes them into the outermost loop of a sum."""

    def __init__(self, ahead: Ahead, scope: Scope, values: Values, steps: Steps) -> None:
        self.ahead, self.scope, self.values, self.steps = ahead, scope, values, steps

    def over(self, r: Range, walk: Walk, points: Sequence[Point], body: Body) -> None:
        """The steps of ``r``, in as many parts as the tile at ``points`` has rows, if it has so
        many steps: each begins with what one row needs."""
        rows = len({point.indices[self.ahead.rows] for point in points})
        steps = [segment.steps for segment in segments(r.size, walk)]
        each = -(-rows // steps[0])  # rows that a part begins with
        parts = -(-rows // each)
        if len(steps) > 1 or parts == 1:
            self._fetch(points, Index(), rows)
            self.steps.over(r, walk, body)
            return
        self.steps.parted(r, walk, parts, lambda part: self._fetch(points, part * each, each), body)

    def _fetch(self, points: Sequence[Point], first: Index, count: int) -> None:
        """Asks for ``count`` rows of the tile, from the ``first`` one on."""
        rows, depth = self.ahead.rows, self.scope.depth
        start = points[0].indices[rows]
        columns = [point for point in points if point.indices[rows] == start]
        asked = dict.fromkeys(
            (place, written)
            for number in range(count)
            for point in columns
            for place, written in self._places(point.bind(rows, start + first + number, depth))
        )
        for place, written in asked:
            self.scope.add(nest.Fetch(place, written))

    def _places(self, point: Point) -> Iterator[tuple[nest.Place, bool]]:
        integers = self.values.integers
        for slot, index, written in self.ahead.accesses:
            bound = integers.bind(index, point)
            lane = [(atom, 1) for atom, _ in bound.terms if atom in integers.lanes]
            yield integers.place(slot, bound - Index(lane)), written
