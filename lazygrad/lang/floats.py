"""What a float is made of: sign, exponent, mantissa, and neighbours."""

from __future__ import annotations

import math

from lazygrad import ops
from lazygrad.element_types import FLOAT, bool_, float64, int32
from lazygrad.graph import Node, node
from lazygrad.lang.comparison import eq, gt, isinf, isnan, logical_and, logical_or, lt, ne
from lazygrad.lang.elementwise import (
    abs as absolute,
    add,
    detach,
    flat,
    log,
    mul,
    neg,
    reciprocal,
    sub,
    where,
)
from lazygrad.lang.operands import Operand, cast, float_pair, full_like, require_float, widened
from lazygrad.lang.random import FORMATS
from lazygrad.lang.rounding import floor

EXPONENT_BITS = {True: 11, False: 8}  # of float64, and of the others
SMALL = {True: (2.0**-500, 500), False: (2.0**-100, 60)}  # what is scaled up first, and by what


def signbit(x: Node) -> Node:
    """Bool: whether the sign is negative, of zeros too. Of NaN it is not known: False."""
    if x.dtype.kind != FLOAT:
        return lt(x, 0) if x.dtype.is_signed else full_like(x, False, bool_)
    return lt(where(eq(x, 0.0), reciprocal(x), x), 0.0)


def copysign(left: Operand, right: Operand) -> Node:
    """The magnitude of ``left`` with the sign of ``right``; the derivative by a zero is 0."""
    first, second = float_pair("copysign", left, right)
    size = absolute(first)
    return where(signbit(detach(second)), neg(size), size)


def power_of_two(exponent: Node, like: Node) -> Node:
    """``2 ** exponent`` (int32) in the dtype of ``like``, exactly: a factor for each bit."""
    negative, size = lt(exponent, 0), absolute(exponent)
    result = full_like(like, 1.0)
    for bit in range(EXPONENT_BITS[like.dtype is float64]):
        there = ne(node(ops.AND, (size, full_like(size, 1 << bit))), 0)
        up = math.inf if bit == 10 else 2.0 ** (1 << bit)
        factor = where(negative, full_like(like, 2.0 ** -(1 << bit)), full_like(like, up))
        result = where(there, mul(result, factor), result)
    return result


def frexp(x: Node) -> tuple[Node, Node]:
    """``(mantissa, exponent)``: a magnitude in [0.5, 1) and int32, ``x = mantissa * 2**exponent``.
    0, infinity and NaN have the exponent 0."""
    require_float("frexp", x)
    wide = widened(x)
    exponent = _exponent(detach(wide))
    half = node(ops.DIV, (exponent, full_like(exponent, 2)))
    scale = [power_of_two(neg(part), wide) for part in (half, sub(exponent, half))]
    return cast(mul(mul(wide, scale[0]), scale[1]), x.dtype), exponent


def _exponent(x: Node) -> Node:
    """int32 ``e`` so that ``|x|`` lies in [2**(e-1), 2**e): guessed from a logarithm, and set
    right."""
    limit, lift = SMALL[x.dtype is float64]
    size = absolute(x)
    tiny = lt(size, limit)
    size = where(tiny, mul(size, 2.0**lift), size)
    regular = logical_and(gt(size, 0.0), lt(size, math.inf))
    size = where(regular, size, 0.5)
    guess = cast(add(floor(mul(log(size), 1.0 / math.log(2.0))), 1.0), int32)
    half = node(ops.DIV, (guess, full_like(guess, 2)))
    scaled = mul(size, power_of_two(neg(half), x))
    scaled = mul(scaled, power_of_two(sub(half, guess), x))
    off = sub(cast(lt(0.9999999999999999, scaled), int32), cast(lt(scaled, 0.5), int32))
    found = sub(add(guess, off), mul(cast(tiny, int32), lift))
    return where(regular, found, 0)


def ldexp(x: Node, exponent: Operand) -> Node:
    """``x * 2 ** exponent``; the power of two is exact, where the exponent is an integer."""
    if not isinstance(exponent, Node) and not float(exponent).is_integer():
        return mul(x, 2.0**exponent)
    first, second = float_pair("ldexp", x, exponent)
    limit = 1 << EXPONENT_BITS[True]
    held = where(lt(second, -limit), -limit, where(lt(limit, second), limit, second))
    whole = floor(detach(held))
    wide = widened(first)
    scale = power_of_two(cast(whole, int32), wide)
    rest = node(ops.EXP, (mul(widened(sub(second, whole)), math.log(2.0)),))
    scaled = mul(scale, where(isinf(second), 1.0, rest))
    return cast(mul(wide, scaled), first.dtype)


def nextafter(left: Operand, right: Operand) -> Node:
    """The float next to ``left`` on the way to ``right``."""
    first, second = float_pair("nextafter", left, right)
    digits, smallest, _ = FORMATS[first.dtype]
    wide, goal = detach(widened(first)), detach(widened(second))
    exponent = _exponent(wide)
    size = absolute(wide)
    outward = logical_or(eq(wide, 0.0), ne(lt(wide, goal), lt(wide, 0.0)))
    power = eq(size, power_of_two(sub(exponent, 1), wide))
    inward_step = logical_and(power, ne(outward, True))
    place = sub(sub(exponent, digits), cast(inward_step, int32))
    place = where(logical_or(lt(place, smallest), eq(wide, 0.0)), smallest, place)
    step = power_of_two(place, wide)
    moved = where(outward, add(size, step), sub(size, step))
    moved = where(isinf(wide), first.dtype.largest, moved)
    negative = where(eq(wide, 0.0), lt(goal, 0.0), lt(wide, 0.0))
    value = where(eq(wide, goal), goal, where(negative, neg(moved), moved))
    value = where(logical_or(isnan(wide), isnan(goal)), math.nan, value)
    return flat(cast(value, first.dtype), first, second)
