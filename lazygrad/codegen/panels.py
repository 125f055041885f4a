"""Panels: a factor of a contraction copied to memory of the work-item's own.

Rows of a wide matrix are so far apart that a tile's columns fall into the same few cache lines and
into another page each. Copied once, they are read in order, for every tile of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from lazygrad.codegen import nest
from lazygrad.codegen.nest import Sum, Value
from lazygrad.codegen.schedule import Panel, Walk
from lazygrad.codegen.scope import Point, Scope
from lazygrad.codegen.steps import Piece, Steps
from lazygrad.codegen.values import Values
from lazygrad.kernel import index as ix
from lazygrad.kernel.index import Index, Range

_ONE = Walk()


class FilledPanel:
    """A panel that has been written for the columns of ``points``."""

    def __init__(
        self, panel: Panel, points: Sequence[Point], scope: Scope, values: Values, steps: Steps
    ) -> None:
        self.panel = panel
        self.scope = scope
        self.values = values
        self.lanes = points[0].width(panel.factor.ranges)
        self._steps = steps
        self._strides: dict[Range, int] = {}
        step = len(points)
        for r in reversed(panel.summed):
            self._strides[r] = step
            step *= r.size
        self._fixed = panel.factor.ranges - set(panel.summed)
        self._numbers = {self._column(point): i for i, point in enumerate(points)}
        self.name = scope.define(scope.fresh("panel"), scope.depth)
        scope.add(nest.Array(self.name, panel.factor.dtype, self.lanes, step))
        self._fill(panel.summed, points)

    def _column(self, point: Point) -> tuple[Index, ...]:
        return point.key(self._fixed)[0]

    def _fill(self, left: tuple[Range, ...], points: Sequence[Point]) -> None:
        if not left:
            for point in points:
                value = self.values.at(self.panel.factor, point)
                self.scope.add(nest.Put(self.name, self._place(point), value, self.lanes))
            return

        def inside(pieces: Sequence[Piece]) -> None:
            (piece,) = pieces
            self._fill(
                left[1:], [point.bind(left[0], piece.index, piece.depth) for point in points]
            )

        self._steps.over(left[0], _ONE, inside)

    def _place(self, point: Point) -> Sum:
        index = ix.of(self._numbers[self._column(point)])
        for r, stride in self._strides.items():
            index = index + point.indices[r] * stride
        return self.values.integers.hoisted(self.values.integers.total(index))

    def get(self, point: Point) -> Value:
        """The factor at ``point``, from the panel."""
        factor = self.panel.factor
        depth = point.key(factor.ranges)[1]
        return self.values.get(factor, depth, self.name, self._place(point), self.lanes)


def fits(panel: Panel, points: Sequence[Point]) -> bool:
    """All columns of the step are vectors of the same width."""
    widths = {point.width(panel.factor.ranges) for point in points}
    return len(widths) == 1 and widths != {1}


def nbytes(panel: Panel, columns: int) -> int:
    return prod(r.size for r in panel.summed) * columns * max(4, panel.factor.dtype.itemsize)
