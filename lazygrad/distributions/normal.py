"""The normal distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lazygrad.distributions.distribution import Distribution, require, together
from lazygrad.functional.random import randn
from lazygrad.public import public
from lazygrad.tensor_class import Tensor


class Normal(Distribution):
    """With mean ``loc`` and standard deviation ``scale``, which is above 0.

    >>> mean = Tensor([0.0, 1.0], requires_grad=True)
    >>> normal = lazygrad.distributions.Normal(mean, 2.0)
    >>> normal.rsample((3,)).sum().backward()
    >>> mean.grad.tolist(), normal.log_prob(Tensor([0.0, 1.0])).shape
    ([3.0, 3.0], (2,))
    """

    has_rsample = True

    @public
    def __init__(
        self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None
    ) -> None:
        require("Normal", "scale", scale, isinstance(scale, Tensor) or scale > 0, "above 0")
        self.loc, self.scale = together("Normal", loc, scale)
        super().__init__(self.loc.shape)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return self.scale.square()

    @property
    def stddev(self) -> Tensor:
        return self.scale

    @public
    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        like: Any = {"dtype": self.loc.dtype, "device": self.loc.device}
        return self.loc + randn(self._shape(sample_shape), **like) * self.scale

    @public
    def log_prob(self, value: Tensor) -> Tensor:
        distance = ((value - self.loc) / self.scale).square()
        return -0.5 * distance - self.scale.log() - 0.5 * math.log(2 * math.pi)

    def entropy(self) -> Tensor:
        return 0.5 + 0.5 * math.log(2 * math.pi) + self.scale.log()

    @public
    def cdf(self, value: Tensor) -> Tensor:
        """The probability of at most ``value``."""
        return 0.5 * (1 + ((value - self.loc) / (self.scale * math.sqrt(2))).erf())
