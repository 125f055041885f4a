"""Matrices as products of simpler ones. All take stacks of matrices, float32 or float64, in the
last two dims; what has no result raises LinAlgError when it is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lazygrad import element_types as dt
from lazygrad.bridge import read, wrap
from lazygrad.errors import ValueRangeError
from lazygrad.functional.maps import several
from lazygrad.graph import Node
from lazygrad.lang import decompositions, lu as elimination, spectra
from lazygrad.lang.creation import full
from lazygrad.public import public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


class CholeskyEx(NamedTuple):
    """What ``linalg.cholesky_ex`` returns."""

    L: Tensor
    info: Tensor


class QR(NamedTuple):
    """What ``linalg.qr`` returns."""

    Q: Tensor
    R: Tensor


class Eigh(NamedTuple):
    """What ``linalg.eigh`` returns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class SVD(NamedTuple):
    """What ``linalg.svd`` returns."""

    U: Tensor
    S: Tensor
    Vh: Tensor


class PLU(NamedTuple):
    """What ``linalg.lu`` returns."""

    P: Tensor
    L: Tensor
    U: Tensor


class LUFactorEx(NamedTuple):
    """What ``linalg.lu_factor_ex`` returns."""

    LU: Tensor
    pivots: Tensor
    info: Tensor


class LUFactor(NamedTuple):
    """What ``linalg.lu_factor`` returns."""

    LU: Tensor
    pivots: Tensor


@public
def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """L, lower triangular, with ``L @ L.mT = A``, or with ``upper`` its transpose.

    Args:
        A: (.., n, n), symmetric; the other triangle than that of the result is not read.

    Raises:
        LinAlgError: for a matrix that is not positive definite.

    >>> L = lazygrad.linalg.cholesky(Tensor([[4.0, 2.0], [2.0, 5.0]]))
    >>> L.tolist()
    [[2.0, 0.0], [1.0, 2.0]]
    """
    return wrap(decompositions.cholesky(read(A), upper))


@public
def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False) -> CholeskyEx:
    """As ``linalg.cholesky``, but NaN where a matrix is not positive definite (unless
    ``check_errors``); and the size of its first leading part that is not, or 0.

    >>> L, info = lazygrad.linalg.cholesky_ex(Tensor([[1.0, 2.0], [2.0, 1.0]]))
    >>> info.item()
    2
    """
    if check_errors:
        factor = wrap(decompositions.cholesky(read(A), upper))
        return CholeskyEx(factor, wrap(_zeros(factor._node)))
    return several(CholeskyEx, decompositions.cholesky_ex(read(A), upper), "cholesky_ex")


def _zeros(like: Node) -> Node:
    """Nothing to be said of any matrix."""
    return full(like.shape[:-2], 0, dt.int32, like.device)


@public
def qr(A: Tensor, mode: str = "reduced") -> QR:
    """``A = Q @ R`` with orthonormal columns of Q and an upper triangular R.

    Args:
        A: (.., m, n).
        mode: "reduced": Q (.., m, k) and R (.., k, n), k the smaller size; "complete": Q (.., m, m)
            and R (.., m, n), without derivative if m > n; "r": R only, Q is empty.

    >>> Q, R = lazygrad.linalg.qr(lazygrad.randn(5, 3))
    >>> Q.shape, R.shape, bool((Q.mT @ Q).allclose(lazygrad.eye(3), atol=1e-5))
    ((5, 3), (3, 3), True)
    """
    node = read(A)
    q, r = decompositions.qr(node, "reduced" if mode == "r" else mode)
    if mode == "r":
        q = full((0,), 0, node.dtype, node.device)
    return QR(wrap(q), wrap(r))


@public
def eigh(A: Tensor, UPLO: str = "L") -> Eigh:
    """Eigenvalues (.., n), ascending, and eigenvectors, the columns of (.., n, n), of symmetric
    matrices, of which the lower ("L") or upper ("U") triangle is read.

    The derivative by eigenvectors of equal eigenvalues is infinite or NaN: any basis would do.

    >>> values, vectors = lazygrad.linalg.eigh(Tensor([[2.0, 1.0], [1.0, 2.0]]))
    >>> values.realize()
    Tensor([1., 3.])
    """
    values, vectors = decompositions.eigh(read(A), UPLO)
    return Eigh(wrap(values), wrap(vectors))


@public
def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """Eigenvalues (.., n), ascending, of symmetric matrices.

    >>> lazygrad.linalg.eigvalsh(Tensor([[2.0, 1.0], [1.0, 2.0]])).realize()
    Tensor([1., 3.])
    """
    return wrap(decompositions.eigh(read(A), UPLO)[0])


@public
def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> SVD:
    """``A = U @ diag(S) @ Vh`` with orthonormal columns of U and rows of Vh, and S descending.

    Args:
        A: (.., m, n).
        full_matrices: U is (.., m, m) and Vh (.., n, n), not (.., m, k) and (.., k, n); the further
            columns count as constant in derivatives.
        driver: accepted, and without effect.

    >>> U, S, Vh = lazygrad.linalg.svd(Tensor([[3.0, 0.0], [0.0, 4.0], [0.0, 0.0]]))
    >>> U.shape, S.realize(), Vh.shape
    ((3, 3), Tensor([4., 3.]), (2, 2))
    """
    return several(SVD, decompositions.svd(read(A), full_matrices), "svd")


@public
def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    """The singular values (.., k), descending.

    >>> lazygrad.linalg.svdvals(Tensor([[0.0, 2.0], [3.0, 0.0]])).realize()
    Tensor([3., 2.])
    """
    return wrap(spectra.svdvals(read(A)))


@public
def lu(A: Tensor, *, pivot: bool = True) -> PLU:
    """``A = P @ L @ U`` with a permutation P, L lower triangular with ones on its diagonal, and U
    upper triangular.

    Raises:
        ValueRangeError: for ``pivot=False``.

    >>> P, L, U = lazygrad.linalg.lu(Tensor([[0.0, 1.0], [2.0, 3.0]]))
    >>> P.tolist(), L.tolist(), U.tolist()
    ([[0.0, 1.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]], [[2.0, 3.0], [0.0, 1.0]])
    """
    _require_pivot("lu", pivot)
    return several(PLU, elimination.lu(read(A)), "lu")


@public
def lu_factor(A: Tensor, *, pivot: bool = True) -> LUFactor:
    """L and U of ``linalg.lu`` in one matrix, and which row, counted from 1, each was exchanged
    with: what ``linalg.lu_solve`` takes.

    >>> LU, pivots = lazygrad.linalg.lu_factor(Tensor([[0.0, 1.0], [2.0, 3.0]]))
    >>> LU.tolist(), pivots.tolist()
    ([[2.0, 3.0], [0.0, 1.0]], [2, 2])
    """
    _require_pivot("lu_factor", pivot)
    return several(LUFactor, elimination.lu_factor(read(A)), "lu_factor")


@public
def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False) -> LUFactorEx:
    """As ``linalg.lu_factor``; and the place, from 1, of the first 0 on the diagonal of U, or 0.

    >>> lazygrad.linalg.lu_factor_ex(lazygrad.ones(2, 2)).info.item()
    2
    """
    _require_pivot("lu_factor_ex", pivot)
    packed, pivots = elimination.lu_factor(read(A))
    info = elimination.first_zero(packed)
    return several(LUFactorEx, (packed, pivots, info), "lu_factor_ex")


def _require_pivot(op: str, pivot: bool) -> None:
    if not pivot:
        raise ValueRangeError(f"[{op}] pivot must be True: rows are exchanged, as stability asks")
