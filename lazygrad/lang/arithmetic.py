"""Functions of each element or pair that are a few steps of arithmetic, and take care of 0,
infinity and NaN."""

from __future__ import annotations

import math
from collections.abc import Callable

from lazygrad import ops
from lazygrad.element_types import FLOAT, float64, int32
from lazygrad.errors import DtypeError
from lazygrad.graph import Node, node
from lazygrad.lang.comparison import eq, ge, isnan, le, logical_and, logical_not, logical_or, lt
from lazygrad.lang.elementwise import (
    abs as absolute,
    add,
    clamp,
    detach,
    div,
    exp,
    log,
    maximum,
    minimum,
    mul,
    scaled,
    sin,
    sloped,
    sqrt,
    square,
    sub,
    where,
)
from lazygrad.lang.floats import power_of_two
from lazygrad.lang.operands import (
    Operand,
    cast,
    float_pair,
    pair,
    require_not_bool,
    to_float,
    widened,
    zeros_like,
)
from lazygrad.lang.rounding import floor
from lazygrad.lang.transcendental import (
    EXACT_ORDERS,
    in_wide,
    log1p,
    logaddexp,
    magnitude,
    pow,
)

# Of Euclid's algorithm, for the neighbours among Fibonacci's numbers that a dtype holds.
EUCLID_STEPS = {1: 13, 2: 24, 4: 47, 8: 93}
BEYOND = 2048  # a power of two that no float has


def rsub(left: Node, right: Operand) -> Node:
    """``right - left``"""
    return sub(right, left)


def positive(x: Node) -> Node:
    """``x`` itself; not defined for bool."""
    require_not_bool("positive", x)
    return x


def deg2rad(x: Node) -> Node:
    """Degrees as radians."""
    return mul(to_float(x), math.pi / 180.0)


def rad2deg(x: Node) -> Node:
    """Radians as degrees."""
    return mul(to_float(x), 180.0 / math.pi)


def float_power(base: Operand, exponent: Operand) -> Node:
    """``base ** exponent`` in float64."""
    held = [cast(x, float64) if isinstance(x, Node) else float(x) for x in (base, exponent)]
    return pow(*held)


def addcmul(x: Node, left: Operand, right: Operand, value: float) -> Node:
    """``x + value * left * right``"""
    return add(x, scaled(mul(left, right), value))


def addcdiv(x: Node, left: Operand, right: Operand, value: float) -> Node:
    """``x + value * left / right``"""
    return add(x, div(scaled(left, value), right))


# -- exponentials and logarithms -------------------------------------------------------------------


def exp2(x: Node) -> Node:
    """2 to the power of each element; exact where that is whole."""

    def wide(x: Node) -> Node:
        whole = floor(clamp(detach(x), -BEYOND, BEYOND))
        fraction = exp(mul(sub(x, whole), math.log(2.0)))
        return mul(fraction, power_of_two(cast(whole, int32), x))

    return in_wide(x, wide)


def logaddexp2(left: Operand, right: Operand) -> Node:
    """``log2(2**left + 2**right)`` without overflow."""
    first, second = float_pair("logaddexp2", left, right)
    scaled = (mul(widened(x), math.log(2.0)) for x in (first, second))
    return cast(mul(logaddexp(*scaled), 1.0 / math.log(2.0)), first.dtype)


def xlogy(left: Operand, right: Operand) -> Node:
    """``left * log(right)``; 0 where ``left`` is 0, unless ``right`` is NaN."""
    return _x_log("xlogy", left, right, log, 0.0)


def xlog1py(left: Operand, right: Operand) -> Node:
    """``left * log(1 + right)``; 0 where ``left`` is 0, unless ``right`` is NaN."""
    return _x_log("xlog1py", left, right, log1p, -1.0)


def _x_log(
    op: str, left: Operand, right: Operand, logarithm: Callable[[Node], Node], pole: float
) -> Node:
    first, second = float_pair(op, left, right)
    finite = logical_and(lt(pole, second), lt(second, math.inf))
    nothing = logical_and(eq(first, 0.0), logical_not(logical_or(finite, isnan(second))))
    x, y = widened(first), widened(where(nothing, pole + 1.0, second))
    return cast(mul(x, logarithm(y)), first.dtype)


def logit(x: Node, eps: float | None = None) -> Node:
    """``log(x / (1 - x))``, the inverse of ``sigmoid``; ``x`` is limited to [eps, 1 - eps]."""

    def wide(x: Node) -> Node:
        return sub(log(x), log1p(mul(x, -1.0)))

    return in_wide(x if eps is None else clamp(to_float(x), eps, 1.0 - eps), wide)


def entr(x: Node) -> Node:
    """``-x * log(x)``; 0 at 0, -inf below."""

    def wide(x: Node) -> Node:
        held = where(lt(0.0, x), x, 1.0)
        value = where(
            eq(x, 0.0), 0.0, where(lt(x, 0.0), -math.inf, mul(mul(held, -1.0), log(held)))
        )
        return where(isnan(x), x, value)

    return in_wide(x, wide)


def sinc(x: Node) -> Node:
    """``sin(pi * x) / (pi * x)``, 1 at 0."""
    return in_wide(x, lambda wide: sine_ratio(mul(wide, math.pi)))


def sine_ratio(x: Node) -> Node:
    """``sin(x) / x``, 1 at 0."""

    def wide(x: Node) -> Node:
        zero = eq(x, 0.0)
        angle = where(zero, 1.0, x)
        return where(zero, 1.0, div(sin(angle), angle))

    return in_wide(x, wide)


# -- pairs -----------------------------------------------------------------------------------------


def hypot(left: Operand, right: Operand) -> Node:
    """``sqrt(left**2 + right**2)`` without overflow; infinite if one is, also beside NaN."""
    first, second = float_pair("hypot", left, right)
    x, y = widened(first), widened(second)
    across, up = magnitude(detach(x)), magnitude(detach(y))
    large, small = maximum(across, up), minimum(across, up)
    scale = where(logical_and(lt(0.0, large), lt(large, math.inf)), large, 1.0)
    value = mul(scale, sqrt(add(square(div(small, scale)), square(div(large, scale)))))
    infinite = logical_or(eq(across, math.inf), eq(up, math.inf))
    value = where(infinite, math.inf, value)
    found = value
    for _ in range(EXACT_ORDERS):
        share = where(lt(0.0, large), found, 1.0)
        found = sloped(value, (x, div(x, share)), (y, div(y, share)))
    return cast(found, first.dtype)


def fmax(left: Operand, right: Operand) -> Node:
    """The larger of two; the other where one is NaN. Of equals the first takes the gradient."""
    first, second = pair("fmax", left, right)
    return where(logical_or(ge(first, second), isnan(second)), first, second)


def fmin(left: Operand, right: Operand) -> Node:
    """The smaller of two; the other where one is NaN. Of equals the first takes the gradient."""
    first, second = pair("fmin", left, right)
    return where(logical_or(le(first, second), isnan(second)), first, second)


def heaviside(x: Node, values: Operand) -> Node:
    """0 below 0, 1 above it, and ``values`` at it."""
    first, second = pair("heaviside", detach(x), values)
    if isinstance(values, Node) and values.dtype is not x.dtype:
        raise DtypeError(
            f"[heaviside] dtypes {x.dtype.name} and {values.dtype.name} differ; cast one of them"
        )
    step = cast(lt(zeros_like(first), first), first.dtype)
    return where(eq(first, 0), detach(second), step)


def nan_to_num(
    x: Node, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Node:
    """Numbers for NaN and infinities; without one the largest and the smallest of the dtype."""
    if x.dtype.kind != FLOAT:
        return x
    high = x.dtype.largest if posinf is None else posinf
    low = x.dtype.lowest if neginf is None else neginf
    found = where(isnan(x), nan, x)
    found = where(eq(x, math.inf), high, found)
    return where(eq(x, -math.inf), low, found)


# -- integers --------------------------------------------------------------------------------------


def gcd(left: Operand, right: Operand) -> Node:
    """The greatest common divisor of integers, by Euclid's algorithm; 0 of two zeros."""
    first, second = _integers("gcd", left, right)
    return _gcd(absolute(first), absolute(second))


def lcm(left: Operand, right: Operand) -> Node:
    """The least common multiple of integers; 0 where one is 0."""
    first, second = _integers("lcm", left, right)
    divisor = _gcd(absolute(first), absolute(second))
    return absolute(mul(node(ops.DIV, (first, divisor)), second))


def _integers(op: str, left: Operand, right: Operand) -> tuple[Node, Node]:
    first, second = pair(op, left, right)
    if not first.dtype.is_integer:
        raise DtypeError(f"[{op}] needs integers, got {first.dtype.name}")
    return first, second


def _gcd(first: Node, second: Node) -> Node:
    for _ in range(EUCLID_STEPS[first.dtype.itemsize]):
        done = eq(second, 0)
        rest = node(ops.MOD, (first, second))  # 0 of a division by 0
        first, second = where(done, first, second), rest
    return first
