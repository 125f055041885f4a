"""The extension ``linalg``, of real matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lazygrad.array_api.arguments import accumulated, reduced, together
from lazygrad.array_api.linear_algebra import (
    matmul as matmul,
    matrix_transpose as matrix_transpose,
    tensordot as tensordot,
    vecdot as vecdot,
)
from lazygrad.functional import decompositions, linalg, products, reduce, solving, spectra
from lazygrad.functional.arguments import Dims
from lazygrad.functional.decompositions import QR, SVD, Eigh
from lazygrad.shape import broadcast

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

det, inv, slogdet = solving.det, solving.inv, solving.slogdet
matrix_power, svdvals = linalg.matrix_power, decompositions.svdvals


def cholesky(x: Tensor, /, *, upper: bool = False) -> Tensor:
    """L, lower triangular, with ``L @ L.mT = x``, or with ``upper`` its transpose."""
    return decompositions.cholesky(x, upper=upper)


def cross(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """The vector product along ``axis``, of size 3; the other dims broadcast."""
    left, right = together("cross", x1, x2)
    ndim = max(left.ndim, right.ndim)
    left, right = (x[(None,) * (ndim - x.ndim)] for x in (left, right))
    return products.cross(left, right, dim=axis)


def diagonal(x: Tensor, /, *, offset: int = 0) -> Tensor:
    """The diagonals of matrices, as a new last dim."""
    return products.diagonal(x, offset=offset)


def eigh(x: Tensor, /) -> Eigh:
    """Eigenvalues, ascending, and eigenvectors of symmetric matrices."""
    return decompositions.eigh(x)


def eigvalsh(x: Tensor, /) -> Tensor:
    """Eigenvalues, ascending, of symmetric matrices."""
    return decompositions.eigvalsh(x)


def matrix_norm(x: Tensor, /, *, keepdims: bool = False, ord: float | str | None = "fro") -> Tensor:
    """A norm of the matrices in the last two dims; None as "fro"."""
    return spectra.matrix_norm(x, "fro" if ord is None else ord, keepdim=keepdims)


def matrix_rank(x: Tensor, /, *, rtol: float | Tensor | None = None) -> Tensor:
    """How many singular values are above ``rtol`` times the largest, int64."""
    return spectra.matrix_rank(x, rtol=rtol)


def outer(x1: Tensor, x2: Tensor, /) -> Tensor:
    """All products of two vectors' elements."""
    return linalg.outer(*together("outer", x1, x2))


def pinv(x: Tensor, /, *, rtol: float | Tensor | None = None) -> Tensor:
    """The pseudo-inverse; singular values of at most ``rtol`` times the largest count as 0."""
    return solving.pinv(x, rtol=rtol)


def qr(x: Tensor, /, *, mode: str = "reduced") -> QR:
    """``x = Q @ R`` with orthonormal columns of Q and an upper triangular R; "reduced" or
    "complete"."""
    return decompositions.qr(x, mode)


def solve(x1: Tensor, x2: Tensor, /) -> Tensor:
    """X with ``x1 @ X = x2``, which is a vector, or a stack of matrices."""
    left, right = together("solve", x1, x2)
    if right.ndim == 1:
        return solving.solve(left, right.unsqueeze(-1)).squeeze(-1)
    stack = broadcast("solve", left.shape[:-2], right.shape[:-2])
    return solving.solve(left, right.broadcast_to(*stack, *right.shape[-2:]))


def svd(x: Tensor, /, *, full_matrices: bool = True) -> SVD:
    """``x = U @ diag(S) @ Vh`` with orthonormal columns of U and rows of Vh, and S descending."""
    return decompositions.svd(x, full_matrices)


def trace(x: Tensor, /, *, offset: int = 0, dtype: Any = None) -> Tensor:
    """The sums of the diagonals of matrices; of integers in 64 bits."""
    return reduce.sum(diagonal(x, offset=offset), -1, dtype=accumulated(x, dtype))


def vector_norm(
    x: Tensor, /, *, axis: Dims = None, keepdims: bool = False, ord: float = 2
) -> Tensor:
    """A norm of the vectors over ``axis``, by default of all elements as one."""

    def norm(x: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
        return spectra.vector_norm(x, ord, dim, keepdim)

    return reduced(norm, x, axis, keepdims)
