"""Dropout."""

from __future__ import annotations

from lazygrad.arguments import require_range
from lazygrad.nn.module import Module
from lazygrad.public import public
from lazygrad.tensor import Tensor


class Dropout(Module):
    """In training, zeroes each element with probability ``p`` and scales the rest by
    ``1 / (1 - p)``."""

    @public
    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        require_range("Dropout", 0, 1, p=p)
        self.p = p
        self.inplace = inplace

    @public
    def forward(self, input: Tensor) -> Tensor:
        return input.dropout(self.p, training=self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"
