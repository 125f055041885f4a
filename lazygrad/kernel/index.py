"""Integer index expressions in a canonical form: a sum of ``coefficient * atom`` and a constant.

An atom is a loop ``Range``, a floor division or remainder that could not be simplified away, or a
value read from memory (``DataAtom``, the index of a gather). Every constructor simplifies with the
intervals of what it is given, so that equal indices are equal objects as far as possible, and the
stride of a range is simply its coefficient.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import gcd
from typing import Any

from lazygrad.errors import InternalError


@dataclass(frozen=True)
class Range:
    """A loop counter: 0 <= value < size. Names are unique within a kernel."""

    name: str
    size: int

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.name, self.size))

    @cached_property
    def interval(self) -> tuple[int, int]:
        """Smallest and largest value."""
        return 0, max(self.size - 1, 0)

    @cached_property
    def ranges(self) -> frozenset[Range]:
        return frozenset((self,))

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Quotient:
    """``index // divisor`` (floor), where that has no simpler form."""

    index: Index
    divisor: int

    @cached_property
    def interval(self) -> tuple[int, int]:
        low, high = self.index.interval
        return low // self.divisor, high // self.divisor

    @property
    def ranges(self) -> frozenset[Range]:
        return self.index.ranges

    def __str__(self) -> str:
        return self._text

    @cached_property
    def _text(self) -> str:
        return f"({self.index})//{self.divisor}"


@dataclass(frozen=True)
class Remainder:
    """``index % divisor`` (never negative), where that has no simpler form."""

    index: Index
    divisor: int

    @property
    def interval(self) -> tuple[int, int]:
        return 0, self.divisor - 1

    @property
    def ranges(self) -> frozenset[Range]:
        return self.index.ranges

    def __str__(self) -> str:
        return self._text

    @cached_property
    def _text(self) -> str:
        return f"({self.index})%{self.divisor}"


ANYWHERE = -(2**62), 2**62  # the interval of an index that data decides, before it is checked


@dataclass(frozen=True)
class DataAtom:
    """An integer computed by an expression (the index of a gather), known to lie in an interval."""

    value: Any  # lazygrad.kernel.expr.Expr
    interval: tuple[int, int]

    @property
    def ranges(self) -> frozenset[Range]:
        found: frozenset[Range] = self.value.ranges
        return found

    def __str__(self) -> str:
        return self._text

    @cached_property
    def _text(self) -> str:
        return f"[{self.value}]"


Atom = Range | Quotient | Remainder | DataAtom


class Index:
    """``sum(coefficient * atom) + const``; immutable, equal by value."""

    __slots__ = ("__dict__", "_hash", "const", "terms")

    terms: tuple[tuple[Atom, int], ...]
    const: int

    def __init__(self, terms: Iterable[tuple[Atom, int]] = (), const: int = 0) -> None:
        summed: dict[Atom, int] = {}
        for atom, coefficient in terms:
            summed[atom] = summed.get(atom, 0) + coefficient
        if any(type(atom) is Remainder for atom in summed):
            const += _put_together(summed)
        kept = [(atom, coefficient) for atom, coefficient in summed.items() if coefficient]
        if len(kept) > 1:
            kept.sort(key=_term_order)
        self.terms = tuple(kept)
        self.const = const
        self._hash = hash((self.terms, const))

    @classmethod
    def _sorted(cls, terms: tuple[tuple[Atom, int], ...], const: int) -> Index:
        """Of terms that are in canonical form."""
        made = cls.__new__(cls)
        made.terms, made.const = terms, const
        made._hash = hash((terms, const))
        return made

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Index):
            return NotImplemented
        return self.const == other.const and self.terms == other.terms

    def __repr__(self) -> str:
        return f"Index({self})"

    def __str__(self) -> str:
        parts = [str(a) if c == 1 else f"{c}*{a}" for a, c in self.terms]
        if self.const or not parts:
            parts.append(str(self.const))
        return " + ".join(parts).replace("+ -", "- ")

    def __add__(self, other: Index | int) -> Index:
        if isinstance(other, int):
            return Index._sorted(self.terms, self.const + other) if other else self
        return linear(((self, 1), (other, 1)))

    def __mul__(self, factor: int) -> Index:
        if factor == 1:
            return self
        if not factor:
            return Index()
        return Index._sorted(tuple([(a, c * factor) for a, c in self.terms]), self.const * factor)

    def __sub__(self, other: Index | int) -> Index:
        return self + (-other if isinstance(other, int) else other * -1)

    @cached_property
    def interval(self) -> tuple[int, int]:
        """Smallest and largest value that it can take (possibly a wider interval)."""
        low = high = self.const
        for atom, coefficient in self.terms:
            bottom, top = atom.interval
            low += coefficient * (bottom if coefficient > 0 else top)
            high += coefficient * (top if coefficient > 0 else bottom)
        return low, high

    @cached_property
    def ranges(self) -> frozenset[Range]:
        """Every range that it depends on."""
        return frozenset().union(*(atom.ranges for atom, _ in self.terms))

    def coefficient(self, atom: Atom) -> int:
        """The stride of ``atom``; 0 if it does not occur by itself."""
        for candidate, coefficient in self.terms:
            if candidate == atom:
                return coefficient
        return 0

    @property
    def only_atom(self) -> Atom | None:
        """The atom that this index is, if it is one and nothing else."""
        if len(self.terms) == 1 and self.terms[0][1] == 1 and not self.const:
            return self.terms[0][0]
        return None

    @property
    def is_affine(self) -> bool:
        """Only ranges: a strided walk through memory."""
        return all(isinstance(atom, Range) for atom, _ in self.terms)

    def affine_in(self, atom: Range) -> bool:
        """``atom`` occurs only by itself, not inside a quotient, remainder or gather."""
        return all(a == atom or atom not in a.ranges for a, _ in self.terms)

    def floordiv(self, divisor: int) -> Index:
        """``self // divisor``, rounding down."""
        _check_divisor(divisor)
        if divisor == 1:
            return self
        whole, rest = self._split(divisor)
        low, high = rest.interval
        if low // divisor == high // divisor:
            return whole + low // divisor
        shifted = self._split_coefficients(divisor)
        if shifted is not None:
            return shifted[0]
        inner = rest.only_atom
        if isinstance(inner, Quotient):  # (x // a) // b == x // (a * b)
            return whole + inner.index.floordiv(inner.divisor * divisor)
        return whole + _reduced_quotient(rest, divisor)

    def mod(self, divisor: int) -> Index:
        """``self % divisor``, in 0 ... divisor - 1."""
        _check_divisor(divisor)
        if divisor == 1:
            return Index()
        _, rest = self._split(divisor)
        low, high = rest.interval
        if low // divisor == high // divisor:
            return rest - (low // divisor) * divisor
        shifted = self._split_coefficients(divisor)
        if shifted is not None:
            return shifted[1]
        inner = rest.only_atom
        if isinstance(inner, Remainder) and inner.divisor % divisor == 0:  # (x % ab) % b == x % b
            return inner.index.mod(divisor)
        return _reduced_remainder(rest, divisor)

    def _split(self, divisor: int) -> tuple[Index, Index]:
        """``whole, rest`` with ``self == divisor * whole + rest``; rest holds what does not divide.

        The constant's part that divides goes to ``whole``, so that rest starts near zero.
        """
        whole, rest = [], []
        for atom, coefficient in self.terms:
            if coefficient % divisor == 0:
                whole.append((atom, coefficient // divisor))
            else:
                rest.append((atom, coefficient))
        quotient, remainder = divmod(self.const, divisor)
        return Index(whole, quotient), Index(rest, remainder)

    def _split_coefficients(self, divisor: int) -> tuple[Index, Index] | None:
        """Quotient and remainder where taking multiples of ``divisor`` out of each coefficient
        leaves a rest within one period: (9k + i) // 8 with i + k < 8 is k, and the rest k + i."""
        parts = [(atom, *divmod(coefficient, divisor)) for atom, coefficient in self.terms]
        rest = Index([(atom, left) for atom, _, left in parts], self.const % divisor)
        low, high = rest.interval
        if low // divisor != high // divisor:
            return None
        base = self.const // divisor + low // divisor
        whole = Index([(atom, count) for atom, count, _ in parts], base)
        return whole, rest - (low // divisor) * divisor

    def substitute(self, mapping: Mapping[Range, Index]) -> Index:
        """Ranges replaced by indices, simplified again."""
        if self.ranges.isdisjoint(mapping):
            return self
        return linear([(_substitute_atom(a, mapping), c) for a, c in self.terms], self.const)


def _put_together(summed: dict[Atom, int]) -> int:
    """``d * (x // d) + x % d`` is ``x``, whose terms take their place; returns its constant."""
    const = 0
    rests = [atom for atom in summed if type(atom) is Remainder]
    while found := [(rest, whole) for rest in rests if (whole := _whole(rest, summed)) is not None]:
        rest, whole = found[0]
        coefficient = summed[rest]
        summed[rest] = summed[whole] = 0
        for atom, inner in rest.index.terms:  # may be the whole of another one: x // 2 of x % 2
            summed[atom] = summed.get(atom, 0) + inner * coefficient
        const += rest.index.const * coefficient
    return const


def _whole(rest: Remainder, summed: Mapping[Atom, int]) -> Quotient | None:
    """``x // d`` of ``x % d``, where the sum has it ``d`` times as often."""
    whole = Quotient(rest.index, rest.divisor)
    inner = rest.index.only_atom
    if isinstance(inner, Quotient):  # (x // a) // d is x // (a * d)
        whole = Quotient(inner.index, inner.divisor * rest.divisor)
    coefficient = summed[rest]
    return whole if coefficient and summed.get(whole) == coefficient * rest.divisor else None


def _check_divisor(divisor: int) -> None:
    if divisor <= 0:
        raise InternalError(f"[index] division by {divisor}")


def _common_factor(rest: Index, divisor: int) -> int:
    """The largest factor of ``divisor`` that divides every coefficient of ``rest``'s terms."""
    factor = divisor
    for _, coefficient in rest.terms:
        factor = gcd(factor, coefficient)
    return factor


def _reduced_quotient(rest: Index, divisor: int) -> Index:
    """``rest // divisor``, the common factor cancelled: (6a + 4b + 1) // 8 == (3a + 2b) // 4."""
    factor = _common_factor(rest, divisor)
    if factor > 1:
        small = Index([(a, c // factor) for a, c in rest.terms], rest.const // factor)
        return small.floordiv(divisor // factor)
    return Index([(Quotient(rest, divisor), 1)])


def _reduced_remainder(rest: Index, divisor: int) -> Index:
    """``rest % divisor`` with the common factor taken out: (4a + 1) % 8 == 4 * (a % 2) + 1."""
    factor = _common_factor(rest, divisor)
    if factor > 1:
        small = Index([(a, c // factor) for a, c in rest.terms], rest.const // factor)
        return small.mod(divisor // factor) * factor + rest.const % factor
    return Index([(Remainder(rest, divisor), 1)])


def _substitute_atom(atom: Atom, mapping: Mapping[Range, Index]) -> Index:
    if isinstance(atom, Range):
        return mapping[atom] if atom in mapping else Index([(atom, 1)])
    if isinstance(atom, Quotient):
        return atom.index.substitute(mapping).floordiv(atom.divisor)
    if isinstance(atom, Remainder):
        return atom.index.substitute(mapping).mod(atom.divisor)
    return Index([(DataAtom(atom.value.substitute(mapping), atom.interval), 1)])


def _term_order(term: tuple[Atom, int]) -> tuple[int, str]:
    """Larger strides first, then by name: a stable order that reads like row-major code."""
    return -abs(term[1]), str(term[0])


def of(atom: Atom | int) -> Index:
    """An index from one range or number."""
    return Index((), atom) if isinstance(atom, int) else Index([(atom, 1)])


def linear(parts: Iterable[tuple[Index, int]], const: int = 0) -> Index:
    """The sum of ``coefficient * index`` and a constant."""
    parts = [(index, factor) for index, factor in parts if index.terms or index.const]
    if len(parts) == 1:
        ((index, factor),) = parts
        return index * factor + const
    terms = []
    for index, factor in parts:
        terms += [(atom, coefficient * factor) for atom, coefficient in index.terms]
        const += index.const * factor
    return Index(terms, const)


def ravel(indices: Iterable[Index], strides: Iterable[int]) -> Index:
    """The flat index of a point: sum of index times stride."""
    return linear(zip(indices, strides, strict=True))


def unravel(flat: Index, shape: tuple[int, ...]) -> tuple[Index, ...]:
    """The row-major coordinates in ``shape`` of a flat index.

    The outermost coordinate is not wrapped: an index outside ``shape`` stays outside, which keeps
    indices under a guard affine.
    """
    outermost = next((axis for axis, size in enumerate(shape) if size != 1), None)
    result: list[Index] = []
    step = 1
    for axis, size in reversed(list(enumerate(shape))):
        if size == 1:
            result.append(Index())
            continue
        whole = flat.floordiv(step)
        result.append(whole if axis == outermost else whole.mod(size))
        step *= size
    return tuple(reversed(result))
