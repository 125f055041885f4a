"""Modified Bessel functions of the first kind, of order 0 and 1."""

from __future__ import annotations

from lazygrad.element_types import float32, float64
from lazygrad.graph import Node
from lazygrad.lang.comparison import lt
from lazygrad.lang.elementwise import (
    detach,
    div,
    exp,
    mul,
    neg,
    reciprocal,
    sloped,
    sqrt,
    square,
    sub,
    where,
)
from lazygrad.lang.transcendental import EXACT_ORDERS, in_wide, magnitude, polynomial

LIMIT = 8.0  # the power series below it
TERMS = {float32: 18, float64: 30}
LARGEST_EXPONENT = {float32: 88.0, float64: 709.0}

# exp(-x) * sqrt(x) * I(x) in 1/x from LIMIT on, the highest power first.
_FAR_0 = {
    float32: (
        1.81695542, -0.300545857, 0.0842413963, 0.0273206791, 0.0280923632, 0.0498674502,
        0.398942281,
    ),
    float64: (
        -1.2093175131588962e+17, 2.0204820888526637e+17, -1.5487839725146112e+17,
        7.246343979800523e+16, -2.3203933567318284e+16, 5402031217298073.0, -947878431034715.0,
        128248102415035.28, -13577740942860.85, 1135132321347.7825, -75306215617.99652,
        3969485622.44403, -165892645.24234018, 5465863.43081806, -140614.77777280737,
        2787.6956370148014, -40.93431094584347, 0.6847426928669226, 0.08707432909917082,
        0.044760390090021265, 0.02921934814004612, 0.02805062918561777, 0.04986778505011676,
        0.3989422804014327,
    ),
}  # fmt: skip
_FAR_1 = {
    float32: (
        -2.04891725, 0.326311053, -0.101634021, -0.0387871528, -0.0467976468, -0.149602981,
        0.39894228,
    ),
    float64: (
        1.1102722039051611e+17, -1.8897760722634966e+17, 1.469684483979098e+17,
        -6.95597283439048e+16, 2.248349575615929e+16, -5274736741776454.0, 931471598107034.6,
        -126702308545742.62, 13474276746939.729, -1130739790243.708, 75254387378.22566,
        -3977488451.285284, 166608891.05794835, -5500173.738798334, 141730.22790096246,
        -2814.0537369678177, 41.266486528741446, -0.7315199095572249, -0.1071649207714783,
        -0.057544114847785224, -0.04090710949559018, -0.04675104858073598, -0.14960335515047407,
        0.39894228040143265,
    ),
}  # fmt: skip
_FAR = (_FAR_0, _FAR_1)


def i0(x: Node) -> Node:
    """Modified Bessel function of order 0."""
    return in_wide(x, lambda wide: _bessel(wide, 0, False, EXACT_ORDERS))


def i1(x: Node) -> Node:
    """Modified Bessel function of order 1."""
    return in_wide(x, lambda wide: _bessel(wide, 1, False, EXACT_ORDERS))


def i0e(x: Node) -> Node:
    """``exp(-|x|) * i0(x)``"""
    return in_wide(x, lambda wide: _bessel(wide, 0, True, EXACT_ORDERS))


def i1e(x: Node) -> Node:
    """``exp(-|x|) * i1(x)``"""
    return in_wide(x, lambda wide: _bessel(wide, 1, True, EXACT_ORDERS))


def _bessel(x: Node, order: int, scaled: bool, derivatives: int) -> Node:
    """I of an order, times ``exp(-|x|)`` if ``scaled``."""
    fixed = detach(x)
    size = magnitude(fixed)
    near = lt(size, LIMIT)
    decay = exp(neg(where(near, size, 0.0)))
    small = _power_series(where(near, size, 0.0), order)
    large = where(near, LIMIT, size)
    scaled_far = div(polynomial(reciprocal(large), _FAR[order][x.dtype]), sqrt(large))
    if scaled:
        value = where(near, mul(small, decay), scaled_far)
    else:
        root = exp(mul(large, 0.5))  # exp(x) may overflow alone
        held = lt(large, LARGEST_EXPONENT[x.dtype])
        grown = where(held, mul(scaled_far, exp(large)), mul(mul(scaled_far, root), root))
        value = where(near, small, grown)
    value = where(lt(fixed, 0), neg(value), value) if order else value
    value = where(lt(size, float("inf")), value, _at_infinity(fixed, order, scaled))
    if not derivatives:
        return value
    return sloped(value, (x, _slope(x, value, order, scaled, derivatives - 1)))


def _at_infinity(x: Node, order: int, scaled: bool) -> Node:
    """Of infinities and NaN."""
    if scaled:
        return reciprocal(x)
    return x if order else magnitude(x)


def _slope(x: Node, value: Node, order: int, scaled: bool, derivatives: int) -> Node:
    """I0' = I1 and I1' = I0 - I1 / x."""
    other = _bessel(x, 1 - order, scaled, derivatives)
    if derivatives:
        value = sloped(value, (x, _slope(x, value, order, scaled, derivatives - 1)))
    slope = other
    if order:
        zero = lt(magnitude(detach(x)), 1e-30)
        ratio = where(zero, 0.5, div(value, where(zero, 1.0, x)))
        slope = sub(other, ratio)
    if not scaled:
        return slope
    sign = where(lt(detach(x), 0), -1.0, where(lt(0, detach(x)), 1.0, mul(detach(x), 0.0)))
    return sub(slope, mul(sign, value))


def _power_series(x: Node, order: int) -> Node:
    """The sum of ``(x / 2) ** (2 k + order) / (k! (k + order)!)``."""
    coefficients = [1.0]
    for k in range(1, TERMS[x.dtype]):
        coefficients.append(coefficients[-1] / (k * (k + order)))
    series = polynomial(square(mul(x, 0.5)), coefficients[::-1])
    return mul(mul(x, 0.5), series) if order else series
