"""Lookup tables."""

from __future__ import annotations

from typing import Any

from lazygrad.arguments import require_range
from lazygrad.errors import ValueRangeError
from lazygrad.nn import init
from lazygrad.nn.module import Module
from lazygrad.nn.parameter import Parameter
from lazygrad.public import public
from lazygrad.tensor import Tensor


class Embedding(Module):
    """A row of ``weight`` (num_embeddings, embedding_dim) for each index: shape (*) to
    (*, embedding_dim). Rows start standard normal.

    Row ``padding_idx`` starts as zeros and gets no gradient.
    """

    @public
    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        require_range("Embedding", 0, num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ValueRangeError(
                f"[Embedding] padding_idx {padding_idx} is not one of {num_embeddings} rows"
            )
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.weight = Parameter(
            Tensor.empty(num_embeddings, embedding_dim, device=device, dtype=dtype)
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.assign(self.weight.detach().where(self._kept_rows(), 0.0))

    def _kept_rows(self) -> Tensor:
        """bool (num_embeddings, 1): every row but the padding's."""
        rows = Tensor.arange(self.num_embeddings, device=self.weight.device)
        return (rows != self.padding_idx).reshape(-1, 1)

    @public
    def forward(self, input: Tensor) -> Tensor:
        return input.embedding(self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
