"""Matrices as products of simpler ones."""

from __future__ import annotations

import numpy as np

from lazygrad.errors import LinAlgError
from lazygrad.routines.routine import (
    EYE,
    Array,
    Routine,
    Shapes,
    Wanted,
    matrices,
    require_finite,
    square,
    tried,
)
from lazygrad.shape import Shape

DIVERGED = "has no result: the iteration did not converge"


def _cholesky_shapes(x: Shape) -> Shapes:
    square("cholesky", x)
    return (x,)


def _cholesky(wanted: Wanted, x: Array) -> tuple[Array, ...]:
    problem = "is not positive definite; see linalg.eigh, or add a multiple of the identity"
    return (tried(np.linalg.cholesky, problem, x),)


CHOLESKY = Routine(
    "cholesky", _cholesky_shapes, _cholesky, (0,),
    "L, lower triangular, with L L^T the symmetric matrix whose lower triangle x has",
)  # fmt: skip


def _cholesky_ex_shapes(x: Shape) -> Shapes:
    square("cholesky_ex", x)
    return x, x[:-2]


def _cholesky_ex(wanted: Wanted, x: Array) -> tuple[Array, ...]:
    factor, info = np.zeros_like(x), np.zeros(x.shape[:-2])
    for place in np.ndindex(*x.shape[:-2]):
        try:
            factor[place] = np.linalg.cholesky(x[place])
        except np.linalg.LinAlgError:
            factor[place] = np.nan
            info[place] = _first_indefinite(x[place])
    return factor, info


def _first_indefinite(matrix: Array) -> int:
    """The size of the first leading part that is not positive definite, where all of it is not."""
    for size in range(1, len(matrix)):
        try:
            np.linalg.cholesky(matrix[:size, :size])
        except np.linalg.LinAlgError:
            return size
    return len(matrix)


CHOLESKY_EX = Routine(
    "cholesky_ex", _cholesky_ex_shapes, _cholesky_ex, (0, 0),
    "as cholesky, but NaN where a matrix is not positive definite; and the size of its first"
    " leading part that is not, or 0",
)  # fmt: skip


def _qr_shapes(x: Shape, complete: bool) -> Shapes:
    rows, columns = matrices("qr", x)
    inner = rows if complete else min(rows, columns)
    return (*x[:-2], rows, inner), (*x[:-2], inner, columns)


def _qr(wanted: Wanted, x: Array, complete: bool) -> tuple[Array, ...]:
    if wanted == {1} and not complete:
        return np.empty(0), np.asarray(np.linalg.qr(x, "r"))
    return tuple(np.linalg.qr(x, "complete" if complete else "reduced"))


QR = Routine(
    "qr", _qr_shapes, _qr, (EYE, 0),
    "Q with orthonormal columns and R, upper triangular, whose product is x; option: whether Q is"
    " square",
)  # fmt: skip


def _eigh_shapes(x: Shape) -> Shapes:
    square("eigh", x)
    return x[:-1], x


def _eigh(wanted: Wanted, x: Array) -> tuple[Array, ...]:
    require_finite(x)
    if wanted == {0}:
        return (tried(np.linalg.eigvalsh, DIVERGED, x),)
    return tuple(tried(np.linalg.eigh, DIVERGED, x))


EIGH = Routine(
    "eigh", _eigh_shapes, _eigh, (0, 0),
    "eigenvalues, ascending, and orthonormal eigenvectors, the columns, of the symmetric matrix"
    " whose lower triangle x has",
)  # fmt: skip


def _svd_shapes(x: Shape, full: bool) -> Shapes:
    rows, columns = matrices("svd", x)
    inner = min(rows, columns)
    left, right = (rows, columns) if full else (inner, inner)
    return (*x[:-2], rows, left), (*x[:-2], inner), (*x[:-2], right, columns)


def _svd(wanted: Wanted, x: Array, full: bool) -> tuple[Array, ...]:
    require_finite(x)
    if wanted == {1}:
        values = tried(lambda matrix: np.linalg.svd(matrix, compute_uv=False), DIVERGED, x)
        return np.empty(0), values
    return tuple(tried(lambda matrix: np.linalg.svd(matrix, full), DIVERGED, x))


SVD = Routine(
    "svd", _svd_shapes, _svd, (EYE, 0, EYE),
    "U, the singular values, descending, and V^T; option: whether U and V are square",
)  # fmt: skip


def _lu_shapes(x: Shape) -> Shapes:
    rows, columns = matrices("lu", x)
    inner = min(rows, columns)
    batch = x[:-2]
    return (*batch, rows, rows), (*batch, rows, inner), (*batch, inner, columns), (*batch, inner)


def _lu(wanted: Wanted, x: Array) -> tuple[Array, ...]:
    """Elimination by columns, of all matrices at once, the largest element of each first."""
    work = x.astype(np.float64)
    *batch, rows, columns = x.shape
    order = np.broadcast_to(np.arange(rows), (*batch, rows)).copy()
    pivots = np.empty((*batch, min(rows, columns)))
    for step in range(min(rows, columns)):
        pivot = np.argmax(np.abs(work[..., step:, step]), -1)[..., None] + step
        pivots[..., step] = pivot[..., 0] + 1
        _exchange(order[..., None], step, pivot)
        _exchange(work, step, pivot)
        divisor = work[..., step : step + 1, step]
        below = work[..., step + 1 :, step]
        below /= np.where(divisor == 0, 1, divisor)
        work[..., step + 1 :, step + 1 :] -= below[..., None] * work[..., step, None, step + 1 :]
    inner = min(rows, columns)
    lower = np.tril(work[..., :inner], -1) + np.eye(rows, inner)
    return _matrix_of(order), lower, np.triu(work[..., :inner, :]), pivots


def _matrix_of(order: Array) -> Array:
    """The permutation that takes row i to row order[i]."""
    found: Array = order[..., None, :] == np.arange(order.shape[-1])[:, None]
    return found


def _exchange(work: Array, row: int, other: Array) -> None:
    """Swaps two rows of each matrix."""
    place = np.broadcast_to(other[..., None], (*work.shape[:-2], 1, work.shape[-1]))
    kept = np.take_along_axis(work, place, -2)
    np.put_along_axis(work, place, work[..., row : row + 1, :].copy(), -2)
    work[..., row : row + 1, :] = kept


LU = Routine(
    "lu", _lu_shapes, _lu, (EYE, EYE, 0, 0),
    "P, a permutation, L, lower triangular with ones on the diagonal, and U, upper triangular,"
    " whose product is x; and which row, counted from 1, each one was exchanged with",
)  # fmt: skip


def _permutation_shapes(pivots: Shape, rows: int) -> Shapes:
    return ((*pivots[:-1], rows, rows),)


def _permutation(wanted: Wanted, pivots: Array, rows: int) -> tuple[Array, ...]:
    *batch, steps = pivots.shape
    order = np.broadcast_to(np.arange(rows), (*batch, rows)).copy()
    rows_named = pivots.astype(np.int64) - 1
    if ((rows_named < 0) | (rows_named >= rows)).any():
        raise LinAlgError(f"pivots must be from 1 to {rows}, as lu_factor gives them")
    for step in range(steps):
        _exchange(order[..., None], step, rows_named[..., step, None])
    return (_matrix_of(order),)


PERMUTATION = Routine(
    "permutation", _permutation_shapes, _permutation, (EYE,),
    "P of such exchanges; option: how many rows there are",
)  # fmt: skip

ROWS = (CHOLESKY, CHOLESKY_EX, QR, EIGH, SVD, LU, PERMUTATION)
