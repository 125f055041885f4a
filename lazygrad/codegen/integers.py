"""Integer arithmetic of a nest: indices, pointers and bound checks as statements.

Indices arrive over the nest's variables. What does not change in the innermost loop is computed
outside of it, down to pointers: an address in the loop is a pointer plus what moves. (With sums
instead of pointers, LLVM gathers the addresses of a tile into vectors and takes them apart again.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lazygrad.codegen import nest
from lazygrad.codegen.nest import Place, Sum
from lazygrad.codegen.scope import Point, Scope
from lazygrad.kernel.expr import Bound, Expr, Guard
from lazygrad.kernel.index import Atom, DataAtom, Index, Quotient, Range, Remainder

ZEROS = 1 << 16  # bytes: how far a loop may read behind a guarded pointer

Interval = tuple[int, int]


@dataclass(frozen=True)
class Variable:
    """An atom that stands for an integer variable of the nest."""

    name: str
    interval: Interval
    ranges: frozenset[Range]

    def __str__(self) -> str:
        return self.name


class Integers:
    """Writes integer statements; ``value_of`` gives the value of a gather's index expression."""

    def __init__(
        self,
        scope: Scope,
        buffers: Sequence[str],
        value_of: Callable[[Expr, Point], nest.Value],
    ) -> None:
        self.scope = scope
        self.buffers = buffers  # their names
        self.value_of = value_of
        self.lanes: dict[Range, int] = {}  # the ranges that count lanes
        self.steps: dict[str, tuple[int, int]] = {}  # of counters of elements: each, and the first
        self.zeros = 0
        self._assumed: tuple[Bound, ...] = ()
        self._widths: dict[str, int] = {}  # of the variables that are vectors
        self._bound: dict[tuple[Index, tuple[Index, ...]], Index] = {}

    def lane(self, lanes: int) -> Range:
        """The range that counts the lanes of a vector."""
        r = Range(f"lane{lanes}", lanes)
        self.lanes[r] = lanes
        self._widths[self.scope.define(r.name, 0)] = lanes
        return r

    # -- indices over variables -----------------------------------------------------------------

    def bind(self, index: Index, point: Point) -> Index:
        """``index`` over the variables of the nest; gathered indices become variables."""
        if not index.terms:
            return index
        key = index, point.key(index.ranges)[0]
        found = self._bound.get(key)
        if found is None:
            found = Index((), index.const)
            for atom, coefficient in index.terms:
                found = found + self._bind_atom(atom, point) * coefficient
            if not _reads_memory(index):  # a variable of one block is none of another
                self._bound[key] = found
        return found

    def _bind_atom(self, atom: Atom, point: Point) -> Index:
        if isinstance(atom, Range):
            return point.indices[atom]
        if isinstance(atom, Quotient):
            return self.bind(atom.index, point).floordiv(atom.divisor)
        if isinstance(atom, Remainder):
            return self.bind(atom.index, point).mod(atom.divisor)
        value = self.value_of(atom.value, point)
        ranges = frozenset(r for r, lanes in self.lanes.items() if lanes == value.lanes > 1)
        depth = point.key(atom.value.ranges)[1]
        name = self.scope.once(
            ("int", value), depth, "index", lambda name: nest.ToInt(name, value, value.lanes)
        )
        self._widths[name] = value.lanes
        return _index_of(Variable(name, atom.interval, ranges))

    def width(self, index: Index) -> int:
        """Lanes of an index over variables."""
        return max((self.lanes.get(r, 1) for r in index.ranges), default=1)

    # -- sums -----------------------------------------------------------------------------------

    def total(self, index: Index) -> Sum:
        """The index as a sum of variables."""
        terms = [self._term(atom, coefficient) for atom, coefficient in index.terms]
        const = index.const - sum(ahead for _, _, ahead in terms)
        return Sum(tuple([(name, coefficient) for name, coefficient, _ in terms]), const)

    def _term(self, atom: Atom, coefficient: int) -> tuple[str, int, int]:
        """A variable, its coefficient, and how much too large the term is: indices count steps
        of a loop, its variable elements from the first one on."""
        if not isinstance(atom, Range) or atom.name not in self.steps:
            return self._name(atom), coefficient, 0
        tile, first = self.steps[atom.name]
        each, rest = divmod(coefficient, tile)
        if rest:
            return self._step_number(atom.name, tile, first), coefficient, 0
        return atom.name, each, each * first

    def _step_number(self, counter: str, tile: int, first: int) -> str:
        from_first = Sum(((counter, 1),), -first)
        return self.scope.once(
            ("step", counter), self.scope.depth_of[counter], f"{counter}_step",
            lambda name: nest.Divide(name, from_first, tile, False, False),
        )  # fmt: skip

    def _name(self, atom: Atom | Variable) -> str:
        if isinstance(atom, Variable):
            return atom.name
        if isinstance(atom, Range):
            if atom in self.lanes:
                self.scope.once(atom, 0, "unused", lambda _: nest.Lanes(atom.name, atom.size))
            return atom.name
        if isinstance(atom, DataAtom):
            raise TypeError("a gathered index was not bound")
        value = self.hoisted(self.total(atom.index))
        width = self._width(value)
        negative = atom.index.interval[0] < 0
        remainder = isinstance(atom, Remainder)
        name = self.scope.once(
            (remainder, value, atom.divisor), self.depth(value), _divided(value, remainder),
            lambda name: nest.Divide(name, value, atom.divisor, remainder, negative, width),
        )  # fmt: skip
        self._widths[name] = width
        return name

    def _width(self, total: Sum) -> int:
        return max((self._widths.get(name, 1) for name, _ in total.terms), default=1)

    def depth(self, total: Sum) -> int:
        """Where a sum can be computed."""
        return max((self.scope.depth_of[name] for name, _ in total.terms), default=0)

    def hoisted(self, total: Sum) -> Sum:
        """The same sum with what moves slower than its innermost variable in a variable."""
        inner, outer = self._parted(total)
        if len(outer) <= 1 and all(coefficient == 1 for _, coefficient in outer):
            return total
        return Sum(((self._variable(Sum(outer)), 1), *inner), total.const)

    def _variable(self, total: Sum) -> str:
        value = self.hoisted(total)
        width = self._width(value)
        name = self.scope.once(
            ("sum", value), self.depth(value), "at", lambda name: nest.Int(name, value, width)
        )
        self._widths[name] = width
        return name

    def _parted(self, total: Sum) -> tuple[tuple[tuple[str, int], ...], ...]:
        """The terms that belong to the innermost block, and the others."""
        deepest = self.depth(total)
        inner = tuple(t for t in total.terms if self.scope.depth_of[t[0]] == deepest)
        return inner, tuple(t for t in total.terms if self.scope.depth_of[t[0]] != deepest)

    # -- addresses ------------------------------------------------------------------------------

    def place(self, slot: int, index: Index) -> Place:
        """The element of buffer ``slot`` at a scalar index."""
        total = self.total(index)
        inner, outer = self._parted(total)
        if not outer:
            return Place(slot, "", total)
        return Place(slot, self._pointer(slot, Sum(outer), ""), Sum(inner, total.const))

    def guarded_place(
        self, slot: int, index: Index, guard: str, reach: int, itemsize: int
    ) -> tuple[Place, str]:
        """The same under a test, and the test that the access itself must still make.

        Where the innermost loop moves only by what a block of zeros can hold, the pointer is set
        to that block outside of the loop, which then needs no test. ``reach`` counts the elements
        read at the place.
        """
        total = self.total(index)
        inner, outer = self._parted(total)
        if self.scope.depth_of[guard] >= self.depth(total):
            return self.place(slot, index), guard
        named = [(self._term(a, c), a, c) for a, c in index.terms]
        deepest = {name for name, _ in inner}
        moving = Index([(a, c) for (name, _, _), a, c in named if name in deepest])
        ahead = sum(more for (name, _, more), _, _ in named if name in deepest)
        low, high = moving.interval
        nbytes = (high - low + reach) * itemsize
        if nbytes > ZEROS:
            return self.place(slot, index), guard
        self.zeros = max(self.zeros, nbytes)
        pointer = self._pointer(slot, Sum(outer, total.const + ahead + low), guard)
        return Place(slot, pointer, Sum(inner, -ahead - low)), ""

    def _pointer(self, slot: int, offset: Sum, guard: str) -> str:
        value = self.hoisted(offset)
        depth = max(self.depth(value), self.scope.depth_of[guard] if guard else 0)
        return self.scope.once(
            ("pointer", slot, value, guard), depth, f"{self.buffers[slot]}_p",
            lambda name: nest.Pointer(name, Place(slot, "", value), guard),
        )  # fmt: skip

    def vector(self, index: Index) -> str:
        """A variable that holds the index of each lane."""
        return self._variable(self.total(index))

    # -- guards ---------------------------------------------------------------------------------

    def bind_guard(self, guard: Guard, point: Point) -> list[Bound]:
        """The bounds over variables, without those that always hold, or hold in this block."""
        bound = [Bound(self.bind(b.index, point), b.low, b.high) for b in guard]
        left = [b for b in bound if b.index.interval[0] < b.low or b.index.interval[1] >= b.high]
        return [b for b in left if b not in self._assumed]

    @contextmanager
    def assuming(self, bounds: Iterable[Bound]) -> Iterator[None]:
        """``bounds`` have been tested."""
        before = self._assumed
        self._assumed = (*before, *bounds)
        try:
            yield
        finally:
            self._assumed = before

    def test(self, bounds: Iterable[Bound], also: str = "") -> str:
        """A variable that tells whether all ``bounds`` hold (and ``also``), built up from the
        outside: each check stands where its index is known. Empty: always true."""
        by_depth: dict[tuple[int, int], list[tuple[Sum, int | None, int | None]]] = {}
        for b in bounds:
            value = self.hoisted(self.total(b.index))
            low, high = b.index.interval
            check = value, b.low if low < b.low else None, b.high if high >= b.high else None
            by_depth.setdefault((self.width(b.index), self.depth(value)), []).append(check)
        name = also
        depth = self.scope.depth_of[also] if also else 0
        for (width, at), checks in sorted(by_depth.items(), key=lambda item: item[0]):
            depth = max(depth, at)
            name = self._test(tuple(checks), name, width, depth)
        return name

    def _test(self, checks: tuple[Any, ...], also: str, width: int, depth: int) -> str:
        before = (also,) if also else ()
        return self.scope.once(
            ("test", checks, also), depth, "inside",
            lambda name: nest.Test(name, checks, before, width),
        )  # fmt: skip


def _divided(value: Sum, remainder: bool) -> str:
    """What a quotient or a remainder is called: after the axis, if that is what is divided."""
    name = "rest" if remainder else "quotient"
    if len(value.terms) != 1 or value.terms[0][1] != 1 or value.const:
        return name
    divided = value.terms[0][0]
    return name if "rest" in divided or "quotient" in divided else f"{divided}_{name}"


def _index_of(variable: Variable) -> Index:
    atom: Any = variable
    return Index([(atom, 1)])


def _reads_memory(index: Index) -> bool:
    return any(
        isinstance(atom, DataAtom)
        or (isinstance(atom, Quotient | Remainder) and _reads_memory(atom.index))
        for atom, _ in index.terms
    )
