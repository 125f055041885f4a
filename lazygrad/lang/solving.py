"""Linear equations: solutions, inverses, determinants."""

from __future__ import annotations

import math

from lazygrad.element_types import float64
from lazygrad.errors import ShapeError
from lazygrad.graph import Node
from lazygrad.lang.calls import call
from lazygrad.lang.comparison import lt
from lazygrad.lang.decompositions import require_matrices
from lazygrad.lang.elementwise import where
from lazygrad.lang.linalg import matmul
from lazygrad.lang.lu import lu_unpack
from lazygrad.lang.matrices import mT
from lazygrad.lang.movement import broadcast_to, movedim, permute, reshape, unsqueeze
from lazygrad.shape import Shape, broadcast


def inv(x: Node) -> Node:
    """The inverse of square matrices."""
    require_matrices("inv", x)
    return call("inv", x)[0]


def pinv(x: Node, atol: float | None, rtol: float | None) -> Node:
    """The pseudo-inverse: singular values of at most ``max(atol, rtol * largest)`` count as 0."""
    require_matrices("pinv", x)
    low, relative = cut(x, atol, rtol)
    return call("pinv", x, options=(low, relative))[0]


def cut(x: Node, atol: float | None, rtol: float | None) -> tuple[float, float]:
    """Below which singular values are 0, as a number and as a part of the largest one: by default
    the precision of the dtype times the larger size."""
    if rtol is None:
        precision = 2.0**-52 if x.dtype is float64 else 2.0**-23  # routines take no others
        rtol = 0.0 if atol is not None and atol > 0 else precision * max(x.shape[-2:])
    return float(atol or 0.0), float(rtol)


def solve(a: Node, b: Node, left: bool = True) -> Node:
    """X with ``a @ X = b``, or ``X @ a = b`` unless ``left``. ``b`` is a vector if it has one dim,
    or one less than ``a`` and the shape of a stack of vectors."""
    require_matrices("solve", a)
    if _is_vector(a, b):
        if not left:
            raise ShapeError(f"[solve] vectors of shape {b.shape} can only be solved for from left")
        return _without_last(solve(a, unsqueeze(b, -1)))
    if not left:
        return mT(solve(mT(a), mT(b)))
    return _solved("solve", a, b)


def _is_vector(a: Node, b: Node) -> bool:
    return b.ndim == 1 or (a.ndim - 1 == b.ndim and b.shape == a.shape[:-1])


def _without_last(x: Node) -> Node:
    """Without the last dim, of size 1."""
    return reshape(x, x.shape[:-1])


def _solved(op: str, a: Node, b: Node, options: tuple[bool, ...] = ()) -> Node:
    """What the routine ``op`` makes of both, with the leading dims that they broadcast to. One
    matrix for a stack is factorised once: the stack is so many columns."""
    require_matrices(op, b)
    if a.ndim == 2 and b.ndim > 2:
        columns = movedim(b, -2, 0)
        rows = columns.shape[0]
        flat = reshape(columns, (rows, math.prod(columns.shape[1:])))
        found = call(op, a, flat, options=options)[0]
        return movedim(reshape(found, columns.shape), 0, -2)
    batch = broadcast(op, a.shape[:-2], b.shape[:-2])
    a, b = (broadcast_to(x, (*batch, *x.shape[-2:])) for x in (a, b))
    return call(op, a, b, options=options)[0]


def solve_triangular(
    a: Node, b: Node, upper: bool, left: bool = True, unitriangular: bool = False
) -> Node:
    """As ``solve`` where only one triangle of ``a`` counts; a 0 on its diagonal gives infinity."""
    require_matrices("solve_triangular", a)
    require_matrices("solve_triangular", b)
    if not left:
        return mT(solve_triangular(mT(a), mT(b), not upper, True, unitriangular))
    return _solved("solve_triangular", a, b, (upper, unitriangular))


def lstsq(a: Node, b: Node, rcond: float | None) -> Node:
    """X of least ``|a @ X - b|``, and of those the smallest; ``b`` may be vectors as in solve."""
    require_matrices("lstsq", a)
    if a.ndim - 1 == b.ndim and b.shape == a.shape[:-1]:
        return _without_last(lstsq(a, unsqueeze(b, -1), rcond))
    require_matrices("lstsq", b)
    if a.shape[-2] != b.shape[-2]:
        raise ShapeError(
            f"[lstsq] matrices of shape {a.shape} and right-hand sides of shape {b.shape} do not "
            "fit: as many rows in both"
        )
    return matmul(pinv(a, None, rcond), b)


def cholesky_solve(b: Node, factor: Node, upper: bool) -> Node:
    """X with ``L @ L.mT @ X = b``."""
    lower = mT(factor) if upper else factor
    return solve_triangular(mT(lower), solve_triangular(lower, b, upper=False), upper=True)


def lu_solve(packed: Node, pivots: Node, b: Node, left: bool, adjoint: bool) -> Node:
    """X with ``A @ X = b`` (or ``X @ A = b``) by what ``lu_factor`` gives of A, or of its transpose
    if ``adjoint``."""
    if not left:
        return mT(lu_solve(packed, pivots, mT(b), True, not adjoint))
    p, lower, upper = lu_unpack(packed, pivots)
    if adjoint:
        inner = solve_triangular(mT(upper), b, upper=False)
        return matmul(p, solve_triangular(mT(lower), inner, upper=True, unitriangular=True))
    inner = solve_triangular(lower, matmul(mT(p), b), upper=False, unitriangular=True)
    return solve_triangular(upper, inner, upper=True)


# -- tensors as matrices -----------------------------------------------------------------------


def tensorinv(x: Node, ind: int) -> Node:
    """The inverse of ``x`` as a map from its dims after the first ``ind`` to those."""
    before, after = x.shape[:ind], x.shape[ind:]
    if ind <= 0 or math.prod(before) != math.prod(after):
        raise ShapeError(
            f"[tensorinv] the first {ind} dims of shape {x.shape} and the others must be at least "
            "one and have as many elements"
        )
    return reshape(inv(reshape(x, (math.prod(before), math.prod(after)))), (*after, *before))


def tensorsolve(a: Node, b: Node, dims: tuple[int, ...] | None) -> Node:
    """X with ``tensordot(a, X, X.ndim) = b``; ``dims`` of ``a`` are moved to its end first."""
    if dims is not None:
        moved = tuple(dim % a.ndim for dim in dims)
        a = permute(a, [*(d for d in range(a.ndim) if d not in moved), *moved])
    shape: Shape = a.shape[b.ndim :]
    if math.prod(shape) != b.size or a.size != b.size**2:
        raise ShapeError(f"[tensorsolve] shapes {a.shape} and {b.shape} do not fit")
    flat = solve(reshape(a, (b.size, b.size)), reshape(b, (b.size,)))
    return reshape(flat, shape)


# -- determinants ------------------------------------------------------------------------------


def det(x: Node) -> Node:
    """The determinant of square matrices."""
    require_matrices("det", x)
    return call("det", x)[0]


def slogdet(x: Node) -> tuple[Node, Node]:
    """The sign of the determinant and the logarithm of its absolute value: 0 and -inf of singular
    matrices."""
    require_matrices("slogdet", x)
    sign, logarithm = call("slogdet", x)
    return sign, logarithm


def logdet(x: Node) -> Node:
    """The logarithm of the determinant: -inf where that is 0, NaN where it is negative."""
    sign, logarithm = slogdet(x)
    return where(lt(sign, 0.0), math.nan, logarithm)
