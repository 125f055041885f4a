"""Normal numbers from random words by Box and Muller's transform, the same bits on every device.

Logarithm and tangent are continued fractions, in which every sum is one of a quotient: no product
is added to anything, so a compiler that fuses products with sums changes nothing. What is left are
sums, products, quotients and square roots, which IEEE 754 rounds in one way. The relative error is
below 2**-21 (2**-50 in float64) everywhere, and about 2**-24 (2**-53) as a rule.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce

from lazygrad import ops
from lazygrad.element_types import DType, float32, float64
from lazygrad.graph import Node, node
from lazygrad.lang.elementwise import add, div, mul, sqrt
from lazygrad.lang.operands import cast, full_like
from lazygrad.lang.threefry import top_bits

HALVINGS = 5  # square roots: they bring 2**-33 above 0.48, where atanh needs few terms
ATANH_TERMS = {float32: 6, float64: 12}
TAN_TERMS = {float32: 5, float64: 9}
ANGLE_BITS = {float32: 24, float64: 32}  # as many as the dtype holds exactly


def box_muller(first: Node, second: Node, dtype: DType, std: float) -> Node:
    """Normal numbers with this deviation in float32 or float64, out to 6.7 deviations.

    sin(x) is ``2 / (t + 1 / t)`` with ``t = tan(x / 2)``.
    """
    tangent, cotangent = _half_angle(second, dtype)
    return div(mul(_diameter(first, dtype), std), add(tangent, cotangent))


def _diameter(word: Node, dtype: DType) -> Node:
    """``2 * sqrt(-2 * log(u))`` with ``u = (word + 1/2) / 2**32``, which is never 0.

    log(u) = 2**k log(r), with r the k-th square root, = -2**(k+1) atanh(z) for z = (1-r) / (1+r),
    and 1 - u = (1-r) (1+r) (1+r**2) ... (1+sqrt(u)), where nothing cancels for u close to 1.
    """
    root = mul(add(cast(word, dtype), 0.5), 2.0**-32)
    factors = []
    for _ in range(HALVINGS):
        root = sqrt(root)
        factors.append(add(root, 1.0))
    inverted = node(ops.XOR, (word, full_like(word, -1)))
    rest = add(cast(inverted, dtype), 0.5)  # 2**32 (1-u)
    z = div(rest, reduce(mul, factors, factors[-1]))  # 2**32 z
    terms = _atanh_terms(ATANH_TERMS[dtype], 2.0**-32, 2.0 ** (HALVINGS + 4))
    return sqrt(div(z, _continued_fraction(mul(z, z), terms)))


def _half_angle(word: Node, dtype: DType) -> tuple[Node, Node]:
    """Tangent of an angle in (-pi/4, pi/4), never 0, and its reciprocal."""
    bits = ANGLE_BITS[dtype]
    place = add(cast(top_bits(word, bits), dtype), 0.5 - 2.0 ** (bits - 1))  # exact
    unit = math.pi / 4 * 2.0 ** (1 - bits)
    terms = [(2 * k + 1) / unit for k in range(TAN_TERMS[dtype])]
    below = _continued_fraction(mul(place, place), terms)
    return div(place, below), div(below, place)


def _atanh_terms(count: int, unit: float, scale: float) -> list[float]:
    """b so that ``scale * atanh(unit * x)`` is ``x / (b[0] - x*x / (b[1] - x*x / ...))``: the
    classic ``z / (1 - z*z / (3 - 4 z*z / (5 - 9 z*z / ...)))`` with its factors moved."""
    weight = 1.0 / (scale * unit)
    terms = [weight]
    for k in range(1, count):
        weight = 1.0 / ((k * unit) ** 2 * weight)
        terms.append((2 * k + 1) * weight)
    return terms


def _continued_fraction(y: Node, terms: Sequence[float]) -> Node:
    """``b[0] - y / (b[1] - y / (b[2] - ...))``; signs in turn make every difference a sum."""
    *others, last = (-b if k % 2 else b for k, b in enumerate(terms))
    value: Node = full_like(y, last)
    for b in reversed(others):
        value = add(div(y, value), b)
    return value
