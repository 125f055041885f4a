"""Functions composed of EXP, LOG, SIN, SQRT and arithmetic, accurate where the textbook formula
cancels or overflows. Half precision is computed in float32.

Where a branch is not taken its argument is replaced by a harmless one: the derivative of a branch
that overflows is NaN even if its value is not used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from lazygrad import ops
from lazygrad.element_types import FLOAT, float64, promote_scalar
from lazygrad.errors import DtypeError, ValueRangeError
from lazygrad.graph import Node, Scalar, node
from lazygrad.lang.comparison import (
    eq,
    ge,
    gt,
    isfinite,
    isinf,
    logical_and,
    logical_not,
    logical_or,
    lt,
    ne,
)
from lazygrad.lang.elementwise import (
    Slope,
    abs as absolute,
    add,
    detach,
    div,
    exp,
    flat,
    log,
    mul,
    neg,
    reciprocal,
    rsqrt,
    sloped,
    sqrt,
    square,
    sub,
    surrogate,
    where,
)
from lazygrad.lang.operands import (
    Operand,
    cast,
    float_pair,
    full_like,
    is_whole,
    ones_like,
    pair,
    to_float,
    widened,
    zeros_like,
)
from lazygrad.lang.rounding import whole_part

LARGEST_UNROLLED_POWER = 64
EXACT_ORDERS = 2  # derivatives of powers that hold at 0 and infinity; higher ones are composed


def in_wide(x: Node, function: Callable[[Node], Node]) -> Node:
    """``function`` of ``x`` computed in a dtype fit for several steps, back in its float dtype."""
    x = to_float(x)
    return cast(function(widened(x)), x.dtype)


def polynomial(x: Node, coefficients: Sequence[float]) -> Node:
    """Horner's rule; the coefficient of the highest power comes first."""
    result: Operand = coefficients[0]
    for coefficient in coefficients[1:]:
        result = add(mul(result, x), coefficient)
    return result if isinstance(result, Node) else full_like(x, result)


def magnitude(x: Node) -> Node:
    """|x| with the derivative 1, not 0, at 0: right for functions that are smooth there."""
    return where(lt(x, 0), neg(x), x)


# -- exponentials and logarithms -------------------------------------------------------------


def expm1(x: Node) -> Node:
    """``exp(x) - 1`` without cancellation near 0."""
    return in_wide(x, _expm1)


def _expm1(x: Node) -> Node:
    terms = 17 if x.dtype is float64 else 9
    series = [1.0 / math.factorial(power) for power in range(terms, 0, -1)]
    near = mul(polynomial(x, series), x)
    value = where(lt(absolute(x), 0.5), near, sub(exp(x), 1.0))
    return surrogate(value, exp(x))


def log1p(x: Node) -> Node:
    """``log(1 + x)`` without losing the digits of a small ``x``."""
    return in_wide(
        x, lambda wide: where(eq(wide, 0.0), wide, _log1p(wide))
    )  # zeros keep their sign


def _log1p(x: Node) -> Node:
    rounded = add(x, 1.0)
    lost = sub(x, sub(rounded, 1.0))  # what rounding 1 + x took away
    correction = where(isinf(rounded), 0.0, div(lost, rounded))
    value = add(log(rounded), where(eq(rounded, 0.0), 0.0, correction))
    return surrogate(value, log(rounded))


def log2(x: Node) -> Node:
    """Logarithm to base 2."""
    return in_wide(x, lambda wide: mul(log(wide), 1.0 / math.log(2.0)))


def log10(x: Node) -> Node:
    """Logarithm to base 10."""
    return in_wide(x, lambda wide: mul(log(wide), 1.0 / math.log(10.0)))


def logaddexp(left: Operand, right: Operand) -> Node:
    """``log(exp(left) + exp(right))`` without overflow."""
    first, second = float_pair("logaddexp", left, right)
    dtype = first.dtype
    first, second = widened(first), widened(second)
    swap = lt(first, second)
    high, low = where(swap, second, first), where(swap, first, second)
    same = logical_and(isinf(high), eq(low, high))
    gap = where(same, 0.0, sub(low, high))
    return cast(add(high, _log1p(exp(gap))), dtype)


# -- sigmoids ----------------------------------------------------------------------------------


def sigmoid(x: Node) -> Node:
    """``1 / (1 + exp(-x))``, of which no part overflows."""
    return in_wide(x, _sigmoid)


def _sigmoid(x: Node) -> Node:
    decay = exp(neg(magnitude(x)))
    value = div(where(lt(x, 0), decay, 1.0), add(decay, 1.0))
    return sloped(value, (x, mul(sub(1.0, value), value)))  # needs the value alone


# tanh(x) = x * P(x*x) near 0, to a few units in the last place (minimax, by Remez's exchange). The
# highest power comes first.
_TANH_32 = (
    -6.274243572449263e-3, 2.107168209646256e-2, -5.385231070823655e-2, 1.3332586147e-1,
    -3.3333317559967e-1, 1.0,
)  # fmt: skip
_TANH_64 = (
    -1.9494715279600357e-05, 8.331649377381089e-05, -2.3338159879837388e-04,
    5.884444999594054e-04, -1.4555428492782363e-03, 3.592092031021796e-03,
    -8.863232601504371e-03, 2.1869488385860107e-02, -5.396825396376078e-02,
    1.3333333333326622e-01, -3.33333333333333e-01, 1.0,
)  # fmt: skip
_NEAR_TANH = 0.55


def tanh(x: Node) -> Node:
    """Hyperbolic tangent, accurate near 0 and flat far away."""
    return in_wide(x, _tanh)


def _tanh(x: Node) -> Node:
    squared = square(x)
    near = mul(polynomial(squared, _TANH_64 if x.dtype is float64 else _TANH_32), x)
    far = sub(1.0, div(2.0, add(exp(mul(x, 2.0)), 1.0)))  # exp may overflow: then this is 1
    value = where(lt(squared, _NEAR_TANH**2), near, far)
    return sloped(value, (x, sub(1.0, square(value))))  # needs the value alone


def softplus(x: Node, beta: float = 1.0, threshold: float = 20.0) -> Node:
    """``log(1 + exp(beta * x)) / beta``; ``x`` itself where ``beta * x`` exceeds ``threshold``."""

    def smooth(wide: Node) -> Node:
        scaled = mul(wide, beta)
        above = where(lt(scaled, 0), 0.0, scaled)
        value = div(add(above, _log1p(exp(neg(magnitude(scaled))))), beta)
        return where(gt(scaled, threshold), wide, value)

    return in_wide(x, smooth)


def logsigmoid(x: Node) -> Node:
    """``log(sigmoid(x))``"""

    def smooth(wide: Node) -> Node:
        below = where(lt(wide, 0), wide, 0.0)
        return sub(below, _log1p(exp(neg(magnitude(wide)))))

    return in_wide(x, smooth)


# -- error function ----------------------------------------------------------------------------

# erf(x) = x * P(x*x) near 0, to a few units in the last place (minimax for float32, by N. Juffa;
# Chebyshev interpolation for float64). The highest power comes first.
_NEAR_32 = (
    -5.96761703e-4, 4.99119423e-3, -2.67681349e-2, 1.12819925e-1, -3.76125336e-1,
    1.28379166e-1 + 1.0,
)  # fmt: skip
_NEAR_64 = (
    -7.795898827002142e-10, 1.3720064546777686e-08, -1.6208483801871705e-07,
    1.6447424703317362e-06, -1.492473690741966e-05, 0.00012055294904839707,
    -0.0008548325975389692, 0.0052239776071164225, -0.02686617064323777, 0.11283791670945006,
    -0.37612638903183543, 1.1283791670955126,
)  # fmt: skip
# erf(x) = 1 - exp(x * Q(x)) from 0.93 on in float32.
_FAR_32 = (
    -1.72853470e-5, 3.83197126e-4, -3.88396438e-3, 2.42546219e-2,
    -1.06777877e-1, -6.34846687e-1, -1.28717512e-1 - 1.0,
)  # fmt: skip
# erf(x) = 1 - exp(Q(u) - x*x) from 1 on in float64, u = (1 / (1 + x/2) - 11/24) * 4.8.
_FAR_64 = (
    -4.33991062823202e-09, 9.956923396631247e-09, 2.0677809673198567e-09, -4.53744233849597e-09,
    -5.248018353263504e-08, 1.216490036168144e-07, -1.9393269782970785e-07,
    4.558960054745447e-07, -1.1563779859813859e-06, 2.739529339225317e-06,
    -6.47881601259355e-06, 1.5536144273424914e-05, -3.763699716667115e-05,
    9.229336029885735e-05, -0.00022838867591681131, 0.0005681936807880287,
    -0.0014539429368906611, 0.003976358356542109, -0.011073556443839666, 0.02819308370256058,
    -0.0931310897437154, 0.7311290439067771, -1.5076508429017792,
)  # fmt: skip


def erf(x: Node) -> Node:
    """The error function, to a few units in the last place."""
    return in_wide(x, _erf)


def _erf(x: Node) -> Node:
    double = x.dtype is float64
    size, squared = magnitude(x), square(x)
    near = mul(polynomial(squared, _NEAR_64 if double else _NEAR_32), x)
    if double:
        u = mul(sub(reciprocal(add(mul(size, 0.5), 1.0)), 11.0 / 24.0), 4.8)
        exponent = sub(polynomial(u, _FAR_64), squared)
    else:
        exponent = mul(polynomial(size, _FAR_32), size)
    tail = sub(1.0, exp(exponent))  # 1 from 6 on, where the exponent goes to -infinity
    far = where(lt(x, 0), neg(tail), tail)
    value = where(lt(size, 1.0 if double else 0.927734375), near, far)
    return sloped(value, (x, mul(exp(neg(squared)), 2.0 / math.sqrt(math.pi))))


# -- powers ------------------------------------------------------------------------------------


def pow(base: Operand, exponent: Operand) -> Node:
    """``base ** exponent``; NaN for a negative base with a fractional exponent.

    A whole Python exponent of moderate size multiplies, and +-0.5 takes the square root. Otherwise
    the relative error grows to about ``|exponent * log(base)|`` units in the last place.

    Raises:
        ValueRangeError: for an integer base with a negative Python exponent.
    """
    if isinstance(base, Node) and not isinstance(exponent, Node):
        return _pow_scalar(base, exponent)
    first, second = pair("pow", base, exponent)
    if first.dtype.kind != FLOAT:
        return _pow_integers(first, second)
    dtype = first.dtype
    return cast(_pow_floats(widened(first), widened(second)), dtype)


def _pow_scalar(base: Node, exponent: Scalar) -> Node:
    if isinstance(exponent, bool):
        exponent = int(exponent)
    if base.dtype.kind != FLOAT:
        if isinstance(exponent, float):
            return _pow_scalar(to_float(base), exponent)
        if exponent < 0:
            raise ValueRangeError(
                f"[pow] an integer base with the negative exponent {exponent}; use a float base"
            )
        return _repeated_product(cast(base, promote_scalar(base.dtype, exponent)), exponent)
    if exponent in _EXACT_POWERS:
        return in_wide(base, _EXACT_POWERS[exponent])
    if is_whole(exponent) and -LARGEST_UNROLLED_POWER <= exponent <= LARGEST_UNROLLED_POWER:
        return in_wide(base, lambda x: _whole_power(x, int(exponent)))
    return in_wide(base, lambda x: _pow_floats(x, full_like(x, exponent)))


def _pow_three_halves(x: Node) -> Node:
    root = sqrt(x)
    value = where(eq(x, -math.inf), math.inf, mul(x, root))
    return sloped(value, (x, mul(root, 1.5)))


_EXACT_POWERS: dict[float, Callable[[Node], Node]] = {
    0.5: sqrt,
    -0.5: rsqrt,
    1.5: _pow_three_halves,
}


def _whole_power(x: Node, exponent: int, orders: int = EXACT_ORDERS) -> Node:
    if exponent >= -1:
        return _repeated_product(x, exponent) if exponent >= 0 else reciprocal(x)
    value = reciprocal(_repeated_product(x, -exponent))
    if not orders:
        return value
    return sloped(value, (x, mul(_whole_power(x, exponent - 1, orders - 1), exponent)))


def _repeated_product(x: Node, exponent: int) -> Node:
    """``x`` to a whole power of at least 0, by squaring."""
    result: Node | None = None
    while exponent:
        if exponent & 1:
            result = x if result is None else mul(result, x)
        exponent >>= 1
        if exponent:
            x = mul(x, x)
    return flat(ones_like(x), x) if result is None else result


def _pow_integers(base: Node, exponent: Node) -> Node:
    """By the exponent's bits; negative exponents give what rounds towards 0: 1, -1 or 0."""
    if not base.dtype.is_integer:
        raise DtypeError("[pow] is not defined for two bools; cast one of them")
    one, zero = ones_like(base), zeros_like(base)
    result, square_of, rest = one, base, exponent
    for _ in range(8 * base.dtype.itemsize - int(base.dtype.is_signed)):
        odd = ne(node(ops.AND, (rest, one)), zero)
        result = where(odd, mul(result, square_of), result)
        square_of = mul(square_of, square_of)
        rest = node(ops.DIV, (rest, full_like(rest, 2)))
    if not base.dtype.is_signed:
        return result
    odd = ne(node(ops.AND, (exponent, one)), zero)
    inverse = where(eq(base, -1), where(odd, -1, one), where(eq(base, 1), one, zero))
    return where(lt(exponent, 0), inverse, result)


def _pow_floats(base: Node, exponent: Node) -> Node:
    """``base ** exponent``, of which the first ``EXACT_ORDERS`` derivatives are right everywhere,
    by definition instead of by composition: at 0 and infinity that would multiply 0 by infinity."""
    exponents = [_lowered(exponent, k) for k in range(EXACT_ORDERS + 1)]
    values = [_power(base, lower) for lower in exponents]
    exact = values
    for order in range(EXACT_ORDERS, 0, -1):
        exact = [
            sloped(values[k], *_slopes_of_power(base, exponents[k], exact[k], exact[k + 1]))
            for k in range(order)
        ]
    return exact[0]


def _lowered(exponent: Node, by: int) -> Node:
    """``exponent - by``; a constant stays one."""
    if exponent.op is ops.CONST:
        return full_like(exponent, exponent.arg.value - by)
    return sub(exponent, float(by)) if by else exponent


def _slopes_of_power(base: Node, exponent: Node, power: Node, lower: Node) -> list[Slope]:
    """The derivatives of ``power``, given ``base ** (exponent - 1)``; none by constants."""
    found: list[Slope] = []
    if base.op is not ops.CONST:
        found.append((base, where(eq(exponent, 0.0), 0.0, mul(exponent, lower))))
    if exponent.op is not ops.CONST:
        level = logical_and(eq(base, 0.0), ge(exponent, 0.0))
        found.append((exponent, where(level, 0.0, mul(power, log(where(level, 1.0, base))))))
    return found


def _power(base: Node, exponent: Node) -> Node:
    """The value of ``base ** exponent``, as C's pow has it for 0, infinity and NaN."""
    fixed = detach(exponent)
    power = exp(mul(exponent, log(absolute(base))))
    whole, half = eq(whole_part(fixed), fixed), mul(fixed, 0.5)
    odd = logical_and(whole, ne(whole_part(half), half))
    minus = lt(where(eq(base, 0.0), reciprocal(base), base), 0.0)  # of -0.0 too
    result = where(logical_and(odd, minus), neg(power), power)
    fractional = logical_and(lt(base, 0.0), logical_not(whole))
    result = where(logical_and(fractional, isfinite(base)), math.nan, result)
    # x ** 0 and 1 ** y are 1 whatever x and y are, and so is (-1) ** infinity
    regular = logical_and(isfinite(base), ne(base, 0.0))
    one = logical_and(eq(fixed, 0.0), logical_not(regular))
    of_one = logical_and(eq(base, 1.0), logical_not(isfinite(fixed)))
    of_minus_one = logical_and(eq(base, -1.0), isinf(fixed))
    return where(logical_or(one, logical_or(of_one, of_minus_one)), 1.0, result)
