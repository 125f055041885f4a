"""The categorical distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lazygrad.distributions.distribution import Distribution, one_of
from lazygrad.errors import ShapeError
from lazygrad.functional.random import rand
from lazygrad.public import public
from lazygrad.tensor_class import Tensor


class Categorical(Distribution):
    """A class from 0 on, with probabilities along the last dim: ``probs``, which are divided by
    their sum, or softmax of ``logits``.

    >>> die = lazygrad.distributions.Categorical(logits=lazygrad.zeros(6))
    >>> die.sample((3,)).shape, die.entropy().realize(), die.log_prob(Tensor(2)).realize()
    ((3,), Tensor(1.7918), Tensor(-1.7918))
    """

    @public
    def __init__(
        self,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        one_of("Categorical", probs, logits)
        given: Any = probs if probs is not None else logits
        if not given.shape:
            raise ShapeError("[Categorical] needs at least one dim, of classes, got a scalar")
        if probs is not None:
            self.probs = probs / probs.sum(-1, keepdim=True)
            tiny = self.probs.dtype.eps
            self.logits = self.probs.clamp(tiny, 1 - tiny).log()
        else:
            self.logits = given - given.logsumexp(-1, keepdim=True)
            self.probs = self.logits.softmax(-1)
        super().__init__(given.shape[:-1])

    @property
    def mode(self) -> Tensor:
        """The most probable class."""
        return self.probs.argmax(-1)

    @public
    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """int64 of shape ``(*sample_shape, *batch_shape)``: the largest of the logits with noise
        of Gumbel's distribution (Gumbel 1954)."""
        logits = self.logits.detach()
        like: Any = {"dtype": logits.dtype, "device": logits.device}
        even = rand((*sample_shape, *logits.shape), **like)
        tiny = logits.dtype.eps * 0.5
        return (logits - (-(even + tiny).log()).log()).argmax(-1)

    @public
    def log_prob(self, value: Tensor) -> Tensor:
        """Of classes of shape ``(*, *batch_shape)``."""
        index = value.long().unsqueeze(-1)
        spread = self.logits.expand(*index.shape[:-1], self.logits.shape[-1])
        return spread.gather(-1, index.expand(*spread.shape[:-1], 1)).squeeze(-1)

    def entropy(self) -> Tensor:
        lowest = -math.inf
        finite = self.logits.where(self.logits > lowest, 0.0)
        return -(finite * self.probs).sum(-1)
