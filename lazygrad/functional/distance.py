"""Norms and distances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lazygrad.arguments import require_range
from lazygrad.bridge import read, wrap
from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.functional.arguments import Dims, all_dims, dtype_or_none
from lazygrad.functional.selecting import index_leaf
from lazygrad.lang import elementwise, indexing, norms, spectra
from lazygrad.public import public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def norm(
    input: Tensor, p: float | str | None = "fro", dim: Dims = None, keepdim: bool = False,
    dtype: Any = None,
) -> Tensor:  # fmt: skip
    """The ``p``-norm over ``dim`` (all dims by default) taken as one vector, of floats; "nuc": the
    sum of the singular values of the matrices over two dims.

    Raises:
        ValueRangeError: for a word other than "fro", which is 2, and "nuc".

    >>> x = Tensor([[3.0, 4.0], [0.0, -2.0]])
    >>> x.norm(dim=1).tolist(), x.norm(p=1).item()
    ([5.0, 2.0], 9.0)
    """
    axes, target = all_dims(dim), dtype_or_none(dtype)
    if p == "nuc":
        pair = range(input.ndim) if axes is None else [axes] if isinstance(axes, int) else axes
        return wrap(spectra.matrix_norm(read(input), p, tuple(pair), keepdim, target))
    if isinstance(p, str) and p != "fro":
        raise ValueRangeError(f'[norm] p must be a number, "fro" or "nuc", got {p!r}')
    power = 2.0 if p is None or isinstance(p, str) else float(p)
    return wrap(norms.vector_norm(read(input), power, axes, keepdim, target))


@public
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The ``p``-norm of ``input - other``.

    >>> Tensor([1.0, 2.0]).dist(Tensor([4.0, 6.0])).item()
    5.0
    """
    return wrap(norms.vector_norm(elementwise.sub(read(input), read(other)), float(p)))


@public
def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str | None = None) -> Tensor:
    """The ``p``-norms of the differences of all rows: (.., P, M) and (.., R, M) to (.., P, R).

    ``compute_mode`` is accepted as PyTorch's: differences are always taken.

    >>> lazygrad.cdist(Tensor([[0.0, 0.0]]), Tensor([[3.0, 4.0], [0.0, 1.0]])).tolist()
    [[5.0, 1.0]]
    """
    return wrap(norms.cdist(read(x1), read(x2), float(p)))


@public
def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The ``p``-norms of the differences of all pairs of rows: (N, M) to (N * (N - 1) / 2,).

    >>> F.pdist(Tensor([[0.0], [1.0], [3.0]])).tolist()
    [1.0, 3.0, 2.0]
    """
    if input.ndim != 2:
        raise ShapeError(f"[pdist] needs a matrix, got shape {input.shape}")
    require_range("pdist", 0, p=p if abs(p) < float("inf") else 0)
    own = read(input)
    first, second = (
        indexing.take(own, 0, index_leaf(places, input.device), in_range=True)
        for places in np.triu_indices(len(input), 1)
    )
    return wrap(norms.vector_norm(elementwise.sub(first, second), float(p), 1))


@public
def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """The ``p``-norm of ``x1 - x2 + eps`` over the last dim.

    >>> F.pairwise_distance(Tensor([[0.0, 0.0]]), Tensor([[3.0, 4.0]])).realize()
    Tensor([5.])
    """
    return wrap(norms.pairwise_distance(read(x1), read(x2), float(p), eps, keepdim))


@public
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along ``dim``; no length counts as less than
    ``eps``.

    >>> F.cosine_similarity(Tensor([[1.0, 0.0]]), Tensor([[1.0, 1.0]])).realize()
    Tensor([0.7071])
    """
    return wrap(norms.cosine_similarity(read(x1), read(x2), dim, eps))


@public
def normalize(input: Tensor, p: float = 2.0, dim: Dims = 1, eps: float = 1e-12) -> Tensor:
    """``x`` divided by its ``p``-norm over ``dim``, or by ``eps`` where that is smaller.

    >>> F.normalize(Tensor([[3.0, 4.0], [0.0, 0.0]])).realize()
    Tensor([[0.6, 0.8],
            [0. , 0. ]])
    """
    return wrap(norms.normalize(read(input), float(p), dim, eps))


@public
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """Slices along ``dim`` scaled so that none has a ``p``-norm above ``maxnorm``.

    >>> Tensor([[3.0, 4.0], [0.3, 0.4]]).renorm(p=2, dim=0, maxnorm=1.0).realize()
    Tensor([[0.6, 0.8],
            [0.3, 0.4]])
    """
    return wrap(norms.renorm(read(input), float(p), dim, maxnorm))
