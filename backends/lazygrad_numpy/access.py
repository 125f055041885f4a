"""How a LOAD walks memory: plainly strided, strided through a copy of a box, or neither.

The copy holds zeros where a guard does not hold, and elements several times where an index divides
(``h // 2`` of an enlarged image); walked with strides it needs neither tests nor index arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from math import gcd

from lazygrad.plugin import Expr, Index, Range, expr as ex, index as ix


@dataclass(frozen=True)
class Strided:
    """Element ``offset + sum(strides[r] * r)`` of the buffer."""

    offset: int
    strides: Mapping[Range, int]


@dataclass(frozen=True)
class Part:
    """A dim of the copied box: a coordinate from ``low`` to ``high``, of which ``first`` to
    ``last`` are inside every bound. All of them included. ``stride``: in memory."""

    low: int
    high: int
    first: int
    last: int
    stride: int

    @property
    def size(self) -> int:
        return self.high - self.low + 1

    @property
    def valid(self) -> int:
        return max(self.last - self.first + 1, 0)

    @property
    def is_bounded(self) -> bool:
        return self.valid < self.size

    @property
    def ends(self) -> tuple[int, int]:
        """The first and last coordinate inside."""
        return self.first, self.last

    def within(self, first: int, last: int) -> Part:
        """With a further bound."""
        first, last = max(self.first, first), min(self.last, last)
        return Part(self.low, self.high, first, last, self.stride)


@dataclass(frozen=True)
class Dim:
    """A coordinate ``start + sum(steps[r] * r)`` of the copy, counted from 0; in two parts, a
    quotient and a remainder, where the index divides it."""

    steps: tuple[tuple[Range, int], ...]
    start: int
    parts: tuple[Part, ...]

    @property
    def range(self) -> Range | None:
        """The range that the coordinate is, if it is one."""
        simple = len(self.steps) == len(self.parts) == 1 and self.start == 0
        return self.steps[0][0] if simple else None


@dataclass(frozen=True)
class Boxed:
    """A copy of a box of memory, outermost dim first. Its first valid element is ``offset``."""

    dims: tuple[Dim, ...]
    offset: int

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple(part for dim in self.dims for part in dim.parts)

    @property
    def reads(self) -> bool:
        """Whether anything is inside."""
        return all(part.valid for part in self.parts)


Form = tuple[tuple[Range, int], ...]


def classify(load: Expr, buffer_size: int) -> Strided | Boxed | None:
    """How ``load`` walks memory; None if it needs integer arrays."""
    _, index, guard = load.arg
    if not guard and index.is_affine:
        low, high = index.interval
        if low < 0 or high >= buffer_size:
            return None
        return Strided(index.const, {r: c for r, c in index.terms if isinstance(r, Range)})
    forms = _forms(index, guard)
    if forms is None:
        return None
    rest = {r: c for r, c in index.terms if isinstance(r, Range)}
    dims: list[Dim] = []
    offset = index.const
    for form in forms.values():
        stride = form.linear_stride(rest)
        if stride is None:
            return None
        for r, step in form.terms:
            rest[r] = rest.get(r, 0) - stride * step
        dim = form.dim(stride, index)
        if dim is None:
            return None
        offset -= stride * form.const if form.divisor > 1 else 0
        dims.append(dim)
    used = [r for form in forms.values() for r, _ in form.terms]
    if len(set(used)) < len(used) or any(rest[r] for r in used):
        return None  # a range that two dims depend on
    dims += [
        Dim(((r, 1),), 0, (Part(0, r.size - 1, 0, r.size - 1, stride),))
        for r, stride in rest.items()
        if stride
    ]
    dims.sort(key=lambda d: -abs(d.parts[0].stride))
    boxed = Boxed(tuple(dims), offset + sum(p.first * p.stride for d in dims for p in d.parts))
    return boxed if is_inside(boxed, buffer_size) else None


def is_inside(boxed: Boxed, buffer_size: int) -> bool:
    """Whether all that is copied is in the buffer."""
    if not boxed.reads:
        return True  # nothing is copied
    reach = [part.stride * (part.valid - 1) for part in boxed.parts]
    low = boxed.offset + sum(x for x in reach if x < 0)
    high = boxed.offset + sum(x for x in reach if x > 0)
    return low >= 0 and high < buffer_size


# -- forms ------------------------------------------------------------------------------------


@dataclass
class _Form:
    """A sum of ranges that bounds or divisions speak of: ``terms``, without a constant.

    Attributes:
        divisor, const: the index has (terms + const) // divisor, or the remainder; 1 if neither.
        bounds: (first, last) of the terms, of the quotient and of the remainder.
    """

    terms: Form
    divisor: int
    const: int
    bounds: list[tuple[str, int, int]]

    def linear_stride(self, rest: Mapping[Range, int]) -> int | None:
        """The stride in memory of the terms by themselves."""
        r, step = self.terms[0]
        stride = rest.get(r, 0)
        return stride // step if stride % step == 0 else None

    def dim(self, stride: int, index: Index) -> Dim | None:
        """The dim of the box, None if its bounds are not bounds of its parts."""
        low = sum(c * (r.size - 1) for r, c in self.terms if c < 0)
        high = sum(c * (r.size - 1) for r, c in self.terms if c > 0)
        if self.divisor == 1:
            part = Part(low, high, low, high, stride)
            for _, first, last in self.bounds:
                part = part.within(first, last)
            return Dim(self.terms, -low, (part,))
        low, high, d = low + self.const, high + self.const, self.divisor
        inner = Index(self.terms, self.const)
        by_quotient = index.coefficient(ix.Quotient(inner, d)) + stride * d
        by_remainder = index.coefficient(ix.Remainder(inner, d)) + stride
        quotient = Part(low // d, high // d, low // d, high // d, by_quotient)
        remainder = Part(0, d - 1, 0, d - 1, by_remainder)
        for what, first, last in self.bounds:
            if what == "remainder":
                remainder = remainder.within(first, last)
            elif what == "quotient":
                quotient = quotient.within(first, last)
        for what, first, last in self.bounds:
            if what == "terms":
                firsts = {-(-(first + self.const - r) // d) for r in remainder.ends}
                lasts = {(last + self.const - r) // d for r in remainder.ends}
                if first > low - self.const and len(firsts) > 1:
                    return None
                if last < high - self.const and len(lasts) > 1:
                    return None
                quotient = quotient.within(min(firsts), max(lasts))
        return Dim(self.terms, self.const - d * quotient.low, (quotient, remainder))


def _forms(index: Index, guard: ex.Guard) -> dict[Form, _Form] | None:
    """The forms that are divided or bounded, by their terms."""
    found: dict[Form, _Form] = {}
    for one in (index, *(bound.index for bound in guard)):
        for atom, _ in one.terms:
            if isinstance(atom, Range):
                continue
            if not isinstance(atom, ix.Quotient | ix.Remainder) or not atom.index.is_affine:
                return None
            terms = _terms(atom.index)
            known = found.setdefault(terms, _Form(terms, atom.divisor, atom.index.const, []))
            if (known.divisor, known.const) != (atom.divisor, atom.index.const):
                return None
    for bound in guard:
        if bound.index.terms and not _add_bound(found, bound):
            return None
    return found


def _terms(index: Index) -> Form:
    return tuple((r, c) for r, c in index.terms if isinstance(r, Range))


def _add_bound(forms: dict[Form, _Form], bound: ex.Bound) -> bool:
    """Adds a bound to the form that it speaks of; False if it is none."""
    low, high = bound.low - bound.index.const, bound.high - 1 - bound.index.const
    if bound.index.is_affine:
        terms = _terms(bound.index)
        divisor = reduce(gcd, (c for _, c in terms), 0)
        unit = tuple((r, c // divisor) for r, c in terms)
        opposite = tuple((r, -c) for r, c in unit)
        if opposite in forms or (unit not in forms and unit[0][1] < 0):
            unit, divisor, low, high = opposite, -divisor, high, low
        form = forms.setdefault(unit, _Form(unit, 1, 0, []))
        form.bounds.append(("terms", -(-low // divisor), high // divisor))
        return True
    if len(bound.index.terms) != 1:
        return False
    atom, coefficient = bound.index.terms[0]
    if coefficient < 0:
        low, high = high, low
    what = "quotient" if isinstance(atom, ix.Quotient) else "remainder"
    assert isinstance(atom, ix.Quotient | ix.Remainder)
    forms[_terms(atom.index)].bounds.append((what, -(-low // coefficient), high // coefficient))
    return True
