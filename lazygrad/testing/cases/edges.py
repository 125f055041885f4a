# ruff: noqa: E501 (tables: one line a case)
"""Values and derivatives where formulas meet 0, infinity or a count that half precision cannot hold.

The right derivatives are PyTorch's, written as formulas: what a composed one gives is no oracle.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lazygrad.backward import grad
from lazygrad.tensor_class import Tensor
from lazygrad.testing.conformance import Case, floats, these

WIDE = ("float32", "float64")
INF, NAN = math.inf, math.nan
BASES = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -2.0, 3.0, INF, -INF, NAN)
ROOTS = (0.5, -0.5, 1.5)
ROOT_BASES = tuple(x for x in BASES if x != -INF)  # a power of it is infinite, its root is NaN
EXPONENTS = (0, 1, 2, 3, -1, -2, -3, 2.5, -1.5, 0.3, INF, -INF, NAN)
PAIRS = [(x, y) for x in BASES for y in (0.0, 1.0, 2.0, 3.0, -1.0, -2.0, 0.5, 2.5, INF, -INF, NAN)]


def slopes(function: Callable[..., Tensor], weight: float = 1.0) -> Callable[..., Any]:
    """The value of ``function``, and the derivatives of its sum times ``weight`` by its floats."""

    def method(*inputs: Tensor) -> tuple[Tensor, ...]:
        sources = [x.requires_grad_() for x in inputs if x.is_floating_point()]
        value = function(*inputs)
        return (value.detach(), *_derivatives((value * weight).sum(), sources))

    return method


def second_slope(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The second derivative of an elementwise function."""

    def method(x: Tensor) -> Tensor:
        x.requires_grad_()
        (first,) = _derivatives(function(x).sum(), [x])
        return _derivatives(first.sum(), [x])[0]

    return method


def _derivatives(total: Tensor, sources: list[Tensor]) -> list[Tensor]:
    return [found for found in grad(total, sources, create_graph=True) if found is not None]


def _scalar_powers(name: str, bases: Sequence[float], exponents: Sequence[float]) -> Case:
    """Value and derivative for each exponent, in one plan."""

    def powers(x: Tensor) -> tuple[Tensor, ...]:
        return tuple(found for e in exponents for found in slopes(lambda t, e=e: t**e)(x))

    def oracle(x: Any) -> tuple[Any, ...]:
        return tuple(found for e in exponents for found in _powers(x, e)[:2])

    scale = 4 if 70 in exponents else 1  # the exponential of 70 * log(3)
    return Case(name, powers, oracle, (these(*bases),), WIDE, scale=scale)


def _powers(x: Any, y: Any) -> tuple[Any, Any, Any]:
    """``x ** y`` and its derivatives, as PyTorch defines them at 0."""
    value = np.power(x, y)
    by_base = np.where(y == 0, 0.0, y * np.power(x, np.subtract(y, 1.0)))
    return value, by_base, np.where((x == 0) & (y >= 0), 0.0, value * np.log(x))


def _cross_entropy(p: Any, t: Any) -> tuple[Any, Any, Any]:
    yes, no = np.maximum(np.log(p), -100), np.maximum(np.log1p(-p), -100)
    return -(t * yes + (1 - t) * no), (p - t) / np.maximum(p * (1 - p), 1e-12), no - yes


def _huber(x: Any, t: Any) -> tuple[Any, Any, Any]:
    gap = np.abs(x - t)
    slope = np.clip(x - t, -1, 1)
    return np.where(gap < 1, 0.5 * gap * gap, gap - 0.5), slope, -slope


def _attention(q: Any, k: Any, v: Any, mask: Any) -> tuple[Any, ...]:
    """Where a row of the mask forbids everything, its weights are 0."""
    factor = 1 / math.sqrt(q.shape[-1])
    powers = np.where(mask, np.exp(q @ k.T * factor), 0.0)
    weights = powers / np.where(mask.any(1, keepdims=True), powers.sum(1, keepdims=True), 1.0)
    above = np.ones((len(q), v.shape[1]))
    by_weight = above @ v.T
    scores = weights * (by_weight - (weights * by_weight).sum(1, keepdims=True)) * factor
    return weights @ v, scores @ k, scores.T @ q, weights.T @ above


def _biased(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    bias = (q.detach()[:, :3] * 0).where(mask, -INF)
    return q.scaled_dot_product_attention(k, v, attn_mask=bias)


MASK = these(1, 0, 1, 0, 0, 0, 1, 1, 1, 0, 1, 0, kind="bool", shape=(4, 3))
ATTENTION = (floats(4, 5), floats(3, 5), floats(3, 2), MASK)
BASE_AND_EXPONENT = tuple(these(*side) for side in zip(*PAIRS, strict=True))
AROUND_ZERO = (these(0.0, -0.0, 1.0, -2.0),)
POWERS = [
    _scalar_powers("pow_scalar_edges", BASES, EXPONENTS),
    _scalar_powers("pow_70_edges", BASES, (70,)),
    _scalar_powers("pow_root_edges", ROOT_BASES, ROOTS),
    Case("pow_edges", slopes(lambda x, y: x**y), _powers, BASE_AND_EXPONENT, WIDE, scale=4),
    Case("pow_signs", lambda x, y: 1 / x**y, lambda x, y: 1 / np.power(x, y), BASE_AND_EXPONENT, WIDE, scale=4),
    Case("pow_infinite_base", lambda x: x**1.5, lambda x: np.power(x, 1.5), (these(-INF, INF),), WIDE),
    Case("pow_2_second", second_slope(lambda x: x ** x.full_like(2.0)), lambda x: np.full_like(x, 2.0), AROUND_ZERO, WIDE),
    Case("pow_-2_second", second_slope(lambda x: x**-2), lambda x: 6 * x**-4.0, AROUND_ZERO, WIDE),
    Case("pow_1.5_second", second_slope(lambda x: x**1.5), lambda x: 0.75 / np.sqrt(x), (these(0.0, 1.0, 4.0),), WIDE),
]  # fmt: skip

BETWEEN = these(0.0, 1.0, 0.5, 0.25, 1.0, 0.0, 0.75), these(0.0, 1.0, 0.25, 1.0, 0.0, 1.0, 0.75)
STEPS: dict[str, Callable[..., Any]] = {
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "round": np.round,
    "sign": np.sign,
}


def _steps(x: Tensor) -> tuple[Tensor, ...]:
    """Each with an infinite derivative coming in."""
    return tuple(r for name in STEPS for r in slopes(lambda t, n=name: getattr(t, n)(), INF)(x))


SINGLES = [
    Case("bce_edges", slopes(lambda p, t: p.binary_cross_entropy(t, reduction="none")), _cross_entropy, BETWEEN, WIDE),
    Case("bce_saturated", slopes(lambda x: x.sigmoid().binary_cross_entropy(x.detach() * 0 + 1, reduction="sum")), lambda x: (np.array(100.0 * (x < 0).sum()), np.zeros_like(x)), (these(200.0, -200.0),)),
    Case("huber_edges", slopes(lambda x, t: x.huber_loss(t, reduction="none")), _huber, (these(0.0, 0.5, INF, -INF, 2.0), these(INF, 0.25, 1.0, 1.0, 2.0)), WIDE),
    Case("std_of_equals", slopes(lambda x: x.std(1)), lambda x: (np.zeros(2), np.zeros_like(x)), (these(*[3.0] * 6, shape=(2, 3)),), WIDE),
    Case("std_of_one", slopes(lambda x: x.std(0, correction=0)), lambda x: (np.zeros(2), np.zeros_like(x)), (these(3.0, -1.0, shape=(1, 2)),), WIDE),
    Case("attention_bool_mask", slopes(lambda q, k, v, m: q.scaled_dot_product_attention(k, v, attn_mask=m)), _attention, ATTENTION, WIDE),
    Case("attention_float_mask", slopes(_biased), _attention, ATTENTION, WIDE),
    Case("amax_of_many_equals", slopes(lambda x: (x * 0 + 1).reshape(1, -1).expand(70, 1000).contiguous().amax()), lambda x: (np.array(1.0), np.zeros_like(x)), (floats(1000),), ("float16", "bfloat16")),
    Case("avg_pool_large", lambda x: x.avg_pool2d(2), lambda x: np.full((1, 1, 1, 1), 60000.0), (these(*[60000.0] * 4, shape=(1, 1, 2, 2)),), ("float16",)),
    Case("kl_div_large", lambda x: x.kl_div(x * 0 + 1, reduction="batchmean"), lambda x: np.array(30000.0), (these(*[-30000.0] * 4),), ("float16",)),
    Case("max_pool_of_padding", lambda x: x.max_pool1d(2, 1, 1, return_indices=True), lambda x: (np.full((1, 1, 4), -INF), np.array([[[0, 0, 1, 2]]])), (these(-INF, -INF, -INF, shape=(1, 1, 3)),)),
    Case("logsumexp_of_nothing", lambda x: (x.logsumexp(1), x.logsumexp((0, 1))), lambda x: (np.full(3, -INF), np.array(-INF)), (floats(3, 0),)),
    Case("remainder_slopes", slopes(lambda x, y: x % y), lambda x, y: (np.mod(x, y), np.ones_like(x), -np.floor_divide(x, y)), (these(6.3, -6.3, 5.0), these(0.1, 0.1, -3.0)), ("float64",)),
    Case("rounded_quotient_slopes", slopes(lambda x: (x.detach() * 0 + 7).long().div(x, rounding_mode="floor")), lambda x: (np.floor(7 / x), np.zeros_like(x)), (these(2.0, -3.0),), WIDE),
    Case("add_zero_sign", lambda x: (1 / (x + 0.0), 1 / (0.0 + x), 1 / (x - 0.0), 1 / (x * 1.0)), lambda x: (1 / (x + 0.0), 1 / (x + 0.0), 1 / x, 1 / x), (these(0.0, -0.0),), WIDE),
    Case("log1p_zero_sign", lambda x: 1 / x.log1p(), lambda x: 1 / np.log1p(x), (these(0.0, -0.0),), WIDE),
    Case("atan2_zero_sign", lambda y, x: 1 / y.atan2(x), lambda y, x: 1 / np.arctan2(y, x), (these(0.0, -0.0, -0.0, -0.0), these(1.0, 1.0, 0.0, INF)), WIDE),
    Case("floor_divide_zero_sign", lambda x, y: 1 / x.floor_divide(y), lambda x, y: 1 / np.floor_divide(x, y), (these(0.0, -0.0, 0.0, -0.0, 0.3, 1.0), these(2.0, 2.0, -2.0, -2.0, 1.0, INF)), WIDE),
    Case("pad_sign", lambda x: 1 / x.pad((1, 1), value=-0.0), lambda x: np.array([-INF, INF, -INF]), (these(0.0),)),
    Case("steps_infinite", _steps, lambda x: tuple(r for f in STEPS.values() for r in (f(x), np.zeros_like(x))), (these(2.5, -0.5, 0.0, INF, -INF),), WIDE),
    Case("frac_infinite", slopes(lambda x: x.frac(), INF), lambda x: (x - np.trunc(x), np.full_like(x, INF)), (these(2.5, -0.5),), WIDE),
]  # fmt: skip
CASES = [*POWERS, *SINGLES]
