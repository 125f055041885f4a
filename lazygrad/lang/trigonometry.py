"""Inverse circular functions, hyperbolic functions and their inverses.

Values are polynomials fitted to half a unit in the last place (their highest power first), or come
from exponentials and logarithms. Derivatives are given: those of the parts lose digits where parts
cancel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from lazygrad.element_types import float32, float64
from lazygrad.graph import Node
from lazygrad.lang.comparison import eq, gt, isinf, logical_and, lt
from lazygrad.lang.elementwise import (
    abs as absolute,
    add,
    detach,
    div,
    exp,
    log,
    mul,
    neg,
    reciprocal,
    rsqrt,
    sloped,
    sqrt,
    square,
    sub,
    where,
)
from lazygrad.lang.floats import signbit
from lazygrad.lang.operands import Operand, cast, float_pair, widened
from lazygrad.lang.transcendental import (
    EXACT_ORDERS,
    in_wide,
    log1p,
    magnitude,
    polynomial,
)

# asin(x) = x + x * z * P(z) and atan(x) = x + x * z * Q(z) with z = x * x, up to 1/2 and tan(pi/8)
_ASIN = {
    float32: (
        0.0336908472, 0.0171492384, 0.0311006627, 0.0445994015, 0.0750009454, 0.166666663,
    ),
    float64: (
        0.028757851367421566, -0.014851887071247204, 0.01740087944269402, 0.005457506718640358,
        0.01032281435018578, 0.011479177415184906, 0.013971212973552933, 0.017352392720869973,
        0.02237217294214989, 0.030381944138531247, 0.04464285714635543, 0.07499999999998433,
        0.16666666666666669,
    ),
}  # fmt: skip
_ATAN = {
    float32: (
        -0.0645192821, 0.107437315, -0.142639556, 0.199995405, -0.333333318,
    ),
    float64: (
        -0.01917688711906226, 0.03923165829558719, -0.0508544973794026, 0.0585814891280221,
        -0.06664511447381948, 0.07692183190826087, -0.09090904578123903, 0.11111111015256361,
        -0.14285714284666542, 0.1999999999999552, -0.3333333333333333,
    ),
}  # fmt: skip
# The same for sinh, asinh and atanh, by their series: c[0] + c[1] * z + ...
SERIES_TERMS = {float32: 6, float64: 14}
_SINH = [1.0 / math.factorial(2 * k + 1) for k in range(1, 15)]
_ATANH = [1.0 / (2 * k + 1) for k in range(1, 15)]
_ASINH = [(-0.25) ** k * math.comb(2 * k, k) / (2 * k + 1) for k in range(1, 15)]
SERIES_LIMIT = 0.25  # of asinh and atanh; sinh's reaches to 1
STEEP = math.tan(3 * math.pi / 8)  # atan(x) = pi/2 - atan(1/x) above it
FLAT = math.tan(math.pi / 8)  # and pi/4 + atan((x - 1) / (x + 1)) above it
LARGE = {float32: 2.0**12, float64: 2.0**28}  # x*x + 1 is x*x from here on
# What a dtype does not hold of pi/4
REST = {float32: math.pi / 4 - 0.785398185253143310546875, float64: 3.061616997868383e-17}


def _with_sign(size: Node, x: Node) -> Node:
    """An odd function of ``x``, given that of its magnitude; zeros keep their sign."""
    return where(eq(x, 0.0), x, where(lt(x, 0), neg(size), size))


def _series(x: Node, coefficients: Sequence[float]) -> Node:
    """``x + x * z * (c[0] + c[1] * z + ...)`` with ``z = x * x``."""
    z = square(x)
    terms = coefficients[: SERIES_TERMS[x.dtype]][::-1]
    return add(x, mul(mul(x, z), polynomial(z, terms)))


def _from_quarters(quarters: float, x: Node) -> Node:
    """``quarters * pi/4 - x``, as if pi had more digits than the dtype."""
    near = x.dtype.rounded(math.pi / 4)
    return add(sub(quarters * near, x), quarters * REST[x.dtype])


# -- inverse circular functions --------------------------------------------------------------------


def asin(x: Node) -> Node:
    """Inverse sine, in [-pi/2, pi/2]; NaN outside of [-1, 1]."""

    def wide(x: Node) -> Node:
        size = magnitude(detach(x))
        inner, near = _asin_parts(size)
        value = where(inner, near, _from_quarters(2, mul(near, 2.0)))
        return sloped(_with_sign(value, x), (x, _slope_of_asin(x)))

    return in_wide(x, wide)


def acos(x: Node) -> Node:
    """Inverse cosine, in [0, pi]; NaN outside of [-1, 1]."""

    def wide(x: Node) -> Node:
        fixed = detach(x)
        inner, near = _asin_parts(magnitude(fixed))
        near_zero = _from_quarters(2, where(lt(fixed, 0), neg(near), near))
        twice = mul(near, 2.0)
        outer = where(lt(fixed, 0), _from_quarters(4, twice), twice)
        return sloped(where(inner, near_zero, outer), (x, neg(_slope_of_asin(x))))

    return in_wide(x, wide)


def _asin_parts(size: Node) -> tuple[Node, Node]:
    """Whether a magnitude is below 1/2, and its asin; of others that of sqrt((1 - x) / 2)."""
    inner = lt(size, 0.5)
    z = where(inner, square(size), mul(sub(1.0, size), 0.5))
    root = where(inner, size, sqrt(where(inner, 0.0, z)))
    return inner, add(root, mul(mul(root, z), polynomial(z, _ASIN[size.dtype])))


def _slope_of_asin(x: Node) -> Node:
    return rsqrt(mul(sub(1.0, x), add(x, 1.0)))


def atan(x: Node) -> Node:
    """Inverse tangent, in [-pi/2, pi/2]."""

    def wide(x: Node) -> Node:
        size = magnitude(detach(x))
        steep, flat = gt(size, STEEP), lt(size, FLAT)
        turned = where(steep, neg(reciprocal(where(steep, size, 1.0))), _past_eighth(size, steep))
        near = _atan_series(where(flat, size, turned))
        value = where(flat, near, where(steep, _from_quarters(2, neg(near)), _past_quarter(near)))
        return sloped(_with_sign(value, x), (x, reciprocal(add(square(x), 1.0))))

    return in_wide(x, wide)


def _past_eighth(size: Node, steep: Node) -> Node:
    held = where(steep, 1.0, size)
    return div(sub(held, 1.0), add(held, 1.0))


def _past_quarter(near: Node) -> Node:
    return _from_quarters(1, neg(near))


def _atan_series(x: Node) -> Node:
    z = square(x)
    return add(x, mul(mul(x, z), polynomial(z, _ATAN[x.dtype])))


def atan2(left: Operand, right: Operand) -> Node:
    """The angle of the point (right, left), in [-pi, pi]."""
    first, second = float_pair("atan2", left, right)
    dtype = first.dtype
    y, x = widened(first), widened(second)
    up, across = absolute(detach(y)), absolute(detach(x))
    over = lt(across, up)
    small, large = where(over, across, up), where(over, up, across)
    ratio = div(small, where(eq(large, 0.0), 1.0, large))
    ratio = where(logical_and(isinf(small), isinf(large)), 1.0, ratio)
    angle = detach(atan(ratio))
    angle = where(over, _from_quarters(2, angle), angle)
    angle = where(signbit(detach(x)), _from_quarters(4, angle), angle)
    value = where(signbit(detach(y)), neg(angle), angle)
    apart = add(square(x), square(y))
    there = gt(apart, 0.0)
    share = where(there, reciprocal(where(there, apart, 1.0)), 0.0)
    value = sloped(value, (y, mul(x, share)), (x, neg(mul(y, share))))
    return cast(value, dtype)


# -- hyperbolic functions --------------------------------------------------------------------------


def sinh(x: Node) -> Node:
    """Hyperbolic sine."""
    return in_wide(x, lambda wide: _hyperbolic(wide, odd=True))


def cosh(x: Node) -> Node:
    """Hyperbolic cosine."""
    return in_wide(x, lambda wide: _hyperbolic(wide, odd=False))


def _hyperbolic(x: Node, odd: bool, orders: int = EXACT_ORDERS) -> Node:
    value = _sinh(x) if odd else _cosh(x)
    return sloped(value, (x, _hyperbolic(x, not odd, orders - 1))) if orders else value


def _sinh(x: Node) -> Node:
    size = magnitude(x)
    near = lt(size, 1.0)
    small = _series(where(near, size, 0.0), _SINH)
    return _with_sign(where(near, small, _half_sum(size, -1.0)), x)


def _cosh(x: Node) -> Node:
    return _half_sum(magnitude(x), 1.0)


def _half_sum(size: Node, sign: float) -> Node:
    """``(exp(x) +- exp(-x)) / 2``, where exp(x) alone may overflow."""
    limit = math.log(size.dtype.largest) - 0.5
    far = gt(size, limit)
    power = exp(where(far, 1.0, size))
    near = add(mul(power, 0.5), div(0.5 * sign, power))
    root = exp(mul(where(far, size, 1.0), 0.5))
    return where(far, mul(mul(root, 0.5), root), near)


# -- their inverses --------------------------------------------------------------------------------


def asinh(x: Node) -> Node:
    """Inverse hyperbolic sine."""

    def wide(x: Node) -> Node:
        size = magnitude(detach(x))
        large = gt(size, LARGE[x.dtype])
        held = where(large, 1.0, size)
        squared = square(held)
        near = log1p(add(held, div(squared, add(sqrt(add(squared, 1.0)), 1.0))))
        far = add(log(where(large, size, 1.0)), math.log(2.0))
        near = where(lt(size, SERIES_LIMIT), _series(size, _ASINH), near)
        value = _with_sign(where(large, far, near), x)
        return sloped(value, (x, rsqrt(add(square(x), 1.0))))

    return in_wide(x, wide)


def acosh(x: Node) -> Node:
    """Inverse hyperbolic cosine; NaN below 1."""

    def wide(x: Node) -> Node:
        fixed = detach(x)
        large = gt(fixed, LARGE[x.dtype])
        above = sub(where(large, 1.0, fixed), 1.0)
        near = log1p(add(above, mul(sqrt(above), sqrt(add(above, 2.0)))))
        far = add(log(where(large, fixed, 1.0)), math.log(2.0))
        slope = reciprocal(mul(sqrt(sub(x, 1.0)), sqrt(add(x, 1.0))))
        return sloped(where(large, far, near), (x, slope))

    return in_wide(x, wide)


def atanh(x: Node) -> Node:
    """Inverse hyperbolic tangent; NaN outside of [-1, 1]."""

    def wide(x: Node) -> Node:
        size = magnitude(detach(x))
        value = mul(log1p(div(mul(size, 2.0), sub(1.0, size))), 0.5)
        value = where(lt(size, SERIES_LIMIT), _series(size, _ATANH), value)
        slope = reciprocal(mul(sub(1.0, x), add(x, 1.0)))
        return sloped(_with_sign(value, x), (x, slope))

    return in_wide(x, wide)
