"""Rows: costly values that a reduction computes and an output needs again, kept in memory of the
work-item's own. The exponentials of a softmax are summed first and divided then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from lazygrad import ops
from lazygrad.codegen import nest
from lazygrad.codegen.nest import Sum, Value
from lazygrad.codegen.schedule import Row, Walk
from lazygrad.codegen.scope import Point, Scope
from lazygrad.codegen.values import Values
from lazygrad.kernel import expr as ex, index as ix
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import Index, Range
from lazygrad.kernel.kernel import Kernel

LARGEST = 1 << 15  # bytes: a row stays in the first level of the cache


def find(kernel: Kernel, walks: Mapping[Range, Walk]) -> tuple[Row, ...]:
    """The rows worth keeping, as far as they are made of whole vectors."""
    found = (row for e in kernel.reductions() for row in _rows_of(e, kernel, walks))
    return tuple(dict.fromkeys(found))


def _rows_of(e: Expr, kernel: Kernel, walks: Mapping[Range, Walk]) -> Iterator[Row]:
    if len(e.arg.ranges) != 1:
        return
    (r,) = e.arg.ranges
    # what does not depend on all that the reduction depends on is computed outside its block
    depends = e.ranges | {r}
    costly = [v for v in ex.toposort(e.src) if v.op in ops.COSTLY and depends <= v.ranges]
    for output in kernel.outputs if costly else ():
        needed = set(ex.toposort([output.value]))
        for again in output.ranges:
            if again in kernel.ranges or not _fits(r, again, walks):
                continue
            for value in costly:
                outside = value.substitute({r: ix.of(again)})
                if outside in needed and value.dtype.itemsize * r.size <= LARGEST:
                    yield Row(value, r, outside, again, walks[r].lanes)


def _fits(r: Range, again: Range, walks: Mapping[Range, Walk]) -> bool:
    if r.size != again.size or r not in walks or again not in walks:
        return False
    lanes = walks[r].lanes
    return lanes > 1 and walks[again].lanes == lanes and r.size % lanes == 0


class KeptRows:
    """The rows of a nest, as they are written and read back."""

    def __init__(self, rows: tuple[Row, ...], scope: Scope, values: Values) -> None:
        self.rows, self.scope, self.values = rows, scope, values
        self._arrays: dict[tuple[Row, object], str] = {}
        for row in rows:
            values.read_back(row.outside, partial(self._get, row))

    def put(self, reduced: Expr, point: Point, home: int) -> None:
        """Writes what ``reduced``, a reduction inside the block at ``home``, computes at ``point``
        and is needed again."""
        for row in self.rows:
            if reduced.arg.ranges != (row.r,) or self.values.known(row.inside, point) is None:
                continue
            name = self._array(row, point, home)
            place = self._place(row, row.r, point)
            value = self.values.at(row.inside, point)
            self.scope.add(nest.Put(name, place, value, row.lanes))

    def _get(self, row: Row, point: Point) -> Value:
        name = self._arrays[row, self._key(row, point)]
        place = self._place(row, row.again, point)
        depth = point.key(row.outside.ranges)[1]
        return self.values.get(row.outside, depth, name, place, row.lanes)

    def _array(self, row: Row, point: Point, home: int) -> str:
        key = row, self._key(row, point)
        if key not in self._arrays:
            name = self.scope.define(self.scope.fresh("row"), home)
            count = row.r.size // row.lanes
            self.scope.add(nest.Array(name, row.inside.dtype, row.lanes, count), home)
            self._arrays[key] = name
        return self._arrays[key]

    def _key(self, row: Row, point: Point) -> object:
        """Where the row is: what it depends on besides its own range."""
        return point.key(row.inside.ranges - {row.r})[0]

    def _place(self, row: Row, r: Range, point: Point) -> Sum:
        """The number of the vector at ``point`` along ``r``."""
        integers, index = self.values.integers, point.indices[r]
        steps = [(atom, c // row.lanes) for atom, c in index.terms if atom not in integers.lanes]
        return integers.hoisted(integers.total(Index(steps, index.const // row.lanes)))
