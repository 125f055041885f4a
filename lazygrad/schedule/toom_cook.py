"""Minimal filtering: ``m`` results of a filter of ``t`` taps from m + t - 1 products.

A filter is a product of polynomials, known by its values at as many points as it has coefficients
(Toom and Cook; Winograd, "Arithmetic Complexity of Computations", 1980; for networks Lavin and
Gray, "Fast Algorithms for Convolutional Neural Networks", 2015): with the matrices of this file,

    results = back @ ((taps @ filter) * (data @ values))

and, as that is linear in each, the transposed matrices give the sums of a gradient. Rounding grows
with the powers of the points, which is why these are small fractions, exact in binary (Barabasz,
Anderson, Soodhalter and Gregg, "Error Analysis and Improving the Accuracy of Winograd Convolution
for Deep Neural Networks", 2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import prod

POINTS = {  # by their number: beside infinity
    2: (Fraction(0), Fraction(-1)),
    3: (Fraction(0), Fraction(1), Fraction(-1)),
    4: (Fraction(1, 2), Fraction(-1, 2), Fraction(3, 2), Fraction(-3, 2)),
    5: (Fraction(0), Fraction(3, 4), Fraction(-3, 4), Fraction(3, 2), Fraction(-3, 2)),
}
MOST_RESULTS = MOST_TAPS = (
    4  # two of five taps, or five of two, have over three times a sum's error
)
Row = tuple[Fraction, ...]
Matrix = tuple[Row, ...]


@dataclass(frozen=True)
class Filtering:
    """The three matrices for m results of t taps, rows outside: of ``taps`` m + t - 1 by t, of
    ``data`` m + t - 1 by m + t - 1, of ``back`` m by m + t - 1."""

    taps: Matrix
    data: Matrix
    back: Matrix


def results_of(taps: int) -> list[int]:
    """How many results of so many taps a tile may have."""
    return [m for m in range(2, MOST_RESULTS + 1) if m + taps - 2 in POINTS]


@cache
def filtering(results: int, taps: int) -> Filtering:
    """How to filter ``results`` values at a time, one of ``results_of(taps)``."""
    points = POINTS[results + taps - 2]
    others = [[q for q in points if q != p] for p in points]
    scales = [
        prod((p - q for q in rest), start=Fraction(1))
        for p, rest in zip(points, others, strict=True)
    ]
    size = results + taps - 1
    of_taps = [[p**k / scale for k in range(taps)] for p, scale in zip(points, scales, strict=True)]
    data = [_with_roots(rest, size) for rest in (*others, points)]
    back = [[*(p**i for p in points), Fraction(i == results - 1)] for i in range(results)]
    of_taps.append([Fraction(k == taps - 1) for k in range(taps)])
    return Filtering(_matrix(of_taps), _matrix(data), _matrix(back))


def _with_roots(roots: Sequence[Fraction], size: int) -> list[Fraction]:
    """Coefficients of the polynomial with these roots, lowest first."""
    found = [Fraction(1)]
    for root in roots:
        moved, kept = [Fraction(0), *found], [*found, Fraction(0)]
        found = [a - root * b for a, b in zip(moved, kept, strict=True)]
    return found + [Fraction(0)] * (size - len(found))


def _matrix(rows: Sequence[Sequence[Fraction]]) -> Matrix:
    return tuple(tuple(row) for row in rows)


def transposed(matrix: Matrix) -> Matrix:
    return tuple(zip(*matrix, strict=True))
