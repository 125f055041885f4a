"""The Bernoulli distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lazygrad.distributions.distribution import Distribution, one_of, require, together
from lazygrad.functional.loss import binary_cross_entropy_with_logits
from lazygrad.functional.random import rand
from lazygrad.public import public
from lazygrad.tensor_class import Tensor


class Bernoulli(Distribution):
    """1 with probability ``probs``, or sigmoid of ``logits``; else 0.

    >>> coin = lazygrad.distributions.Bernoulli(probs=Tensor([0.25, 0.5]))
    >>> coin.log_prob(Tensor([1.0, 0.0])).realize(), coin.sample((5,)).shape
    (Tensor([-1.3863, -0.6931]), (5, 2))
    """

    @public
    def __init__(
        self,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        one_of("Bernoulli", probs, logits)
        if probs is not None:
            fits = isinstance(probs, Tensor) or 0 <= probs <= 1
            require("Bernoulli", "probs", probs, fits, "from 0 to 1")
            (self.probs,) = together("Bernoulli", probs)
            # 0 and 1 as close as the dtype comes to them: their logits stay finite
            tiny = self.probs.dtype.eps
            inside = self.probs.clamp(tiny, 1 - tiny)
            self.logits = inside.log() - (-inside).log1p()
        else:
            (self.logits,) = together("Bernoulli", logits)
            self.probs = self.logits.sigmoid()
        super().__init__(self.probs.shape)

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    @public
    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        probs = self.probs.detach()
        like: Any = {"dtype": probs.dtype, "device": probs.device}
        return (rand(self._shape(sample_shape), **like) < probs).to(probs.dtype)

    @public
    def log_prob(self, value: Tensor) -> Tensor:
        shape = (value + self.logits).shape
        logits, target = self.logits.expand(shape), value.expand(shape)
        return -binary_cross_entropy_with_logits(logits, target, reduction="none")

    def entropy(self) -> Tensor:
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")
