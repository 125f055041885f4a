"""Dims merged and split, as modules."""

from __future__ import annotations

from collections.abc import Sequence

from lazygrad.nn.module import Module
from lazygrad.public import public
from lazygrad.tensor_class import Tensor


class Flatten(Module):
    """Makes one dim of the dims ``start_dim`` to ``end_dim``; the batch dim is kept by default.

    >>> nn.Flatten()(lazygrad.zeros(2, 3, 4, 4)).shape
    (2, 48)
    """

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


class Unflatten(Module):
    """Splits dim ``dim`` into dims of ``unflattened_size``, one of which may be -1.

    >>> nn.Unflatten(1, (3, -1))(lazygrad.zeros(2, 12)).shape
    (2, 3, 4)
    """

    @public
    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        self.dim = dim
        self.unflattened_size = tuple(unflattened_size)

    @public
    def forward(self, input: Tensor) -> Tensor:
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
