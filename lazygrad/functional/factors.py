"""Decompositions and equations under the names that torch had for them before torch.linalg."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lazygrad.bridge import read, wrap
from lazygrad.functional.decompositions import PLU, QR, lu_factor_ex
from lazygrad.functional.maps import several
from lazygrad.lang import (
    decompositions,
    elementwise,
    lu as elimination,
    matrices,
    movement,
    reduce,
    solving,
)
from lazygrad.lang.creation import full
from lazygrad.lang.matrices import mT
from lazygrad.public import public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


class USV(NamedTuple):
    """What ``svd`` returns."""

    U: Tensor
    S: Tensor
    V: Tensor


class Triangular(NamedTuple):
    """What ``triangular_solve`` returns."""

    solution: Tensor
    cloned_coefficient: Tensor


@public
def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """As ``linalg.cholesky``.

    >>> lazygrad.cholesky(Tensor([[4.0, 2.0], [2.0, 5.0]]), upper=True).tolist()
    [[2.0, 1.0], [0.0, 2.0]]
    """
    return wrap(decompositions.cholesky(read(input), upper))


@public
def cholesky_inverse(input: Tensor, upper: bool = False) -> Tensor:
    """The inverse of the matrix whose Cholesky factor is given.

    >>> lazygrad.cholesky_inverse(Tensor([[2.0, 0.0], [0.0, 4.0]])).tolist()
    [[0.25, 0.0], [0.0, 0.0625]]
    """
    factor = read(input)
    decompositions.require_matrices("cholesky_inverse", factor)
    one = movement.broadcast_to(matrices.identity(factor), factor.shape)
    return wrap(solving.cholesky_solve(one, factor, upper))


@public
def qr(input: Tensor, some: bool = True) -> QR:
    """As ``linalg.qr``, complete unless ``some``.

    >>> Q, R = lazygrad.qr(lazygrad.ones(3, 2), some=False)
    >>> Q.shape, R.shape
    ((3, 3), (3, 2))
    """
    q, r = decompositions.qr(read(input), "reduced" if some else "complete")
    return QR(wrap(q), wrap(r))


@public
def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> USV:
    """``input = U @ diag(S) @ V.mT``; U and V are square unless ``some``, and zeros without
    ``compute_uv``.

    >>> U, S, V = lazygrad.svd(lazygrad.ones(3, 2))
    >>> U.shape, S.shape, V.shape
    ((3, 2), (2,), (2, 2))
    """
    node = read(input)
    u, s, vh = decompositions.svd(node, not some)
    if not compute_uv:
        u, _, vh = decompositions.svd(node, True)
        u, vh = (full(x.shape, 0, x.dtype, x.device) for x in (u, vh))
    return USV(wrap(u), wrap(s), wrap(matrices.mT(vh)))


@public
def lu(A: Tensor, pivot: bool = True, get_infos: bool = False) -> tuple[Tensor, ...]:
    """As ``linalg.lu_factor``; with ``get_infos`` as ``linalg.lu_factor_ex``.

    >>> LU, pivots, info = lazygrad.lu(Tensor([[2.0, 1.0], [4.0, 3.0]]), get_infos=True)
    >>> pivots.tolist(), info.item()
    ([2, 2], 0)
    """
    found = lu_factor_ex(A, pivot=pivot)
    return tuple(found) if get_infos else tuple(found[:2])


@public
def svd_lowrank(A: Tensor, q: int = 6, niter: int = 2, M: Tensor | None = None) -> USV:
    """The ``q`` largest singular values and their vectors, of A less M, computed exactly: (.., m,
    q), (.., q) and (.., n, q).

    Args:
        niter: accepted, and without effect.

    >>> U, S, V = lazygrad.svd_lowrank(lazygrad.randn(10, 8), q=3)
    >>> U.shape, S.shape, V.shape
    ((10, 3), (3,), (8, 3))
    """
    node = read(A) if M is None else elementwise.sub(read(A), read(M))
    return several(USV, decompositions.truncated_svd("svd_lowrank", node, q), "svd_lowrank")


@public
def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> USV:
    """As ``svd_lowrank`` of A, (.., m, n), whose columns are centred first; by default of at most 6
    values.

    >>> U, S, V = lazygrad.pca_lowrank(lazygrad.randn(10, 4), q=2)
    >>> U.shape, S.shape, V.shape
    ((10, 2), (2,), (4, 2))
    """
    node = read(A)
    if center:
        node = elementwise.sub(node, reduce.mean(node, -2, True))
    count = min(6, *node.shape[-2:]) if q is None else q
    return several(USV, decompositions.truncated_svd("pca_lowrank", node, count), "pca_lowrank")


@public
def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True
) -> PLU:
    """P, L and U of what ``linalg.lu_factor`` gives.

    >>> A = Tensor([[0.0, 1.0], [2.0, 3.0]])
    >>> P, L, U = lazygrad.lu_unpack(*lazygrad.lu(A))
    >>> (P @ L @ U).tolist()
    [[0.0, 1.0], [2.0, 3.0]]
    """
    p, lower, upper = elimination.lu_unpack(read(LU_data), read(LU_pivots))
    nothing = full((0,), 0, lower.dtype, lower.device)
    if not unpack_data:
        lower = upper = nothing
    return PLU(wrap(p if unpack_pivots else nothing), wrap(lower), wrap(upper))


@public
def inverse(input: Tensor) -> Tensor:
    """As ``linalg.inv``.

    >>> lazygrad.inverse(Tensor([[2.0, 0.0], [0.0, 4.0]])).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    return wrap(solving.inv(read(input)))


@public
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """As ``linalg.pinv``.

    >>> lazygrad.pinverse(Tensor([[2.0], [0.0]])).tolist()
    [[0.5, 0.0]]
    """
    return wrap(solving.pinv(read(input), None, rcond))


@public
def triangular_solve(
    input: Tensor, A: Tensor, upper: bool = True, transpose: bool = False,
    unitriangular: bool = False,
) -> Triangular:  # fmt: skip
    """As ``linalg.solve_triangular``, with the right-hand side first; and A.

    >>> B, A = Tensor([[4.0], [2.0]]), Tensor([[1.0, 1.0], [0.0, 2.0]])
    >>> lazygrad.triangular_solve(B, A).solution.tolist()
    [[3.0], [1.0]]
    """
    a = mT(read(A)) if transpose else read(A)
    found = solving.solve_triangular(a, read(input), upper != transpose, True, unitriangular)
    return Triangular(wrap(found), wrap(read(A)))


@public
def cholesky_solve(input: Tensor, L: Tensor, upper: bool = False) -> Tensor:
    """X with ``A @ X = input`` by the Cholesky factor L of A (its transpose if ``upper``).

    >>> L = lazygrad.linalg.cholesky(Tensor([[4.0, 2.0], [2.0, 5.0]]))
    >>> lazygrad.cholesky_solve(Tensor([[8.0], [8.0]]), L).realize()
    Tensor([[1.5],
            [1. ]])
    """
    return wrap(solving.cholesky_solve(read(input), read(L), upper))


@public
def lu_solve(input: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    """As ``linalg.lu_solve``, with the right-hand side first.

    >>> LU, pivots = lazygrad.linalg.lu_factor(Tensor([[2.0, 1.0], [4.0, 4.0]]))
    >>> lazygrad.lu_solve(Tensor([[3.0], [8.0]]), LU, pivots).tolist()
    [[1.0], [1.0]]
    """
    found = solving.lu_solve(read(LU_data), read(LU_pivots), read(input), True, False)
    return wrap(found)
