"""Norms and distances."""

from __future__ import annotations

import math

from lazygrad.element_types import DType
from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.graph import Node
from lazygrad.lang.comparison import eq, gt, ne
from lazygrad.lang.elementwise import (
    abs as absolute,
    add,
    clamp,
    detach,
    div,
    maximum,
    mul,
    sign,
    sloped,
    sqrt,
    square,
    sub,
    where,
)
from lazygrad.lang.movement import broadcast_to, unsqueeze
from lazygrad.lang.operands import cast, require_float, to_float, widened
from lazygrad.lang.reduce import Axes, amax, amin, sum as sum_over
from lazygrad.lang.transcendental import pow
from lazygrad.shape import broadcast, normalize_axes, normalize_axis


def vector_norm(
    x: Node, p: float, axes: Axes = None, keepdim: bool = False, dtype: DType | None = None
) -> Node:
    """The ``p``-norm over ``axes``: ``sum(|x| ** p) ** (1 / p)``; the largest magnitude for inf,
    the smallest for -inf, the number of elements that are not 0 for 0.

    Its derivative is 0 where it is 0, and by elements that are 0 if ``p`` is below 2.
    """
    x = x if dtype is None else cast(x, dtype)
    require_float("norm", x)
    reduced = normalize_axes("norm", axes, x.ndim)
    return cast(_norm(widened(x), p, reduced, keepdim), x.dtype)


def _norm(x: Node, p: float, axes: Axes, keepdim: bool) -> Node:
    if abs(p) == math.inf:
        return (amax if p > 0 else amin)(absolute(x), axes, keepdim)
    if p == 0:
        return sum_over(absolute(sign(x)), axes, keepdim)
    if p == 1:
        return sum_over(absolute(x), axes, keepdim)
    if p == 2:
        total = sum_over(square(x), axes, keepdim)
        root = sqrt(total)
        apart = ne(total, 0.0)
        slope = where(apart, div(0.5, where(apart, root, 1.0)), 0.0)
        return sloped(root, (total, slope))
    return _power_of(sum_over(_power_of(absolute(x), p), axes, keepdim), 1.0 / p)


def _power_of(x: Node, exponent: float) -> Node:
    """``x ** exponent`` of what is not negative, without a derivative at 0."""
    zero = eq(x, 0.0)
    at_zero = 0.0 if exponent > 0 else math.inf
    return where(zero, at_zero, pow(where(zero, 1.0, x), exponent))


def cdist(left: Node, right: Node, p: float) -> Node:
    """The ``p``-norms of the differences of all rows: (.., P, M) and (.., R, M) to (.., P, R).

    Raises:
        ShapeError: for rows of different lengths.
        ValueRangeError: for a negative ``p``.
    """
    if p < 0:
        raise ValueRangeError(f"[cdist] p must not be negative, got {p}")
    if left.ndim < 2 or right.ndim < 2 or left.shape[-1] != right.shape[-1]:
        raise ShapeError(
            f"[cdist] needs rows of one length, got shapes {left.shape} and {right.shape}"
        )
    return vector_norm(sub(unsqueeze(left, -2), unsqueeze(right, -3)), p, -1)


def cosine_similarity(left: Node, right: Node, dim: int, eps: float) -> Node:
    """The cosine of the angle between vectors along ``dim``; no length counts as less than
    ``eps``."""
    left, right = to_float(left), to_float(right)
    shape = broadcast("cosine_similarity", left.shape, right.shape)
    axis = normalize_axis("cosine_similarity", dim, len(shape))
    left, right = widened(broadcast_to(left, shape)), widened(broadcast_to(right, shape))
    unit_left, unit_right = (
        div(x, clamp(_norm(x, 2, axis if x.ndim else None, True), eps)) for x in (left, right)
    )
    return sum_over(mul(unit_left, unit_right), axis if shape else None)


def normalize(x: Node, p: float, axes: Axes, eps: float) -> Node:
    """``x`` divided by its ``p``-norm over ``axes``, or by ``eps`` where that is smaller."""
    return div(x, maximum(vector_norm(x, p, axes, keepdim=True), eps))


def pairwise_distance(x: Node, y: Node, p: float, eps: float, keepdim: bool = False) -> Node:
    """The ``p``-norm over the last dim of ``x - y + eps``."""
    return vector_norm(add(sub(x, y), eps), p, -1, keepdim)


def renorm(x: Node, p: float, dim: int, maxnorm: float) -> Node:
    """Slices along ``dim`` scaled so that none has a ``p``-norm above ``maxnorm``."""
    axis = normalize_axis("renorm", dim, x.ndim)
    others = [d for d in range(x.ndim) if d != axis]
    size = vector_norm(x, p, others, keepdim=True)
    return mul(x, where(gt(detach(size), maxnorm), div(maxnorm, add(size, 1e-7)), 1.0))
