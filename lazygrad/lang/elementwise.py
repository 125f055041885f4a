"""Arithmetic on elements. Operands are Nodes or Python scalars; they promote and broadcast."""

from __future__ import annotations

from typing import Any, TypeGuard

from lazygrad import ops
from lazygrad.element_types import BOOL, FLOAT, DType, bool_ as bool_dtype, default_int, of_scalar
from lazygrad.errors import DtypeError
from lazygrad.graph import Node, Scalar, const, node
from lazygrad.lang.movement import broadcast_to
from lazygrad.lang.operands import (
    Operand,
    brought,
    cast,
    common_dtype,
    constant,
    float_pair,
    full_like,
    pair,
    require_not_bool,
    to_float,
    zeros_like,
)
from lazygrad.shape import broadcast
from lazygrad.symbolic import Symbolic

Slope = tuple[Node, Node]  # an operand, and the derivative by it


def add(left: Operand, right: Operand) -> Node:
    """``left + right``; of bools: or."""
    return node(ops.ADD, pair("add", left, right, wraps=True))


def sub(left: Operand, right: Operand) -> Node:
    """``left - right``; not defined for two bools."""
    first, second = pair("sub", left, right, wraps=True)
    require_not_bool("sub", first)
    return node(ops.ADD, (first, neg(second)))


def mul(left: Operand, right: Operand) -> Node:
    """``left * right``; of bools: and."""
    return node(ops.MUL, pair("mul", left, right, wraps=True))


def scaled(x: Any, factor: Any) -> Any:
    """``x * factor``, of a Node or a number; ``x`` itself where that is 1. A symbolic number is not
    looked at."""
    if type(factor) is not Symbolic and factor == 1:
        return x
    return mul(x, factor) if isinstance(x, Node) else x * factor


def div(left: Operand, right: Operand) -> Node:
    """True division; integers and bools give float32."""
    return node(ops.DIV, float_pair("div", left, right))


def neg(x: Node) -> Node:
    """``-x``; wraps around for unsigned integers."""
    require_not_bool("neg", x)
    return node(ops.MUL, (x, full_like(x, -1)))


def reciprocal(x: Node) -> Node:
    """``1 / x``"""
    return div(1.0, x)


def maximum(left: Operand, right: Operand) -> Node:
    """The larger of two; NaN if either is NaN. A tie shares its gradient evenly."""
    return node(ops.MAX, pair("maximum", left, right))


def minimum(left: Operand, right: Operand) -> Node:
    """The smaller of two; NaN if either is NaN. A tie shares its gradient evenly."""
    first, second = pair("minimum", left, right)
    return reversed_order(node(ops.MAX, (reversed_order(first), reversed_order(second))))


def reversed_order(x: Node) -> Node:
    """A bijection that reverses the order of values, its own inverse: minima become maxima.

    Integers take the bitwise complement, because the smallest one has no negative.
    """
    if x.dtype.kind == FLOAT:
        return neg(x)
    return node(ops.XOR, (x, full_like(x, True if x.dtype.kind == BOOL else -1)))


def exp(x: Node) -> Node:
    """``e`` to the power of each element."""
    return node(ops.EXP, (to_float(x),))


def log(x: Node) -> Node:
    """Natural logarithm; -inf at 0, NaN below."""
    return node(ops.LOG, (to_float(x),))


def sin(x: Node) -> Node:
    """Sine of radians."""
    return node(ops.SIN, (to_float(x),))


def cos(x: Node) -> Node:
    """Cosine through the half angle, which is exact to halve: a shift by a quarter turn would
    lose the digits of large ``x``."""
    half = sin(mul(x, 0.5))
    return sub(1.0, mul(2.0, mul(half, half)))


def tan(x: Node) -> Node:
    """Tangent of radians."""
    return div(sin(x), cos(x))


def sqrt(x: Node) -> Node:
    """Square root; NaN below 0."""
    return node(ops.SQRT, (to_float(x),))


def rsqrt(x: Node) -> Node:
    """``1 / sqrt(x)``"""
    return div(1.0, sqrt(x))


def square(x: Node) -> Node:
    """``x * x``; of bools int64."""
    x = x if x.dtype.kind != BOOL else cast(x, default_int)
    return mul(x, x)


def abs(x: Node) -> Node:
    """Magnitude, never -0.0; the derivative at 0 is 0."""
    require_not_bool("abs", x)
    if not x.dtype.is_signed:
        return x
    size = node(ops.MAX, (x, neg(x)))
    if x.dtype.kind != FLOAT:
        return size
    return node(ops.WHERE, (node(ops.NE, (x, full_like(x, 0))), size, full_like(x, 0)))


def sign(x: Node) -> Node:
    """-1, 0 or 1; 0 for NaN, as in PyTorch."""
    zero = full_like(x, 0)
    if x.dtype.kind == BOOL:
        return x
    negative = node(ops.WHERE, (node(ops.LT, (x, zero)), full_like(x, -1), zero))
    value = node(ops.WHERE, (node(ops.LT, (zero, x)), full_like(x, 1), negative))
    return flat(value, x)


def lerp(start: Node, end: Operand, weight: Operand) -> Node:
    """``start + weight * (end - start)``; from the end where that is nearer, so that a weight of 1
    gives it exactly."""
    way = sub(end, start)
    if not isinstance(weight, Node):
        if -0.5 < weight < 0.5:
            return add(start, mul(way, weight))
        return sub(end, mul(way, 1 - weight))
    size = abs(detach(weight))
    near = node(ops.LT, (size, full_like(size, 0.5)))
    from_start, from_end = add(start, mul(weight, way)), sub(end, mul(way, sub(1, weight)))
    return where(near, from_start, from_end)


def where(condition: Node, left: Operand, right: Operand) -> Node:
    """``left`` where ``condition`` (bool) holds, else ``right``.

    Raises:
        DtypeError: if the condition is not bool.
    """
    if condition.dtype is not bool_dtype:
        raise DtypeError(f"[where] the condition must be bool, got {condition.dtype.name}")
    if not isinstance(left, Node) and not isinstance(right, Node):
        dtype = _dtype_of_scalars(left, right)
        shape = condition.shape
        first = const(left, dtype, shape, condition.device)
        second = const(right, dtype, shape, condition.device)
    else:
        first, second = pair("where", left, right)
        shape = broadcast("where", condition.shape, first.shape)
    return node(
        ops.WHERE,
        (broadcast_to(condition, shape), broadcast_to(first, shape), broadcast_to(second, shape)),
    )


def _dtype_of_scalars(left: Scalar, right: Scalar) -> DType:
    """torch.where(condition, 1, 2.0) is float32, as any operation on two numbers."""
    from_left, from_right = of_scalar(left), of_scalar(right)
    return from_left if from_left.kind >= from_right.kind else from_right


def clamp(x: Node, min: Operand | None = None, max: Operand | None = None) -> Node:
    """``x`` limited to [min, max]; where ``min > max``, ``max``. NaN stays NaN.

    The gradient flows where ``min <= x <= max``. A bound beyond what an integer dtype holds limits
    nothing; on the wrong side, its values cannot be held, which is an error.
    """
    if min is None and max is None:
        raise DtypeError("[clamp] needs min, max or both")
    bounds = [bound for bound in (min, max) if bound is not None]
    dtype = common_dtype("clamp", (x, *bounds))
    if dtype.is_integer:
        min = None if _is_number(min) and min < dtype.min else min
        max = None if _is_number(max) and max > dtype.max else max
        bounds = [bound for bound in (min, max) if bound is not None]
    x, *limits = brought("clamp", dtype, (x, *bounds))
    value = proxy = x
    if min is not None:
        value = node(ops.MAX, (x, limits[0]))
        proxy = node(ops.WHERE, (node(ops.LT, (x, limits[0])), limits[0], x))
    if max is not None:
        proxy = node(ops.WHERE, (node(ops.LT, (limits[-1], value)), limits[-1], proxy))
        larger = node(ops.MAX, (reversed_order(value), reversed_order(limits[-1])))
        value = reversed_order(larger)
    return surrogate(value, proxy)


def _is_number(bound: Operand | None) -> TypeGuard[Scalar]:
    return bound is not None and not isinstance(bound, Node)


def masked_fill(x: Node, mask: Node, value: Operand) -> Node:
    """``value`` where ``mask`` (bool) holds, in the dtype of ``x``: it loses its fraction there."""
    if not isinstance(value, Node):
        return where(mask, constant("masked_fill", value, x.dtype, x), x)
    return where(mask, cast(value, x.dtype), x)


def detach(x: Node) -> Node:
    """``x`` as a constant to derivatives, whatever they are taken by."""
    return node(ops.DETACH, (x,))


def without_history(x: Node) -> Node:
    """``x`` for a handle that no leaf is to be reached from; as it is where there is none."""
    return detach(x) if x.tracked else x


def contiguous(x: Node) -> Node:
    """``x``, to be written to memory of its own."""
    return node(ops.CONTIGUOUS, (x,))


def copy_to(x: Node, device: str) -> Node:
    """``x`` on another device."""
    return x if x.device == device else node(ops.COPY, (x,), device)


def surrogate(value: Node, proxy: Node) -> Node:
    """The value of ``value`` with the derivative of ``proxy``, which is never computed.

    It is there whether a leaf that requires a gradient lies below or not: derivatives can be taken
    by any node. Plans drop it.
    """
    return node(ops.SURROGATE, (value, proxy))


def sloped(value: Node, *parts: Slope) -> Node:
    """``value``, whose derivative by each ``x`` of ``parts`` is the ``slope`` beside it.

    For derivatives that composed ones miss, as where 0 meets infinity. Slopes are graphs like any
    other, so that they can be differentiated again.
    """
    proxy: Node | None = None
    for x, slope in parts:
        part = node(ops.SLOPE, (x, slope))
        proxy = part if proxy is None else node(ops.ADD, (proxy, part))
    return value if proxy is None else surrogate(value, proxy)


def flat(value: Node, *operands: Node) -> Node:
    """``value``, computed in steps from ``operands``, of its shape: its derivative is 0, not
    absent, and stays 0 where an infinite one comes in."""
    if value.dtype.kind != FLOAT:
        return value
    proxy, never = zeros_like(value), full_like(value, False, bool_dtype)
    for x in operands:
        proxy = node(ops.WHERE, (never, cast(x, value.dtype), proxy))
    return surrogate(value, proxy)
