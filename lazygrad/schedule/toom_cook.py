"""Minimal filtering: ``m`` results of a filter of three taps from m + 2 products.

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

TAPS = 3
POINTS = {  # by the number of results: beside infinity
    2: (Fraction(0), Fraction(1), Fraction(-1)),
    4: (Fraction(0), Fraction(3, 4), Fraction(-3, 4), Fraction(3, 2), Fraction(-3, 2)),
}
Row = tuple[Fraction, ...]
Matrix = tuple[Row, ...]


@dataclass(frozen=True)
class Filtering:
    """The three matrices, rows outside: of ``taps`` m + 2 by 3, of ``data`` m + 2 by m + 2, of
    ``back`` m by m + 2."""

    taps: Matrix
    data: Matrix
    back: Matrix


@cache
def filtering(results: int) -> Filtering:
    """How to filter ``results`` values at a time, one of those that there are points for."""
    points = POINTS[results]
    others = [[q for q in points if q != p] for p in points]
    scales = [
        prod((p - q for q in rest), start=Fraction(1))
        for p, rest in zip(points, others, strict=True)
    ]
    size = results + TAPS - 1
    taps = [[p**k / scale for k in range(TAPS)] for p, scale in zip(points, scales, strict=True)]
    data = [_with_roots(rest, size) for rest in (*others, points)]
    back = [[*(p**i for p in points), Fraction(i == results - 1)] for i in range(results)]
    taps.append([Fraction(k == TAPS - 1) for k in range(TAPS)])
    return Filtering(_matrix(taps), _matrix(data), _matrix(back))


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
