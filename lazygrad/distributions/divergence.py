"""How far distributions are from each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from lazygrad.distributions.bernoulli import Bernoulli
from lazygrad.distributions.categorical import Categorical
from lazygrad.distributions.distribution import Distribution
from lazygrad.distributions.normal import Normal
from lazygrad.distributions.uniform import Uniform
from lazygrad.errors import ArgumentError
from lazygrad.functional.activation import softplus
from lazygrad.tensor_class import Tensor


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """The Kullback-Leibler divergence of ``q`` from ``p``, in nats; shape of the batches together.

    Raises:
        ArgumentError: for two kinds for which there is no closed form here.

    >>> p = lazygrad.distributions.Normal(0.0, 1.0)
    >>> lazygrad.distributions.kl_divergence(p, lazygrad.distributions.Normal(2.0, 1.0)).item()
    2.0
    """
    rule = RULES.get((type(p), type(q)))
    if rule is None:
        raise ArgumentError(
            f"[kl_divergence] there is no rule for {type(p).__name__} and {type(q).__name__}; "
            "estimate it, as by (p.log_prob(x) - q.log_prob(x)).mean() over x = p.sample((n,))"
        )
    return rule(p, q)


def _normals(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale).square()
    distance = ((p.loc - q.loc) / q.scale).square()
    return 0.5 * (ratio + distance - 1 - ratio.log())


def _uniforms(p: Uniform, q: Uniform) -> Tensor:
    ratio = ((q.high - q.low) / (p.high - p.low)).log()
    return ratio.where((q.low <= p.low) & (p.high <= q.high), math.inf)


def _bernoullis(p: Bernoulli, q: Bernoulli) -> Tensor:
    yes = softplus(-q.logits) - softplus(-p.logits)
    no = softplus(q.logits) - softplus(p.logits)
    return p.probs * yes + (1 - p.probs) * no


def _categoricals(p: Categorical, q: Categorical) -> Tensor:
    return (p.probs * (p.logits - q.logits)).sum(-1)


RULES: Mapping[tuple[type, type], Callable[[Any, Any], Tensor]] = {
    (Normal, Normal): _normals,
    (Uniform, Uniform): _uniforms,
    (Bernoulli, Bernoulli): _bernoullis,
    (Categorical, Categorical): _categoricals,
}
