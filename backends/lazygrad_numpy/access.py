"""How a LOAD walks memory: plainly strided, strided through a zero-padded copy, or neither."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from math import gcd

from lazygrad.plugin import Expr, Index, Range
from lazygrad.plugin import expr as ex


@dataclass(frozen=True)
class Strided:
    """Element ``offset + sum(strides[r] * r)`` of the buffer."""

    offset: int
    strides: Mapping[Range, int]


@dataclass(frozen=True)
class Dim:
    """A dim of a padded copy: its coordinate is ``sum(steps[r] * r) - low``.

    Attributes:
        steps: the form's coefficients, e.g. {h: 1, kh: -1}.
        low, high: the values that the form takes, both included.
        first, last: those of them that are inside every bound; elsewhere the copy holds zeros.
        stride: of the form in memory.
    """

    steps: tuple[tuple[Range, int], ...]
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
    def range(self) -> Range | None:
        """The range that the coordinate is, if it is one."""
        return self.steps[0][0] if len(self.steps) == 1 else None


@dataclass(frozen=True)
class Padded:
    """A zero-padded copy of a box of memory, outermost dim first, walked with strides.

    The element at coordinates ``first`` of every dim is ``offset`` in memory.
    """

    dims: tuple[Dim, ...]
    offset: int


def classify(load: Expr, buffer_size: int) -> Strided | Padded | None:
    """How ``load`` walks memory; None if its index or guard needs integer arrays."""
    _, index, guard = load.arg
    if not index.is_affine or not all(bound.index.is_affine for bound in guard):
        return None
    if guard:
        return _padded(index, guard, buffer_size)
    low, high = index.interval
    if low < 0 or high >= buffer_size:
        return None
    return Strided(index.const, {r: c for r, c in index.terms if isinstance(r, Range)})


def _padded(index: Index, guard: ex.Guard, buffer_size: int) -> Padded | None:
    forms = _bounded_forms(guard)
    rest = {r: c for r, c in index.terms if isinstance(r, Range)}
    dims: list[Dim] = []
    for form, (first, last) in forms.items():
        stride = _stride(form, rest)
        if stride is None:
            return None
        for r, step in form:
            rest[r] = rest.get(r, 0) - stride * step
        dims.append(_dim(form, first, last, stride))
    bounded = {r for form in forms for r, _ in form}
    if sum(map(len, forms)) > len(bounded) or any(rest[r] for r in bounded):
        return None  # a range that two dims depend on
    for r, stride in rest.items():
        if stride:
            dims.append(Dim(((r, 1),), 0, r.size - 1, 0, r.size - 1, stride))
    dims.sort(key=lambda d: -abs(d.stride))
    offset = index.const + sum(d.first * d.stride for d in dims)
    if all(d.valid for d in dims):  # otherwise nothing is read
        reach = [d.stride * (d.valid - 1) for d in dims]
        if offset + sum(x for x in reach if x < 0) < 0:
            return None
        if offset + sum(x for x in reach if x > 0) >= buffer_size:
            return None
    return Padded(tuple(dims), offset)


Form = tuple[tuple[Range, int], ...]


def _bounded_forms(guard: ex.Guard) -> dict[Form, tuple[int, int]]:
    """The linear forms that bounds speak of, each with its first and last value inside."""
    found: dict[Form, tuple[int, int]] = {}
    for bound in guard:
        terms = [(r, c) for r, c in bound.index.terms if isinstance(r, Range)]
        if not terms:
            continue  # decided already: it always holds, or the load is zero
        divisor = reduce(gcd, (c for _, c in terms), 0)
        low, high = bound.low - bound.index.const, bound.high - 1 - bound.index.const
        if terms[0][1] < 0:  # the first coefficient is positive, so that equal forms are equal
            divisor = -divisor
            low, high = high, low
        first = -(-low // divisor)
        last = high // divisor
        form = tuple((r, c // divisor) for r, c in terms)
        before = found.get(form, (first, last))
        found[form] = max(first, before[0]), min(last, before[1])
    return found


def _stride(form: Form, rest: Mapping[Range, int]) -> int | None:
    """The stride of a form in memory."""
    r, step = form[0]
    stride = rest.get(r, 0)
    return stride // step if stride % step == 0 else None


def _dim(form: Form, first: int, last: int, stride: int) -> Dim:
    low = sum(c * (r.size - 1) for r, c in form if c < 0)
    high = sum(c * (r.size - 1) for r, c in form if c > 0)
    return Dim(form, low, high, max(first, low), min(last, high), stride)
