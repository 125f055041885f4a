"""Dropout."""

from __future__ import annotations

from lazygrad.errors import ValueRangeError
from lazygrad.lang import real_number
from lazygrad.nn.module import Module
from lazygrad.tensor import Tensor


class Dropout(Module):
    """In training, zeroes each element with probability ``p`` and scales the rest by
    ``1 / (1 - p)``."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        p = real_number("Dropout", "p", p)
        if not 0 <= p <= 1:
            raise ValueRangeError(f"[Dropout] p is a probability from 0 to 1, got {p}")
        self.p = p
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return input.dropout(self.p, training=self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"
