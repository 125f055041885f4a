"""Index expressions against plain integer arithmetic at every point."""

import itertools

import pytest
from hypothesis import given, settings, strategies as st

from lazygrad.errors import InternalError
from lazygrad.kernel.index import Index, Quotient, Range, Remainder, of, unravel

RANGES = (Range("a", 4), Range("b", 7), Range("c", 3))
COEFFICIENTS = st.sampled_from([0, 1, 2, -1, 3, 6, 8, 12, 21, 35])


def evaluate(index: Index, point: dict[Range, int]) -> int:
    total = index.const
    for atom, coefficient in index.terms:
        if isinstance(atom, Range):
            value = point[atom]
        elif isinstance(atom, Quotient):
            value = evaluate(atom.index, point) // atom.divisor
        else:
            assert isinstance(atom, Remainder)
            value = evaluate(atom.index, point) % atom.divisor
        total += coefficient * value
    return total


def points() -> list[dict[Range, int]]:
    sizes = [range(r.size) for r in RANGES]
    return [dict(zip(RANGES, values, strict=True)) for values in itertools.product(*sizes)]


@settings(deadline=None, max_examples=200)
@given(
    st.tuples(COEFFICIENTS, COEFFICIENTS, COEFFICIENTS),
    st.integers(-9, 30),
    st.sampled_from([1, 2, 3, 4, 6, 7, 8, 12, 21]),
    st.sampled_from([2, 3, 4, 7]),
)
def test_division_and_remainder_are_exact(
    coefficients: tuple[int, int, int], const: int, first: int, second: int
) -> None:
    index = Index(zip(RANGES, coefficients, strict=True), const)
    quotient, remainder = index.floordiv(first), index.mod(first)
    again = quotient.floordiv(second), remainder.mod(second)
    for point in points():
        value = evaluate(index, point)
        low, high = index.interval
        assert low <= value <= high
        assert evaluate(quotient, point) == value // first
        assert evaluate(remainder, point) == value % first
        assert evaluate(again[0], point) == value // first // second
        assert evaluate(again[1], point) == value % first % second


def test_a_flattened_index_comes_apart_again() -> None:
    a, b = RANGES[:2]
    flat = of(a) * 7 + of(b)
    assert flat.floordiv(7) == of(a)
    assert flat.mod(7) == of(b)
    assert unravel(flat, (4, 7)) == (of(a), of(b))


def test_a_skewed_index_comes_apart_within_one_period() -> None:
    k, i = Range("k", 3), Range("i", 5)
    index = of(k) * 9 + of(i)  # i + k < 8
    assert index.floordiv(8) == of(k)
    assert index.mod(8) == of(k) + of(i)


@pytest.mark.parametrize("factor", [1, 3, -2])
def test_a_whole_and_what_is_left_of_it_are_put_together(factor: int) -> None:
    a, b, c = map(of, RANGES)
    index = a + b * 2 + 5
    parts = index.floordiv(3) * 3 * factor + index.mod(3) * factor
    assert parts == index * factor
    assert parts + c == index * factor + c
    assert not (index.floordiv(3) * 4 + index.mod(3)).is_affine


def test_parts_of_a_whole_are_put_together_too() -> None:
    index = of(Range("x", 32)) + 1
    half = index.floordiv(2)
    parts = index.floordiv(6) * 12 + half.mod(3) * 4 + index.mod(2) * 2
    assert parts == index * 2
    assert index.floordiv(6) * 3 + half.mod(3) == half
    assert not (index.floordiv(6) * 5 + half.mod(3)).is_affine


def test_substitution_simplifies() -> None:
    r, high, low = Range("r", 28), Range("h", 4), Range("l", 7)
    index = of(r).floordiv(7) * 100 + of(r).mod(7)
    assert not index.is_affine
    split = index.substitute({r: of(high) * 7 + of(low)})
    assert split == of(high) * 100 + of(low)
    assert split.is_affine


def test_equal_indices_are_equal_however_they_were_built() -> None:
    a, b, _ = map(of, RANGES)
    assert a * 2 + b + 3 == b + 3 + a + a
    assert hash(a - b) == hash(b * -1 + a)
    assert str(a * 2 - b) == "2*a - 1*b"


def test_division_by_zero_is_refused() -> None:
    with pytest.raises(InternalError, match="division by 0"):
        of(RANGES[0]).floordiv(0)
