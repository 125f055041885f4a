"""Lookup tables."""

from __future__ import annotations

from typing import Any

from lazygrad.arguments import require_range
from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.functional import lookup
from lazygrad.nn import init
from lazygrad.nn.module import Module
from lazygrad.nn.parameter import Parameter
from lazygrad.public import public
from lazygrad.tensor_class import Tensor


class _Table(Module):
    """What embeddings share: a table of rows, one of which may stand for nothing."""

    weight: Parameter

    def _set_up(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None) -> None:
        name = type(self).__name__
        require_range(name, 0, num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ValueRangeError(
                f"[{name}] padding_idx {padding_idx} is not one of {num_embeddings} rows"
            )
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings

    def _make_weight(self, given: Tensor | None, device: str | None, dtype: Any) -> None:
        shape = (self.num_embeddings, self.embedding_dim)
        if given is None:
            self.weight = Parameter(Tensor.empty(*shape, device=device, dtype=dtype))
            self.reset_parameters()
        elif given.shape != shape:
            raise ShapeError(
                f"[{type(self).__name__}] a weight of shape {given.shape} is not one of {shape}"
            )
        else:
            self.weight = Parameter(given)

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.assign(self.weight.detach().where(self._kept_rows(), 0.0))

    def _kept_rows(self) -> Tensor:
        """bool (num_embeddings, 1): every row but the padding's."""
        rows = Tensor.arange(self.num_embeddings, device=self.weight.device)
        return (rows != self.padding_idx).reshape(-1, 1)


class Embedding(_Table):
    """A row of ``weight`` (num_embeddings, embedding_dim) for each index: shape (*) to
    (*, embedding_dim). Rows start standard normal.

    Row ``padding_idx`` starts as zeros and gets no gradient. Other arguments as of ``F.embedding``.

    >>> layer = nn.Embedding(10, 3, padding_idx=0)
    >>> layer(Tensor([[1, 0]])).shape, layer(Tensor([0])).tolist()
    ((1, 2, 3), [[0.0, 0.0, 0.0]])
    """

    @public
    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self._set_up(num_embeddings, embedding_dim, padding_idx)
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        self._make_weight(_weight, device, dtype)
        self.weight.requires_grad_(not _freeze)

    @public
    def forward(self, input: Tensor) -> Tensor:
        return lookup.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type,
            self.scale_grad_by_freq,
        )  # fmt: skip

    @classmethod
    @public
    def from_pretrained(
        cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None,
        max_norm: float | None = None, norm_type: float = 2.0, scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:  # fmt: skip
        """With the rows given, which are not trained if ``freeze``.

        Raises:
            ShapeError: for rows that are no matrix.
        """
        rows, width = _matrix("Embedding", embeddings)
        return cls(rows, width, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse,
                   embeddings, freeze)  # fmt: skip

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"


class EmbeddingBag(_Table):
    """Sums, means or maxima of rows of ``weight``, without the rows themselves: of each row of
    indices (B, N), or of the parts of indices (N) that start at ``offsets`` (B); (B,
    embedding_dim). Arguments as of ``F.embedding_bag``.

    >>> table = Tensor([[1.0], [10.0], [100.0]])
    >>> layer = nn.EmbeddingBag.from_pretrained(table, mode="sum")
    >>> layer(Tensor([0, 1, 2]), offsets=Tensor([0, 2])).tolist()
    [[11.0], [100.0]]
    """

    @public
    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self._set_up(num_embeddings, embedding_dim, padding_idx)
        if mode not in lookup.BAG_MODES:
            known = ", ".join(lookup.BAG_MODES)
            raise ValueRangeError(f"[EmbeddingBag] mode must be one of {known}, got {mode!r}")
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.mode = mode
        self.sparse = sparse
        self.include_last_offset = include_last_offset
        self._make_weight(_weight, device, dtype)

    @public
    def forward(
        self,
        input: Tensor,
        offsets: Tensor | None = None,
        per_sample_weights: Tensor | None = None,
    ) -> Tensor:
        return lookup.embedding_bag(
            input, self.weight, offsets, self.max_norm, self.norm_type, self.scale_grad_by_freq,
            self.mode, self.sparse, per_sample_weights, self.include_last_offset, self.padding_idx,
        )  # fmt: skip

    @classmethod
    @public
    def from_pretrained(
        cls, embeddings: Tensor, freeze: bool = True, max_norm: float | None = None,
        norm_type: float = 2.0, scale_grad_by_freq: bool = False, mode: str = "mean",
        sparse: bool = False, include_last_offset: bool = False, padding_idx: int | None = None,
    ) -> EmbeddingBag:  # fmt: skip
        """With the rows given, which are not trained if ``freeze``.

        Raises:
            ShapeError: for rows that are no matrix.
        """
        rows, width = _matrix("EmbeddingBag", embeddings)
        made = cls(rows, width, max_norm, norm_type, scale_grad_by_freq, mode, sparse, embeddings,
                   include_last_offset, padding_idx)  # fmt: skip
        made.weight.requires_grad_(not freeze)
        return made

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}, mode={self.mode!r}{padding}"


def _matrix(name: str, embeddings: Tensor) -> tuple[int, int]:
    if embeddings.ndim != 2:
        raise ShapeError(f"[{name}] embeddings must be a matrix, got shape {embeddings.shape}")
    rows, width = embeddings.shape
    return rows, width
