"""Linear equations: solutions, inverses, determinants."""

from __future__ import annotations

import numpy as np

from lazygrad.errors import ShapeError
from lazygrad.routines.decompositions import DIVERGED
from lazygrad.routines.routine import (
    Array,
    Routine,
    Shapes,
    Wanted,
    matrices,
    require_finite,
    square,
    transposed,
    tried,
)
from lazygrad.shape import Shape

SINGULAR = "is singular; see linalg.pinv and linalg.lstsq, which take such matrices as well"
BLOCK = 32  # rows of a triangle that are solved one by one


def _inv_shapes(x: Shape) -> Shapes:
    square("inv", x)
    return (x,)


def _inv(wanted: Wanted, x: Array) -> tuple[Array, ...]:
    return (tried(np.linalg.inv, SINGULAR, x),)


INV = Routine("inv", _inv_shapes, _inv, (0,), "the inverse")


def _solve_shapes(a: Shape, b: Shape) -> Shapes:
    return _solved("solve", a, b)


def _solved(name: str, a: Shape, b: Shape) -> Shapes:
    size = square(name, a)
    if matrices(name, b)[0] != size or a[:-2] != b[:-2]:
        raise ShapeError(
            f"[{name}] matrices of shape {a} and right-hand sides of shape {b} do not fit: as many "
            "rows in both, and stacks of one shape"
        )
    return (b,)


def _solve(wanted: Wanted, a: Array, b: Array) -> tuple[Array, ...]:
    return (tried(np.linalg.solve, SINGULAR, a, b),)


SOLVE = Routine("solve", _solve_shapes, _solve, (0,), "x with a x = b")


def _triangular_shapes(a: Shape, b: Shape, upper: bool, unit: bool) -> Shapes:
    return _solved("solve_triangular", a, b)


def _triangular(wanted: Wanted, a: Array, b: Array, upper: bool, unit: bool) -> tuple[Array, ...]:
    a, b = a.astype(np.float64), b.astype(np.float64)
    if upper:  # in the other order it is a lower one
        return (_forward(a[..., ::-1, ::-1], b[..., ::-1, :], unit)[..., ::-1, :],)
    return (_forward(a, b, unit),)


def _forward(a: Array, b: Array, unit: bool) -> Array:
    """Substitution in a lower triangle: halves of it, and row by row in small ones."""
    size = a.shape[-1]
    if size > BLOCK:
        half = size // 2
        first = _forward(a[..., :half, :half], b[..., :half, :], unit)
        rest = b[..., half:, :] - a[..., half:, :half] @ first
        return np.concatenate([first, _forward(a[..., half:, half:], rest, unit)], -2)
    x = b.copy()
    for row in range(size):
        x[..., row, :] -= (a[..., row : row + 1, :row] @ x[..., :row, :])[..., 0, :]
        if not unit:
            x[..., row, :] /= a[..., row, row, None]
    return x


SOLVE_TRIANGULAR = Routine(
    "solve_triangular", _triangular_shapes, _triangular, (0,),
    "x with a x = b; options: whether the triangle of a that counts is the upper one, and whether"
    " its diagonal is taken to be 1",
)  # fmt: skip


def _pinv_shapes(x: Shape, atol: float, rtol: float) -> Shapes:
    rows, columns = matrices("pinv", x)
    return ((*x[:-2], columns, rows),)


def _pinv(wanted: Wanted, x: Array, atol: float, rtol: float) -> tuple[Array, ...]:
    require_finite(x)
    u, s, vh = tried(lambda matrix: np.linalg.svd(matrix, False), DIVERGED, x.astype(np.float64))
    kept = s > np.maximum(atol, rtol * s[..., :1])
    inverse = np.where(kept, 1 / np.where(kept, s, 1), 0)
    return ((transposed(vh) * inverse[..., None, :]) @ transposed(u),)


PINV = Routine(
    "pinv", _pinv_shapes, _pinv, (0,),
    "the pseudo-inverse; options: which singular values count, those above the first number and"
    " above the second one times the largest",
)  # fmt: skip


def _det_shapes(x: Shape) -> Shapes:
    square("det", x)
    return (x[:-2],)


def _det(wanted: Wanted, x: Array) -> tuple[Array, ...]:
    return (np.linalg.det(x),)


DET = Routine("det", _det_shapes, _det, (1,), "the determinant")


def _slogdet_shapes(x: Shape) -> Shapes:
    square("slogdet", x)
    return x[:-2], x[:-2]


def _slogdet(wanted: Wanted, x: Array) -> tuple[Array, ...]:
    return tuple(np.linalg.slogdet(x))


SLOGDET = Routine(
    "slogdet", _slogdet_shapes, _slogdet, (1, 0),
    "the sign of the determinant, and the logarithm of its absolute value",
)  # fmt: skip


def _cofactors_shapes(x: Shape) -> Shapes:
    square("det", x)
    return (x,)


def _cofactors(wanted: Wanted, x: Array) -> tuple[Array, ...]:
    """By the singular values: the product of all but one needs no division."""
    finite = np.isfinite(x).all((-2, -1), keepdims=True)
    u, s, vh = tried(np.linalg.svd, DIVERGED, np.where(finite, x, 0).astype(np.float64))
    ones = np.ones_like(s[..., :1])
    before = np.cumprod(np.concatenate([ones, s[..., :-1]], -1), -1)
    after = np.cumprod(np.concatenate([ones, s[..., :0:-1]], -1), -1)[..., ::-1]
    sign = np.linalg.det(u) * np.linalg.det(vh)
    found = sign[..., None, None] * (u * (before * after)[..., None, :]) @ vh
    return (np.where(finite, found, np.nan),)


COFACTORS = Routine(
    "cofactors", _cofactors_shapes, _cofactors, (0,),
    "the derivative of the determinant by each element, of singular matrices as well",
)  # fmt: skip

ROWS = (INV, SOLVE, SOLVE_TRIANGULAR, PINV, DET, SLOGDET, COFACTORS)
