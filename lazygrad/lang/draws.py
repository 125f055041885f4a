"""Random numbers whose distribution tensors say, and choices by weight.

They need logarithms, which devices round in ways of their own: the last bits may differ.
"""

from __future__ import annotations

import math

from lazygrad import ops
from lazygrad.element_types import DType, accumulator, float32, float64, int64
from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.graph import Node, node
from lazygrad.lang.elementwise import add, clamp, detach, div, log, minimum, mul, neg, tan
from lazygrad.lang.movement import broadcast_to, narrow
from lazygrad.lang.operands import cast, full_like, require_float, widened
from lazygrad.lang.random import normal, uniform
from lazygrad.lang.reduce import argmin, cumsum
from lazygrad.lang.rounding import floor
from lazygrad.lang.sort import order, search
from lazygrad.lang.threefry import random_words, top_bits
from lazygrad.shape import Shape


def bernoulli(key: Node, probability: Node, dtype: DType) -> Node:
    """1 with ``probability``, else 0."""
    require_float("bernoulli", probability)
    wide = widened(detach(probability))
    drawn = uniform(key, probability.shape, wide.dtype)
    return cast(node(ops.LT, (drawn, wide)), dtype)


def _inside(key: Node, shape: Shape, dtype: DType) -> Node:
    """Evenly distributed in (0, 1), neither of which comes up: for logarithms."""
    high, low = random_words(key, shape)
    if dtype is float64:
        upper = mul(cast(top_bits(high, 26), dtype), 2.0**26)
        return mul(add(add(upper, cast(top_bits(low, 26), dtype)), 0.5), 2.0**-52)
    return mul(add(cast(top_bits(high, 23), dtype), 0.5), 2.0**-23)


def exponential(key: Node, shape: Shape, dtype: DType, rate: float) -> Node:
    """Exponentially distributed with this rate, above 0."""
    drawn = neg(log(_inside(key, shape, accumulator(dtype))))
    return cast(mul(drawn, 1.0 / rate), dtype)


def geometric(key: Node, shape: Shape, dtype: DType, probability: float) -> Node:
    """The number of trials up to the first success, of at least 1."""
    wide = accumulator(dtype) if dtype.is_floating_point else float32
    drawn = log(_inside(key, shape, wide))
    if probability == 1:
        return cast(full_like(drawn, 1), dtype)
    return cast(add(floor(mul(drawn, 1.0 / math.log1p(-probability))), 1.0), dtype)


def cauchy(key: Node, shape: Shape, dtype: DType, median: float, sigma: float) -> Node:
    """Cauchy distributed about ``median``."""
    angle = mul(add(_inside(key, shape, accumulator(dtype)), -0.5), math.pi)
    return cast(add(mul(tan(angle), sigma), median), dtype)


def log_normal(key: Node, shape: Shape, dtype: DType, mean: float, std: float) -> Node:
    """Numbers whose logarithms are normal with this mean and deviation."""
    drawn = normal(key, shape, accumulator(dtype), mean, std)
    return cast(node(ops.EXP, (drawn,)), dtype)


def multinomial(key: Node, weights: Node, count: int, replacement: bool) -> Node:
    """int64: ``count`` places along the last dim, each as likely as its share of the weights.

    Without replacement they are those of the ``count`` smallest of independent exponential numbers
    whose rates are the weights.

    Raises:
        ShapeError: for a scalar, or more than two dims.
        ValueRangeError: for more than there are, without replacement; for none.
    """
    require_float("multinomial", weights)
    if weights.ndim not in (1, 2):
        raise ShapeError(f"[multinomial] needs 1 or 2 dims, got shape {weights.shape}")
    size = weights.shape[-1]
    if count < 1 or not size or (count > size and not replacement):
        raise ValueRangeError(
            f"[multinomial] num_samples must be from 1 to {size} without replacement, got {count}"
        )
    wide = widened(detach(weights))
    if not replacement:
        drawn = div(exponential(key, wide.shape, wide.dtype, 1.0), wide)
        if count == 1:
            return argmin(drawn, wide.ndim - 1, keepdim=True)
        return order(drawn, count=count)
    total = cumsum(wide, wide.ndim - 1)
    whole = narrow(total, -1, size - 1, 1)
    drawn = mul(uniform(key, (*wide.shape[:-1], count), wide.dtype), whole)
    below = mul(whole, 1.0 - 2.0**-23)  # a product may be rounded up to the whole
    place = search(total, minimum(drawn, broadcast_to(below, drawn.shape)), right=True)
    return cast(clamp(place, 0, size - 1), int64)
