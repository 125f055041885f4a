"""Writes a contraction in blocks: what the work-items of a group copy to memory that they share,
and what each of them adds up from there.

There are two of each piece: while one is summed, the next one is on its way. Its values are read
before the products and written after them, so that a single barrier a step is enough, and nobody
waits for global memory but at the start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product

from lazygrad import ops
from lazygrad.codegen import nest
from lazygrad.codegen.nest import Sum, Value
from lazygrad.codegen.schedule import Blocks, Side, Walk
from lazygrad.codegen.scope import Point, Scope
from lazygrad.codegen.steps import MEMBER, Piece, Steps
from lazygrad.codegen.values import Values
from lazygrad.kernel import expr as ex, index as ix
from lazygrad.kernel.expr import Bound, Expr, Guard
from lazygrad.kernel.index import Index, Range
from lazygrad.kernel.kernel import Kernel

_ONE = Walk()
Copied = tuple[Expr, Side]  # a factor, and the side of the block that it belongs to


class BlockedSum:
    """A contraction as a group computes it; ``coordinates`` count the block along every range."""

    def __init__(
        self, kernel: Kernel, blocks: Blocks, scope: Scope, values: Values, steps: Steps,
        coordinates: Mapping[Range, Index],
    ) -> None:  # fmt: skip
        self.kernel, self.blocks, self.coordinates = kernel, blocks, coordinates
        self.scope, self.values, self.steps = scope, values, steps
        self.member = ix.of(Range(MEMBER, blocks.group))
        self.outer = Point()
        for r, coordinate in coordinates.items():
            if r not in (blocks.rows.r, blocks.columns.r):
                self.outer = self.outer.bind(r, coordinate, 0)
        self.arrays: dict[Copied, str] = {}
        self.accumulators: dict[tuple[int, int], Value] = {}

    def write(self) -> None:
        for factor, side in self.blocks.factors:
            name = self.scope.define(self.scope.fresh("shared"), 0)
            self.scope.add(nest.Shared(name, factor.dtype, self.blocks.held(factor, side)))
            self.arrays[factor, side] = name
        self._sum()
        self._outputs()

    def _first(self, side: Side, number: int) -> Index:
        """Within its block, the first element of a vector of a work-item. Its rows are neighbours;
        its columns are those of its neighbours too, so that they read and write side by side."""
        across = self.blocks.columns.members
        if side is self.blocks.rows:
            return self.member.floordiv(across) * side.steps + number
        return (self.member.mod(across) + number * side.members) * side.lanes

    # -- the sum --------------------------------------------------------------------------------

    def _sum(self) -> None:
        (total,) = self.kernel.reductions()
        rows, columns = self.blocks.rows, self.blocks.columns
        for place in product(range(rows.steps), range(columns.steps)):
            name = self.scope.define(self.scope.fresh("sum"), 0)
            self.scope.add(nest.Declare(name, total.dtype, columns.lanes, 0.0))
            self.accumulators[place] = Value(total.dtype, columns.lanes, name)
        self._put(self._read(Index(), 0), Index())
        self.scope.add(nest.Barrier())
        self.steps.over(Range(self.blocks.summed.name, self.blocks.steps), _ONE, self._step)

    def _step(self, pieces: Sequence[Piece]) -> None:
        (step,) = pieces
        several = self.blocks.steps > 1
        following = self._read(step.index + 1, step.depth) if several else []
        start = step.index.mod(2) * self.blocks.depth

        def inside(inner: Sequence[Piece]) -> None:
            self._add_products(start + inner[0].index)

        self.steps.over(Range("k", self.blocks.depth), _ONE, inside)
        if several:
            self._put(following, (step.index + 1).mod(2))
            self.scope.add(nest.Barrier())

    def _read(self, step: Index, depth: int) -> list[tuple[Copied, Index, Index, Value]]:
        """What a work-item copies in a step of the sum: the factor, the elements along the sum and
        along the side, and the value. Neighbours read neighbours."""
        found = []
        group, deep, summed = self.blocks.group, self.blocks.depth, self.blocks.summed
        for factor, side in self.arrays:
            inside = _zero_outside(factor, side.r, summed)
            block = self.coordinates[side.r] * side.size
            for number in range(side.size * deep // group):
                flat = self.member + number * group
                if factor in self.blocks.along:
                    element, k = flat.floordiv(deep), flat.mod(deep)
                else:
                    element, k = flat.mod(side.size), flat.floordiv(side.size)
                point = self.outer.bind(side.r, block + element, 0)
                point = point.bind(summed, step * deep + k, depth)
                found.append(((factor, side), k, element, self.values.at(inside, point)))
        return found

    def _put(self, values: list[tuple[Copied, Index, Index, Value]], half: Index) -> None:
        for copied, k, element, value in values:
            place = self._place(copied, half * self.blocks.depth + k, element)
            self.scope.add(nest.Put(self.arrays[copied], place, value, 1))

    def _place(self, copied: Copied, k: Index, element: Index) -> Sum:
        integers = self.values.integers
        return integers.hoisted(integers.total(k * self.blocks.pitch(*copied) + element))

    def _add_products(self, k: Index) -> None:
        rows, columns = self.blocks.rows, self.blocks.columns
        for a, b in self.blocks.pairs:
            down = [self._get((a, rows), k, i) for i in range(rows.steps)]
            across = [self._get((b, columns), k, j) for j in range(columns.steps)]
            for (i, j), total in self.accumulators.items():
                operands = down[i], across[j]
                self.scope.add(
                    nest.Accumulate(total.name, total.dtype, total.lanes, ops.ADD, operands)
                )

    def _get(self, copied: Copied, k: Index, number: int) -> Value:
        factor, side = copied
        place = self._place(copied, k, self._first(side, number))
        return self.values.get(factor, self.scope.depth, self.arrays[copied], place, side.lanes)

    # -- the result -----------------------------------------------------------------------------

    def _outputs(self) -> None:
        (total,) = self.kernel.reductions()
        rows, columns = self.blocks.rows, self.blocks.columns
        for j in range(columns.steps):
            with self._within(columns, j, self.outer) as column:
                for i in range(rows.steps):
                    with self._within(rows, i, column) as point:
                        self.values.remember(total, point, self.accumulators[i, j])
                        self.values.write(self.kernel.outputs, [point])

    @contextmanager
    def _within(self, side: Side, number: int, point: Point) -> Iterator[Point]:
        """``point`` with a vector of a work-item bound; what is written meanwhile is done only
        where that is not beyond the end."""
        integers = self.values.integers
        first = self.coordinates[side.r] * side.size + self._first(side, number)
        lane = ix.of(integers.lane(side.lanes)) if side.lanes > 1 else Index()
        bound = Bound(ix.of(side.r), 0, side.r.size)
        outside = integers.bind_guard((bound,), point.bind(side.r, first, 0))
        if not outside:
            yield point.bind(side.r, first + lane, 0, side.lanes)
            return
        test = integers.test(outside)
        with self.scope.block() as block:
            yield point.bind(side.r, first + lane, self.scope.depth, side.lanes)
        self.scope.add(nest.If(test, tuple(block.statements)))


def _zero_outside(factor: Expr, *ranges: Range) -> Expr:
    """``factor``, but zero beyond the ends of ``ranges``, where no memory is read."""
    guard: Guard = tuple(Bound(ix.of(r), 0, r.size) for r in ranges)
    read = ex.guard_loads(factor, guard)
    return read if factor.op is ex.LOAD else ex.guarded(read, guard)
