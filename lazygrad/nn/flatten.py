"""Flatten."""

from __future__ import annotations

from lazygrad.nn.module import Module
from lazygrad.public import public
from lazygrad.tensor import Tensor


class Flatten(Module):
    """Makes one dim of the dims ``start_dim`` to ``end_dim``; the batch dim is kept by default."""

    @public
    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    @public
    def forward(self, input: Tensor) -> Tensor:
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
