"""The incomplete gamma functions, whose series are as long as their arguments are large."""

from __future__ import annotations

import math

import numpy as np

from lazygrad.errors import ShapeError
from lazygrad.routines.routine import Array, Routine, Shapes, Wanted
from lazygrad.shape import Shape

STEPS = 200_000  # of a series or fraction: for arguments of up to 10**9
ENOUGH = 2.0**-54
SMALLEST = 1e-300
# lgamma by C. Lanczos' approximation with g = 7, to 1e-15
LANCZOS = (
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
    -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6,
    1.5056327351493116e-7,
)  # fmt: skip


def _shapes(a: Shape, x: Shape) -> Shapes:
    if a != x:
        raise ShapeError(f"[igamma] shapes {a} and {x} differ")
    return x, x


def _igamma(wanted: Wanted, a: Array, x: Array) -> tuple[Array, ...]:
    a, x = a.astype(np.float64), x.astype(np.float64)
    regular = (a > 0) & (x > 0) & np.isfinite(a) & np.isfinite(x)
    by_series = regular & ((x <= 1) | (x <= a))
    lower = _limits(a, x)
    upper = np.asarray(1 - lower)  # an array of scalars too
    lower[by_series] = _series(a[by_series], x[by_series])
    upper[by_series] = 1 - lower[by_series]
    rest = regular & ~by_series
    upper[rest] = _fraction(a[rest], x[rest])
    lower[rest] = 1 - upper[rest]
    return lower, upper


def _limits(a: Array, x: Array) -> Array:
    """The lower function at 0 and infinity; NaN where there is none."""
    found = np.full(x.shape, np.nan)
    found[(x == 0) & (a > 0)] = 0
    found[(a == 0) & (x > 0)] = 1
    found[np.isinf(a) & (a > 0) & (x >= 0) & np.isfinite(x)] = 0
    found[np.isinf(x) & (x > 0) & (a >= 0) & np.isfinite(a)] = 1
    return found


def _front(a: Array, x: Array) -> Array:
    """``x**a * exp(-x) / gamma(a)``"""
    shifted = a - 1
    total = np.full(a.shape, LANCZOS[0])
    for k, weight in enumerate(LANCZOS[1:], 1):
        total += weight / (shifted + k)
    base = shifted + 7.5
    found: Array = np.exp(
        a * np.log(x) - x
        - (0.5 * math.log(2 * math.pi) + (shifted + 0.5) * np.log(base) - base + np.log(total))
    )  # fmt: skip
    return found


def _series(a: Array, x: Array) -> Array:
    term = total = 1 / a
    for k in range(1, STEPS):
        term = term * (x / (a + k))
        total = total + term
        if (term <= total * ENOUGH).all():
            break
    return _front(a, x) * total


def _fraction(a: Array, x: Array) -> Array:
    """By W. Lentz's method."""
    b = x + 1 - a
    c, d = np.full(x.shape, 1 / SMALLEST), 1 / np.where(b == 0, SMALLEST, b)
    total = d
    for k in range(1, STEPS):
        weight, b = k * (a - k), b + 2
        d = weight * d + b
        c = b + weight / c
        d = 1 / np.where(d == 0, SMALLEST, d)
        c = np.where(c == 0, SMALLEST, c)
        total = total * (c * d)
        if (np.abs(c * d - 1) <= 4 * ENOUGH).all():
            break
    return _front(a, x) * total


ROWS = (
    Routine(
        "igamma", _shapes, _igamma, (0, 0),
        "the regularized incomplete gamma functions P(a, x) and Q(a, x)",
    ),
)  # fmt: skip
