"""Activation functions."""

from __future__ import annotations

import math
from collections.abc import Callable

from lazygrad import ops
from lazygrad.element_types import DType, int64, require_fit
from lazygrad.errors import DtypeError, ShapeError, ValueRangeError
from lazygrad.graph import Node, node
from lazygrad.lang.comparison import eq, ge, gt, isfinite, le, logical_and, lt
from lazygrad.lang.creation import positions
from lazygrad.lang.elementwise import (
    add,
    clamp,
    detach,
    div,
    exp,
    log,
    mul,
    neg,
    sloped,
    sub,
    surrogate,
    where,
)
from lazygrad.lang.movement import aligned, narrow, reshape
from lazygrad.lang.operands import (
    cast,
    constant,
    require_float,
    to_float,
    widened,
    zeros_like,
)
from lazygrad.lang.reduce import Axes, amax, first_maximum, largest, sum as sum_over
from lazygrad.lang.transcendental import erf, expm1, log1p, sigmoid, softplus, tanh
from lazygrad.shape import normalize_axes, normalize_axis

TINY = 2.0**-126  # the smallest regular float32


def relu(x: Node) -> Node:
    """The larger of ``x`` and 0; its gradient at 0 is 0, and NaN stays NaN."""
    if x.dtype.kind == 0:
        raise DtypeError("[relu] is not defined for bool; cast it first")
    zero = zeros_like(x)
    value = node(ops.MAX, (x, zero))
    positive = node(ops.LT, (zero, value))
    return surrogate(value, node(ops.WHERE, (positive, x, zero)))


def relu6(x: Node) -> Node:
    """``x`` limited to [0, 6]"""
    return hardtanh(x, 0.0, 6.0)


def hardtanh(x: Node, min_val: float = -1.0, max_val: float = 1.0) -> Node:
    """``x`` limited to [min_val, max_val], with gradient 0 at the limits. Integers stay integers,
    and so do their limits."""
    if x.dtype.is_integer:
        for limit in (min_val, max_val):
            require_fit("hardtanh", limit, int64)
        return clamp(x, int(min_val), int(max_val))
    value = clamp(detach(x), min_val, max_val)
    inside = node(ops.AND, (gt(x, min_val), lt(x, max_val)))
    return surrogate(value, where(inside, cast(x, value.dtype), zeros_like(value)))


def leaky_relu(x: Node, negative_slope: float = 0.01) -> Node:
    """``x`` above 0, else ``negative_slope * x``"""
    return where(gt(x, 0), x, mul(x, negative_slope))


def sloped_below(x: Node, slopes: Node) -> Node:
    """``x`` above 0, else ``slopes * x``"""
    return where(gt(x, 0), x, mul(slopes, x))


def elu(x: Node, alpha: float = 1.0) -> Node:
    """``x`` above 0, else ``alpha * (exp(x) - 1)``"""
    x = to_float(x)
    positive = gt(x, 0)
    below = expm1(where(positive, 0.0, x))
    return where(positive, x, mul(below, alpha))


def selu(x: Node) -> Node:
    """``elu`` scaled so that activations normalise themselves."""
    return mul(elu(x, 1.6732632423543772), 1.0507009873554805)


def celu(x: Node, alpha: float = 1.0) -> Node:
    """``x`` above 0, else ``alpha * (exp(x / alpha) - 1)``

    Raises:
        ValueRangeError: for ``alpha`` 0.
    """
    if alpha == 0:
        raise ValueRangeError("[celu] alpha must not be 0")
    x = to_float(x)
    positive = gt(x, 0)
    below = expm1(div(where(positive, 0.0, x), alpha))
    return where(positive, x, mul(below, alpha))


def prelu(x: Node, weight: Node) -> Node:
    """``x`` above 0, else ``weight * x``, with one weight or one for each channel (dim 1).

    Raises:
        ShapeError: for another number of weights.
    """
    channels = 1 if x.ndim < 2 else x.shape[1]
    if weight.ndim > 1 or weight.size not in (1, channels):
        raise ShapeError(
            f"[prelu] weight must hold one number, or one for each of {channels} channels of "
            f"{x.shape}, not shape {weight.shape}"
        )
    if weight.size > 1:
        weight = aligned(weight, 1, x.ndim)
    elif weight.ndim:
        weight = reshape(weight, (1,) * x.ndim)
    return sloped_below(x, weight)


def threshold(x: Node, threshold: float, value: float) -> Node:
    """``x`` where it is above ``threshold``, else ``value``"""
    return where(le(x, threshold), constant("threshold", value, x.dtype, x), x)


def hardshrink(x: Node, lambd: float = 0.5) -> Node:
    """``x``, but 0 from ``-lambd`` to ``lambd``"""
    return where(logical_and(ge(x, -lambd), le(x, lambd)), zeros_like(x), x)


def softshrink(x: Node, lambd: float = 0.5) -> Node:
    """``x`` brought nearer to 0 by ``lambd``, and not beyond.

    Raises:
        ValueRangeError: for a negative ``lambd``.
    """
    if lambd < 0:
        raise ValueRangeError(f"[softshrink] lambd must not be negative, got {lambd}")
    outside = where(gt(x, lambd), sub(x, lambd), add(x, lambd))
    inside = logical_and(ge(x, -lambd), le(x, lambd))
    return where(inside, zeros_like(x), outside)


def tanhshrink(x: Node) -> Node:
    """``x - tanh(x)``"""
    wide = widened(x)
    return cast(sub(wide, tanh(wide)), to_float(x).dtype)


def glu(x: Node, dim: int = -1) -> Node:
    """``a * sigmoid(b)`` of the halves ``a`` and ``b`` of ``x`` along ``dim``.

    Raises:
        ShapeError: for a dim of odd size.
    """
    axis = normalize_axis("glu", dim, x.ndim)
    if x.ndim == 0 or x.shape[axis] % 2:
        raise ShapeError(f"[glu] needs an even size of dim {dim}, got shape {x.shape}")
    half = x.shape[axis] // 2
    return mul(narrow(x, axis, 0, half), sigmoid(narrow(x, axis, half, half)))


def silu(x: Node) -> Node:
    """``x * sigmoid(x)``, also called swish."""
    wide = widened(x)
    return cast(mul(wide, sigmoid(wide)), to_float(x).dtype)


def gelu(x: Node, approximate: str = "none") -> Node:
    """``x * Phi(x)`` with the normal distribution function, exact or by ``tanh``.

    Raises:
        ValueRangeError: for an approximation other than "none" and "tanh".
    """
    if approximate not in _GELU:
        raise ValueRangeError(f'[gelu] approximate must be "none" or "tanh", got {approximate!r}')
    wide = widened(x)
    return cast(mul(wide, _GELU[approximate](wide)), to_float(x).dtype)


def _phi(x: Node) -> Node:
    return mul(add(erf(mul(x, math.sqrt(0.5))), 1.0), 0.5)


def _phi_by_tanh(x: Node) -> Node:
    """``(1 + tanh(t)) / 2``, which is ``sigmoid(2 * t)`` without what cancels below 0."""
    inner = mul(x, add(mul(mul(x, x), 0.044715), 1.0))
    return sigmoid(mul(inner, 2.0 * math.sqrt(2.0 / math.pi)))


_GELU: dict[str, Callable[[Node], Node]] = {"none": _phi, "tanh": _phi_by_tanh}


def softsign(x: Node) -> Node:
    """``x / (1 + |x|)``"""
    x = to_float(x)
    size = where(lt(x, 0), mul(x, -1), x)
    return div(x, add(size, 1.0))


def mish(x: Node) -> Node:
    """``x * tanh(softplus(x))``"""
    wide = widened(x)
    return cast(mul(wide, tanh(softplus(wide))), to_float(x).dtype)


def hardsigmoid(x: Node) -> Node:
    """``(x + 3) / 6`` limited to [0, 1]"""
    return div(hardtanh(add(x, 3.0), 0.0, 6.0), 6.0)


def hardswish(x: Node) -> Node:
    """``x * hardsigmoid(x)``"""
    return mul(x, hardsigmoid(x))


# -- softmax -----------------------------------------------------------------------------------


def logsumexp(x: Node, axes: Axes, keepdim: bool = False) -> Node:
    """``log(sum(exp(x)))`` without overflow; -inf over nothing, or nothing but -inf."""
    wide = widened(x)
    reduced = normalize_axes("logsumexp", axes, x.ndim)
    shift = finite_largest(wide, reduced)
    total = log(sum_over(exp(sub(wide, shift)), reduced, keepdim=True))
    result = add(total, shift)
    if not keepdim:
        kept = [n for axis, n in enumerate(result.shape) if axis not in reduced]
        result = node(ops.RESHAPE, (result,), tuple(kept)) if reduced else result
    return cast(result, to_float(x).dtype)


def softmax(x: Node, dim: int, dtype: DType | None = None) -> Node:
    """``exp(x)`` scaled to sum 1 along ``dim``."""
    x = _floats("softmax", x, dtype)
    axis = normalize_axis("softmax", dim, x.ndim)
    wide = widened(x)
    powers = exp(centered(wide, axis))
    return cast(_shares(wide, powers, _total(powers, axis), axis), x.dtype)


def log_softmax(x: Node, dim: int, dtype: DType | None = None) -> Node:
    """``log(softmax(x))``, accurate where the softmax is near 0."""
    x = _floats("log_softmax", x, dtype)
    axis = normalize_axis("log_softmax", dim, x.ndim)
    shifted = centered(widened(x), axis)
    return cast(sub(shifted, log(_total(exp(shifted), axis))), x.dtype)


def safe_softmax(x: Node, dim: int) -> Node:
    """``softmax``, but 0 instead of NaN where everything along ``dim`` is -inf: forbidden."""
    axis = normalize_axis("softmax", dim, x.ndim)
    wide = widened(x)
    powers = exp(sub(wide, finite_largest(wide, axis)))
    total = _total(powers, axis)
    return cast(_shares(wide, powers, where(eq(total, 0.0), 1.0, total), axis), x.dtype)


def _shares(x: Node, powers: Node, total: Node, axis: int) -> Node:
    """The shares of ``powers``, of ``x``, in their ``total``. A change of ``x`` counts as often as
    its share, and so in the mean of all, which each loses: derivatives need shares alone."""
    value = div(powers, total)
    mean = _total(node(ops.SLOPE, (x, value)), axis)
    return sloped(value, (sub(x, mean), value))


def gumbel_softmax(x: Node, drawn: Node, tau: float, hard: bool, dim: int) -> Node:
    """``softmax((x + g) / tau)`` with the Gumbel noise g made of uniform numbers from [0, 1); with
    ``hard`` 1 at the largest and 0 elsewhere, with the derivative of the soft one."""
    axis = normalize_axis("gumbel_softmax", dim, x.ndim)
    # exponential numbers, never 0, whose logarithm would be infinite
    waits = clamp(neg(log1p(neg(drawn))), min=TINY)
    soft = softmax(div(sub(x, log(waits)), tau), axis)
    if not hard or x.ndim == 0:
        return soft
    first = eq(positions(soft, axis), first_maximum(soft, axis))
    return surrogate(cast(first, soft.dtype), soft)


def finite_largest(x: Node, axes: Axes) -> Node:
    """The largest value over ``axes`` (kept) as a constant to derivatives; 0 if infinite or NaN."""
    highest = largest(detach(x), axes, keepdim=True)
    return where(isfinite(highest), highest, 0.0)


def centered(x: Node, axis: int) -> Node:
    """``x`` minus its largest value along ``axis``, a shift to which softmax is indifferent."""
    if x.ndim == 0 or x.shape[axis] == 0:
        return sub(x, detach(x))
    return sub(x, amax(detach(x), axis, keepdim=True))


def _total(x: Node, axis: int) -> Node:
    return sum_over(x, axis, keepdim=True) if x.ndim else x


def _floats(op: str, x: Node, dtype: DType | None) -> Node:
    x = x if dtype is None else cast(x, dtype)
    require_float(op, x)
    return x
