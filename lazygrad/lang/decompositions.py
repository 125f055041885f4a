"""Matrices as products of simpler ones, of stacks of them; and what follows from the factors."""

from __future__ import annotations

from lazygrad import element_types as dt
from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.graph import Node
from lazygrad.lang.calls import call
from lazygrad.lang.join import cat
from lazygrad.lang.linalg import matmul
from lazygrad.lang.matrices import mT
from lazygrad.lang.movement import narrow
from lazygrad.lang.operands import cast


def require_matrices(op: str, x: Node) -> None:
    if x.ndim < 2:
        raise ShapeError(f"[{op}] needs matrices, at least 2 dims, got shape {x.shape}")


def cholesky(x: Node, upper: bool = False) -> Node:
    """L with ``L @ L.mT`` the symmetric matrix whose lower triangle ``x`` has; ``upper``: its
    transpose, and the upper triangle is read."""
    require_matrices("cholesky", x)
    (lower,) = call("cholesky", mT(x) if upper else x)
    return mT(lower) if upper else lower


def cholesky_ex(x: Node, upper: bool) -> tuple[Node, Node]:
    """As ``cholesky``, but NaN where a matrix is not positive definite; and the size of its first
    leading part that is not, or 0, int32."""
    require_matrices("cholesky_ex", x)
    lower, info = call("cholesky_ex", mT(x) if upper else x)
    return mT(lower) if upper else lower, cast(info, dt.int32)


def qr(x: Node, mode: str) -> tuple[Node, Node]:
    """Q and R; ``mode`` says whether Q is square ("complete") or not ("reduced").

    Raises:
        ValueRangeError: for another mode.
    """
    if mode not in ("reduced", "complete"):
        raise ValueRangeError(f'[qr] mode must be "reduced", "complete" or "r", got {mode!r}')
    require_matrices("qr", x)
    rows, columns = x.shape[-2:]
    if columns <= rows:
        q, r = call("qr", x, options=(mode == "complete",))
        return q, r
    q, first = call("qr", narrow(x, -1, 0, rows), options=(False,))  # as many columns as rows
    rest = matmul(mT(q), narrow(x, -1, rows, columns - rows))
    return q, cat([first, rest], -1)


def eigh(x: Node, uplo: str) -> tuple[Node, Node]:
    """Eigenvalues, ascending, and eigenvectors, of the symmetric matrix that one triangle has."""
    if uplo.upper() not in ("L", "U"):
        raise ValueRangeError(f'[eigh] UPLO must be "L" or "U", got {uplo!r}')
    require_matrices("eigh", x)
    values, vectors = call("eigh", mT(x) if uplo.upper() == "U" else x)
    return values, vectors


def svd(x: Node, full: bool) -> tuple[Node, Node, Node]:
    """U, the singular values, descending, and V^T."""
    require_matrices("svd", x)
    u, s, vh = call("svd", x, options=(full,))
    return u, s, vh


def truncated_svd(op: str, x: Node, count: int) -> tuple[Node, Node, Node]:
    """U, S and V of the ``count`` largest singular values.

    Raises:
        ValueRangeError: there are not so many.
    """
    require_matrices(op, x)
    if not 0 <= count <= min(x.shape[-2:]):
        raise ValueRangeError(
            f"[{op}] q must be from 0 to {min(x.shape[-2:])}, the smaller size of {x.shape}, got "
            f"{count}"
        )
    u, s, vh = svd(x, False)
    return narrow(u, -1, 0, count), narrow(s, -1, 0, count), mT(narrow(vh, -2, 0, count))
