"""Rounding, and the divisions defined by it. Their steps have derivative 0."""

from __future__ import annotations

from lazygrad import ops
from lazygrad.element_types import FLOAT, DType, accumulator, float32, int32, int64
from lazygrad.errors import ValueRangeError
from lazygrad.graph import Node, node
from lazygrad.lang.elementwise import add, detach, div, flat, mul, neg, sub, surrogate
from lazygrad.lang.operands import Operand, cast, full_like, pair, require_not_bool, zeros_like


def trunc(x: Node) -> Node:
    """The integer part, towards zero; the sign of a zero is kept."""
    return flat(whole_part(x), x)


def floor(x: Node) -> Node:
    """The largest integer that is not larger."""
    return flat(_floor(x), x)


def ceil(x: Node) -> Node:
    """The smallest integer that is not smaller."""
    return flat(_ceil(x), x)


def round(x: Node, decimals: int = 0) -> Node:
    """The nearest integer, halves to the even one; or the nearest multiple of 10**-decimals."""
    if x.dtype.kind != FLOAT:
        if decimals:
            raise ValueRangeError(f"[round] decimals={decimals} needs a float, got {x.dtype.name}")
        return x
    scale = 10.0 ** (decimals if decimals > 0 else -decimals)
    if decimals == 0:
        value = _round(x)
    elif decimals > 0:
        value = div(_round(mul(x, scale)), scale)
    else:
        value = mul(_round(div(x, scale)), scale)
    return flat(value, x)


def frac(x: Node) -> Node:
    """``x - trunc(x)``, in the accumulator's dtype: a kernel carries half precision in float32
    and casts round, so a whole part that was cast back would not fit its ``x``."""
    wide = cast(x, accumulator(x.dtype))
    return cast(sub(wide, trunc(wide)), x.dtype)


def whole_part(x: Node) -> Node:
    """``trunc``, as a constant to derivatives."""
    if x.dtype.kind != FLOAT:
        return x
    wide = detach(cast(x, accumulator(x.dtype)))
    integer, limit = _exact_integer(wide.dtype)
    whole = cast(cast(wide, integer), wide.dtype)
    signed = _where(_lt_scalar(full_like(whole, 0), _magnitude(whole)), whole, mul(wide, 0.0))
    small = node(ops.LT, (_magnitude(wide), full_like(wide, limit)))
    return cast(_where(small, signed, wide), x.dtype)  # larger ones, inf and NaN are whole


def _exact_integer(dtype: DType) -> tuple[DType, float]:
    """An integer dtype, and the magnitude from which every float of ``dtype`` is whole."""
    return (int32, 2.0**23) if dtype is float32 else (int64, 2.0**52)


def _floor(x: Node) -> Node:
    if x.dtype.kind != FLOAT:
        return x
    whole = whole_part(x)
    return _where(_lt_scalar(detach(x), whole), sub(whole, 1.0), whole)


def _ceil(x: Node) -> Node:
    if x.dtype.kind != FLOAT:
        return x
    whole = whole_part(x)
    return _where(_lt_scalar(whole, detach(x)), add(whole, 1.0), whole)


def _round(x: Node) -> Node:
    wide = detach(cast(x, accumulator(x.dtype)))
    below = _floor(wide)
    rest = sub(wide, below)
    half = full_like(rest, 0.5)
    odd = node(ops.NE, (whole_part(mul(below, 0.5)), mul(below, 0.5)))
    up_from_half = node(ops.AND, (_not(node(ops.LT, (rest, half))), odd))
    up = node(ops.ADD, (node(ops.LT, (half, rest)), up_from_half))
    value = _where(up, add(below, 1.0), below)
    nonzero = node(ops.NE, (value, zeros_like(value)))
    return cast(_where(nonzero, value, mul(wide, 0.0)), x.dtype)


def _magnitude(x: Node) -> Node:
    return node(ops.MAX, (x, neg(x)))


def _lt_scalar(left: Node, right: Node) -> Node:
    return node(ops.LT, (left, right))


def _not(condition: Node) -> Node:
    return node(ops.XOR, (condition, full_like(condition, True)))


def _where(condition: Node, left: Node, right: Node) -> Node:
    return node(ops.WHERE, (condition, left, right))


def fmod(left: Operand, right: Operand) -> Node:
    """The remainder with the sign of ``left``, as C's."""
    first, second = pair("fmod", left, right)
    require_not_bool("fmod", first)
    value = node(ops.MOD, (first, second))
    return _remaining(value, first, second, whole_part(div(first, second)))


def remainder(left: Operand, right: Operand) -> Node:
    """The remainder with the sign of ``right``, as Python's ``%``."""
    first, second = pair("remainder", left, right)
    require_not_bool("remainder", first)
    rest = node(ops.MOD, (detach(first), detach(second)))
    value = _where(_signs_differ(rest, second), add(rest, detach(second)), rest)
    return _remaining(value, first, second, _quotient_below(first, second))


def _remaining(value: Node, first: Node, second: Node, quotient: Node) -> Node:
    """``value`` with the derivative of ``first - second * quotient``, which has steps."""
    if value.dtype.kind != FLOAT:
        return value
    return surrogate(value, sub(first, mul(second, detach(quotient))))


def _signs_differ(rest: Node, divisor: Node) -> Node:
    """Whether a remainder is not 0 and on the other side of 0 than the divisor."""
    zero = zeros_like(rest)
    negative = node(ops.LT, (rest, zero))
    differ = node(ops.NE, (negative, node(ops.LT, (detach(divisor), zero))))
    return node(ops.AND, (node(ops.NE, (rest, zero)), differ))


def floor_divide(left: Operand, right: Operand) -> Node:
    """Python's ``//``: the quotient rounded down, in the promoted dtype; a zero has the sign of the
    quotient."""
    first, second = pair("floor_divide", left, right)
    require_not_bool("floor_divide", first)
    below = _quotient_below(first, second)
    if first.dtype.kind == FLOAT:
        there = node(ops.NE, (below, zeros_like(below)))
        below = _where(there, below, mul(div(first, second), 0.0))
    return flat(below, first, second)


def _quotient_below(first: Node, second: Node) -> Node:
    rest = node(ops.MOD, (first, second))
    adjust = _signs_differ(rest, second)
    if first.dtype.kind != FLOAT:
        quotient = node(ops.DIV, (first, second))
        if not first.dtype.is_signed:
            return quotient
        return _where(adjust, sub(quotient, 1), quotient)
    # (first - rest) / second is whole up to rounding: 6.3 // 0.1 must be 62, not 63
    exact = div(sub(first, rest), second)
    exact = _where(adjust, sub(exact, 1.0), exact)
    whole = _floor(exact)
    nearest = _where(_lt_scalar(full_like(whole, 0.5), sub(exact, whole)), add(whole, 1.0), whole)
    divisible = node(ops.NE, (second, zeros_like(second)))
    return _where(divisible, nearest, div(first, second))


def trunc_divide(left: Operand, right: Operand) -> Node:
    """The quotient rounded towards zero, in the promoted dtype."""
    first, second = pair("div", left, right)
    require_not_bool("div", first)
    return flat(whole_part(node(ops.DIV, (first, second))), first, second)
