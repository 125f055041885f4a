"""The gamma function's logarithm and its derivatives.

Between the poles of negative numbers lgamma and digamma have zeros, near which digits cancel: there
the error is small beside 1, not beside the value.
"""

from __future__ import annotations

import math

from lazygrad.element_types import float32, float64
from lazygrad.graph import Node
from lazygrad.lang.calls import call
from lazygrad.lang.comparison import eq, isnan, logical_and, lt
from lazygrad.lang.elementwise import (
    abs as absolute,
    add,
    cos,
    detach,
    div,
    exp,
    log,
    mul,
    neg,
    reciprocal,
    sin,
    sloped,
    square,
    sub,
    where,
)
from lazygrad.lang.operands import Operand, cast, float_pair, widened
from lazygrad.lang.rounding import floor, round as rounded
from lazygrad.lang.transcendental import in_wide, polynomial, pow

# lgamma(1 + d) / d and lgamma(2 + d) / d for d in [-1/2, 1/2]; the highest power first.
_NEAR_1 = {
    float32: (
        0.166292782, -0.177682882, 0.0452779781, -0.0505540164, 0.107086707, -0.118744583,
        0.124872636, -0.143374466, 0.169584351, -0.207414359, 0.270580379, -0.400685179,
        0.822467035, -0.577215666,
    ),
    float64: (
        0.21762817640022097, -0.22471180158915516, -0.14857260899606312, 0.1528715168258553,
        0.14011729595820724, -0.14497971020532596, 0.01333577663873192, -0.014509338086091672,
        0.057003000096539545, -0.059850048562680856, 0.054501409023364235, -0.057737256640806416,
        0.0626116167474043, -0.06678275881746833, 0.07142491150665906, -0.07692423568567124,
        0.08335423437020126, -0.09095442301348973, 0.10009944506030896, -0.1113342530365414,
        0.1255096697597847, -0.14404989701106719, 0.16955717699509998, -0.2073855510262953,
        0.2705808084277935, -0.4006856343865406, 0.8224670334241132, -0.5772156649015329,
    ),
}  # fmt: skip
_NEAR_2 = {
    float32: (
        -0.000250562021, 0.00057025125, -0.00118748481, 0.00287886868, -0.00738592088,
        0.0205816254, -0.0673522941, 0.322467018, 0.422784335,
    ),
    float64: (
        2.7475390051909663e-07, -5.811277768921246e-07, 9.242852225162277e-07,
        -1.9743106888421067e-06, 4.3828545383846665e-06, -9.45628851510172e-06,
        2.050601970174762e-05, -4.4923727564247656e-05, 9.945761692157133e-05,
        -0.00022315497746292723, 0.0005096695196526673, -0.0011927539009983087,
        0.002890510330865901, -0.007385551028935545, 0.02058080842778338, -0.06735230105319563,
        0.3224670334241132, 0.42278433509846713,
    ),
}  # fmt: skip
# digamma(x) / (x - ROOT) in x - 3/2 for x in [1, 2]; digamma in (x - 4) / (x + 4) for x in [2, 8].
_PSI_NEAR = {
    float32: (
        0.0109025887, -0.0163736203, 0.017114989, -0.0257868836, 0.0408500267, -0.0620559804,
        0.0949846851, -0.148398861, 0.240542535, -0.423627497, 0.951055876,
    ),
    float64: (
        -0.00017312261802727394, 0.00025968482126430747, -0.00015148586836773365,
        0.0002272331660987376, -0.0004821990530566789, 0.0007233266279287554,
        -0.0010376374098418604, 0.0015566317474486838, -0.002345267632540769,
        0.003519006401502276, -0.005279964873257405, 0.007926944646403797, -0.011908218001568644,
        0.0179072524394512, -0.02697579675613825, 0.04076083381242074, -0.061922133273064534,
        0.09498872445494122, -0.14840492305390884, 0.2405424842407742, -0.4236274212814605,
        0.951055876031833,
    ),
}  # fmt: skip
_PSI_MIDDLE = {
    float32: (
        0.83237969, -0.578298604, 0.584516416, -0.360602418, 0.659995312, -0.360536726,
        0.744233216, -0.327787645, 0.976549271, -0.290688141, 2.27058365, 1.25611767,
    ),
    float64: (
        -0.8907434910617066, 1.0619928618667873, -0.3137576999207, 0.39221094917114707,
        -0.46734950248493473, 0.5858031246409934, -0.43530033129355766, 0.5641531137493568,
        -0.4291452324959026, 0.5778031860979445, -0.41782215534057077, 0.5928398757503027,
        -0.4032363420135727, 0.616519998543611, -0.3840597576239641, 0.6580932771825293,
        -0.35914075165796355, 0.7442835616224824, -0.3278246213425637, 0.9765487879912155,
        -0.29068778594674144, 2.270583645896923, 1.2561176684318005,
    ),
}  # fmt: skip
ROOT = 1.4616321449683623413  # of digamma
ROOT_REST = {float32: 1.4616321449683623413 - 1.46163213253021240234375, float64: -9.65e-18}
STIRLING_FROM = 8.0
# Of lgamma: B(2k) / (2k (2k-1)) in 1 / x**2, as many as the dtype needs from STIRLING_FROM on.
_STIRLING = (
    1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400,
    43867 / 244188,
)  # fmt: skip
_PSI_SERIES = (
    1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12, -3617 / 8160,
    43867 / 14364,
)  # fmt: skip
SERIES = {float32: 4, float64: 9}


def lgamma(x: Node) -> Node:
    """The logarithm of the magnitude of the gamma function."""

    def wide(x: Node) -> Node:
        return sloped(_lgamma(detach(x)), (x, digamma(x)))

    return in_wide(x, wide)


def _lgamma(x: Node) -> Node:
    reflected = lt(x, -0.5)
    size = where(reflected, neg(x), x)
    value = _lgamma_above(size)
    # gamma(x) * gamma(-x) = -pi / (x * sin(pi * x))
    held = where(reflected, x, -0.75)
    other = sub(log(div(math.pi, mul(absolute(_sin_pi(held)), absolute(held)))), value)
    whole = logical_and(reflected, eq(x, floor(x)))
    value = where(whole, math.inf, where(reflected, other, value))
    value = where(eq(absolute(x), math.inf), math.inf, value)
    return where(isnan(x), x, value)


def _lgamma_above(x: Node) -> Node:
    """From -1/2 on: by the nearest of 0, 1 and 2, by products of what lies between 2 and 8, and by
    Stirling's series."""
    near_0, near_1, near_2 = lt(x, 0.5), lt(x, 1.5), lt(x, STIRLING_FROM)
    small = where(near_0, x, 0.0)
    at_0 = sub(
        mul(small, polynomial(small, _NEAR_1[x.dtype])), log(absolute(where(near_0, x, 1.0)))
    )
    shift = sub(where(near_1, where(near_0, 1.0, x), 1.0), 1.0)
    at_1 = mul(shift, polynomial(shift, _NEAR_1[x.dtype]))
    held = where(near_2, where(near_1, 2.0, x), 2.0)
    steps = floor(sub(held, 1.5))
    rest = sub(sub(held, 2.0), steps)
    product = where(lt(0.5, steps), add(rest, 2.0), 1.0)
    for k in range(1, int(STIRLING_FROM) - 1):
        product = where(lt(k + 0.5, steps), mul(product, add(rest, 2.0 + k)), product)
    at_2 = add(mul(rest, polynomial(rest, _NEAR_2[x.dtype])), log(product))
    far = where(near_2, STIRLING_FROM, x)
    inverse = reciprocal(far)
    terms = _STIRLING[: SERIES[x.dtype]][::-1]
    series = add(
        mul(inverse, polynomial(square(inverse), terms)), 0.5 * math.log(2.0 * math.pi) - 0.5
    )
    large = add(mul(sub(far, 0.5), sub(log(far), 1.0)), series)
    return where(near_0, at_0, where(near_1, at_1, where(near_2, at_2, large)))


def _sin_pi(x: Node) -> Node:
    """``sin(pi * x)``, of the distance to the nearest whole number; its sign is not meant."""
    return sin(mul(sub(x, rounded(x)), math.pi))


# -- its derivatives -------------------------------------------------------------------------------


def digamma(x: Node) -> Node:
    """The derivative of ``lgamma``."""

    def wide(x: Node) -> Node:
        return sloped(_digamma(detach(x)), (x, polygamma_of(1, x)))

    return in_wide(x, wide)


def _digamma(x: Node) -> Node:
    reflected = lt(x, 0.0)
    value = _digamma_above(where(reflected, sub(1.0, x), x))
    place = where(reflected, sub(x, rounded(x)), 0.25)
    angle = mul(place, math.pi)
    other = sub(value, div(mul(cos(angle), math.pi), sin(angle)))
    whole = logical_and(reflected, eq(x, floor(x)))
    value = where(whole, math.nan, where(reflected, other, value))
    return where(eq(x, 0.0), neg(reciprocal(x)), value)


def _digamma_above(x: Node) -> Node:
    """From 0 on."""
    below_1, near, middle = lt(x, 1.0), lt(x, 2.0), lt(x, STIRLING_FROM)
    small = where(near, where(below_1, add(x, 1.0), x), 1.0)
    distance = sub(sub(small, small.dtype.rounded(ROOT)), ROOT_REST[x.dtype])
    at_root = mul(distance, polynomial(sub(small, 1.5), _PSI_NEAR[x.dtype]))
    less = reciprocal(where(below_1, where(eq(x, 0.0), 1.0, x), 1.0))
    at_root = where(below_1, sub(at_root, less), at_root)
    held = where(middle, where(near, 2.0, x), 2.0)
    between = polynomial(div(sub(held, 4.0), add(held, 4.0)), _PSI_MIDDLE[x.dtype])
    far = where(middle, STIRLING_FROM, x)
    squared = square(reciprocal(far))
    series = mul(squared, polynomial(squared, _PSI_SERIES[: SERIES[x.dtype]][::-1]))
    large = sub(sub(log(far), mul(reciprocal(far), 0.5)), series)
    return where(near, at_root, where(middle, between, large))


def polygamma(n: int, x: Node) -> Node:
    """The ``n``-th derivative of ``digamma``; of negative numbers for ``n`` up to 1, else NaN."""
    return digamma(x) if n == 0 else in_wide(x, lambda wide: polygamma_of(n, wide))


SHIFT = 10  # terms that are summed before the Euler-Maclaurin formula
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)


def polygamma_of(n: int, x: Node) -> Node:
    """In a wide dtype, for ``n`` of at least 1: ``(-1)**(n+1) * n! * zeta(n + 1, x)``."""
    reflected = lt(detach(x), 0.0)
    above = where(reflected, sub(1.0, x), x)
    value = mul(zeta(n + 1, above), (-1.0) ** (n + 1) * math.factorial(n))
    if n > 1:
        return where(reflected, math.nan, value)
    place = where(reflected, sub(x, detach(rounded(x))), 0.25)
    other = sub(square(div(math.pi, sin(mul(place, math.pi)))), value)
    return where(reflected, other, value)


def zeta(s: int, x: Node) -> Node:
    """The sum of ``(x + k) ** -s`` over all ``k`` of at least 0, for ``x`` above 0, by the
    Euler-Maclaurin formula."""
    total = pow(x, -s)
    for k in range(1, SHIFT):
        total = add(total, pow(add(x, float(k)), -s))
    end = add(x, float(SHIFT))
    inverse = reciprocal(end)
    tail = add(div(end, s - 1.0), 0.5)
    factor = 1.0
    terms = []
    for j, number in enumerate(_BERNOULLI[: SERIES[x.dtype]]):
        factor *= (s + 2 * j - 1) * (s + 2 * j) / ((2 * j + 1) * (2 * j + 2)) if j else s / 2.0
        terms.append(factor * number)
    series = mul(inverse, polynomial(square(inverse), terms[::-1]))
    return add(total, mul(add(tail, series), pow(inverse, s)))


def mvlgamma(x: Node, p: int) -> Node:
    """The logarithm of the multivariate gamma function of dimension ``p``."""
    total = lgamma(x)
    for k in range(1, p):
        total = add(total, lgamma(sub(x, 0.5 * k)))
    return add(total, p * (p - 1) / 4.0 * math.log(math.pi))


# -- incomplete ------------------------------------------------------------------------------------


def igamma(a: Operand, x: Operand, upper: bool = False) -> Node:
    """The regularized incomplete gamma function, the lower or the upper one; its derivative by
    ``x`` alone."""
    first, second = float_pair("igamma", a, x)
    dtype = first.dtype
    order, place = widened(detach(first)), widened(second)
    value = call("igamma", order, detach(place))[int(upper)]
    held = where(eq(place, 0.0), 1.0, place)
    slope = exp(sub(sub(mul(sub(order, 1.0), log(held)), place), detach(lgamma(order))))
    zero = where(lt(order, 1.0), math.inf, where(lt(1.0, order), 0.0, 1.0))
    slope = where(eq(place, 0.0), zero, slope)
    return cast(sloped(value, (place, neg(slope) if upper else slope)), dtype)
