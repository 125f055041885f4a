"""The error function's kin: its complement, its inverse, and the normal distribution's."""

from __future__ import annotations

import math

from lazygrad.element_types import float32, float64
from lazygrad.graph import Node
from lazygrad.lang.comparison import eq, gt, lt
from lazygrad.lang.elementwise import (
    abs as absolute,
    add,
    detach,
    div,
    exp,
    log,
    mul,
    neg,
    sloped,
    sqrt,
    square,
    sub,
    where,
)
from lazygrad.lang.rounding import floor
from lazygrad.lang.transcendental import EXACT_ORDERS, erf, in_wide, log1p, polynomial

# (1 + 2 x) * exp(x*x) * erfc(x) in (x - 2) / (x + 2), from 1/2 on; the highest power first.
_TAIL = {
    float32: (
        0.000277381382, -0.00033629255, -0.0015229029, 0.0012335543, 0.00874271162,
        -0.00802814504, -0.054222216, 0.164050857, -0.166030338, -0.0927638177, 1.27697838,
    ),
    float64: (
        6.808817252587722e-08, -3.5304470052933735e-07, 3.9775931319272004e-07,
        6.238439894961332e-07, -9.015948587380012e-07, -9.8380408412586e-07,
        -1.3710909253631768e-07, 1.4097274050202337e-06, 4.968039237096874e-06,
        3.806527378378293e-06, -1.3423707965418879e-05, -3.646025101327094e-05,
        -1.5212044602362106e-06, 0.0001510471502447829, 0.00020636831619657824,
        -0.0004543418644650048, -0.0014568140051559886, 0.0012713390451736483,
        0.008722653876989216, -0.008034015085754739, -0.054220000992036055, 0.16405128003350652,
        -0.1660303976152896, -0.09276382658574638, 1.2769783815525286,
    ),
}  # fmt: skip
TAIL_FROM = 0.5
VANISHES = {float32: 10.5, float64: 28.0}  # exp(-x*x) is 0

# erfinv(x) / x, in w = -log(1 - x*x), or its root, less a shift: (from which root on, shift,
# whether of the root, coefficients).
_INVERSE_A32 = (
    -8.93192597e-09, 2.33359672e-08, 4.68131348e-07, -3.46398527e-06, -4.97241969e-06,
    0.000218349386, -0.00125272639, -0.00417739288, 0.246640279, 1.50140936,
)  # fmt: skip
_INVERSE_B32 = (
    -3.43739015e-05, 0.000169035126, -0.000273624946, -0.000131736496, 0.00147525742,
    -0.00356160199, 0.00568710199, -0.00764374477, 0.00944539817, 1.00167529, 2.8329768,
)  # fmt: skip
_INVERSE_A64 = (
    3.240704459379902e-21, -1.113483769832702e-21, -3.4996044354754177e-19, 1.150022252066253e-18,
    1.557432024623325e-17, -1.3016928016796445e-16, -4.0282154327661744e-17,
    6.596407712420834e-15, -4.001237735091896e-14, -8.118399443074353e-14, 2.6304834740560442e-12,
    -1.2976885526532075e-11, -5.414287198084716e-11, 1.0512181539804126e-09,
    -4.11266082002324e-09, -2.9070382262927266e-08, 4.234788173782339e-07,
    -1.3654691850603575e-06, -1.3882523394405316e-05, 0.00018673420802464837,
    -0.000740702534154477, -0.00603367087142785, 0.2401581824255883, 1.6536545626831027,
)  # fmt: skip
_INVERSE_B64 = (
    -1.5102695423335065e-08, 6.969241977629694e-10, 1.3104351499972014e-07,
    -2.713451105439456e-07, -2.7004219280868947e-08, 1.4987130784186127e-06,
    -3.986084395214756e-06, 2.9257291901789823e-06, 1.2465167157087251e-05,
    -4.731898412011245e-05, 6.828708654753377e-05, 2.4031257015092525e-05,
    -0.00035503780975963814, 0.0009532893637435638, -0.0016882755357337071, 0.0024914420969817607,
    -0.003751208508215561, 0.00537091455357168, 1.0052589676941652, 3.0838856104922208,
)  # fmt: skip
_INVERSE_C64 = (
    -1.543927819720834e-11, 4.280243303730942e-11, 4.6977303445962824e-11, -4.373889663734069e-10,
    1.3589365341577093e-09, -3.471437933896719e-09, 7.777428539826634e-09, -1.525516018129263e-08,
    2.9044909320789473e-08, -6.75560303537366e-08, 2.2904362741369038e-07, -9.930294774982885e-07,
    4.526054328559671e-06, -1.9681770676949253e-05, 7.59952779202494e-05, -0.00021503011983024694,
    -0.000138719318373517, 1.0103004648645455, 4.849906401408584,
)  # fmt: skip
_INVERSE = {
    float32: ((0.0, 2.5, False, _INVERSE_A32), (math.sqrt(5.0), 3.0, True, _INVERSE_B32)),
    float64: (
        (0.0, 3.125, False, _INVERSE_A64),
        (2.5, 3.25, True, _INVERSE_B64),
        (4.0, 5.0, True, _INVERSE_C64),
    ),
}


def erfc(x: Node) -> Node:
    """``1 - erf(x)``, of which no digits are lost for a large ``x``."""

    def wide(x: Node) -> Node:
        fixed = detach(x)
        far = gt(fixed, TAIL_FROM)
        size = where(far, fixed, 1.0)
        size = where(lt(size, VANISHES[x.dtype]), size, VANISHES[x.dtype])
        tail = mul(_erfcx_tail(size), _exp_of_square(size, -1.0))
        value = where(far, tail, sub(1.0, erf(where(far, 0.0, fixed))))
        return sloped(value, (x, mul(exp(neg(square(x))), -2.0 / math.sqrt(math.pi))))

    return in_wide(x, wide)


def _erfcx_tail(x: Node) -> Node:
    """``exp(x*x) * erfc(x)`` from ``TAIL_FROM`` on."""
    place = div(sub(x, 2.0), add(x, 2.0))
    return div(polynomial(place, _TAIL[x.dtype]), add(mul(x, 2.0), 1.0))


def _exp_of_square(x: Node, sign: float) -> Node:
    """``exp(sign * x*x)``: x*x would lose what the exponential makes large, so that a part of x
    whose square is exact goes first."""
    head = mul(floor(mul(x, 64.0)), 1.0 / 64.0)
    rest = mul(sub(x, head), add(x, head))
    return mul(exp(mul(square(head), sign)), exp(mul(rest, sign)))


def erfcx(x: Node) -> Node:
    """``exp(x*x) * erfc(x)``"""

    def wide(x: Node) -> Node:
        return _erfcx(x, EXACT_ORDERS)

    return in_wide(x, wide)


def _erfcx(x: Node, orders: int) -> Node:
    fixed = detach(x)
    far = gt(fixed, TAIL_FROM)
    regular = lt(absolute(fixed), math.inf)
    large = where(far, where(regular, fixed, 1.0), 1.0)
    small = where(far, 0.0, where(regular, fixed, 0.0))
    value = where(far, _erfcx_tail(large), mul(_exp_of_square(small, 1.0), detach(erfc(small))))
    value = where(eq(absolute(fixed), math.inf), where(lt(fixed, 0.0), math.inf, 0.0), value)
    if not orders:
        return value
    lower = _erfcx(x, orders - 1)
    slope = sub(mul(mul(x, lower), 2.0), 2.0 / math.sqrt(math.pi))
    return sloped(value, (x, slope))


def erfinv(x: Node) -> Node:
    """The inverse of the error function; infinite at -1 and 1, NaN outside."""
    return in_wide(x, _erfinv)


def _erfinv(x: Node) -> Node:
    fixed = detach(x)
    size = absolute(fixed)
    inner = lt(size, 1.0)
    held = where(inner, fixed, 0.0)
    w = neg(log(mul(sub(1.0, held), add(held, 1.0))))
    root = sqrt(w)
    ratio = held
    for start, shift, of_root, coefficients in _INVERSE[x.dtype]:
        part = polynomial(sub(root if of_root else w, shift), coefficients)
        ratio = where(lt(root, start), ratio, part)
    outer = where(eq(size, 1.0), mul(fixed, math.inf), math.nan)
    value = where(inner, mul(held, ratio), outer)
    found = value
    for _ in range(EXACT_ORDERS):
        found = sloped(value, (x, mul(exp(square(found)), math.sqrt(math.pi) / 2.0)))
    return found


# -- the standard normal distribution --------------------------------------------------------------


def ndtr(x: Node) -> Node:
    """The share of standard normal numbers below each element."""
    return in_wide(x, lambda wide: mul(erfc(mul(wide, -math.sqrt(0.5))), 0.5))


def ndtri(x: Node) -> Node:
    """The inverse of ``ndtr``."""

    def wide(x: Node) -> Node:
        return mul(erfinv(sub(mul(x, 2.0), 1.0)), math.sqrt(2.0))

    return in_wide(x, wide)


def log_ndtr(x: Node) -> Node:
    """``log(ndtr(x))``, also where that is 0 or 1."""

    def wide(x: Node) -> Node:
        low = lt(x, -1.0)
        below = mul(where(low, x, -1.0), -math.sqrt(0.5))
        tail = sub(log(mul(erfcx(below), 0.5)), square(below))
        above = log1p(mul(erfc(mul(where(low, 0.0, x), math.sqrt(0.5))), -0.5))
        return where(low, tail, above)

    return in_wide(x, wide)
