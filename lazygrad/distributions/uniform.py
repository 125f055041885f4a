"""The uniform distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lazygrad.distributions.distribution import Distribution, require, together
from lazygrad.functional.random import rand
from lazygrad.public import public
from lazygrad.tensor_class import Tensor


class Uniform(Distribution):
    """Even in [``low``, ``high``).

    >>> uniform = lazygrad.distributions.Uniform(0.0, 4.0)
    >>> uniform.log_prob(Tensor([1.0, 5.0])).realize()
    Tensor([-1.3863,    -inf])
    """

    has_rsample = True

    @public
    def __init__(
        self, low: Tensor | float, high: Tensor | float, validate_args: bool | None = None
    ) -> None:
        known = not (isinstance(low, Tensor) or isinstance(high, Tensor))
        require("Uniform", "high", high, not known or bool(low < high), f"above low ({low})")
        self.low, self.high = together("Uniform", low, high)
        super().__init__(self.low.shape)

    @property
    def mean(self) -> Tensor:
        return (self.low + self.high) / 2

    @property
    def variance(self) -> Tensor:
        return (self.high - self.low).square() / 12

    @public
    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        like: Any = {"dtype": self.low.dtype, "device": self.low.device}
        return self.low + rand(self._shape(sample_shape), **like) * (self.high - self.low)

    @public
    def log_prob(self, value: Tensor) -> Tensor:
        inside = (self.low <= value) & (value < self.high)
        density = -(self.high - self.low).log()
        return (density + 0 * value).where(inside, -math.inf)

    def entropy(self) -> Tensor:
        return (self.high - self.low).log()

    @public
    def cdf(self, value: Tensor) -> Tensor:
        """The probability of at most ``value``."""
        return ((value - self.low) / (self.high - self.low)).clamp(0, 1)

    def icdf(self, value: Tensor) -> Tensor:
        """Where ``cdf`` is ``value``."""
        return self.low + value * (self.high - self.low)
