"""The exponential of a matrix."""

from __future__ import annotations

import numpy as np

from lazygrad.routines.routine import Array, Routine, Shapes, Wanted, square
from lazygrad.shape import Shape

# N. J. Higham, The scaling and squaring method for the matrix exponential revisited, SIAM J.
# Matrix Anal. Appl. 26 (2005): the approximant of degree 13 is exact in double precision for
# matrices whose 1-norm is at most LARGEST.
LARGEST = 5.371920351148152
COEFFICIENTS = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0,
    129060195264000.0, 10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0,
    960960.0, 16380.0, 182.0, 1.0,
)  # fmt: skip


def _shapes(x: Shape) -> Shapes:
    square("matrix_exp", x)
    return (x,)


def _matrix_exp(wanted: Wanted, x: Array) -> tuple[Array, ...]:
    x = x.astype(np.float64)
    norm = np.abs(x).sum(-2).max(-1)
    finite = np.isfinite(norm)
    with np.errstate(all="ignore"):
        halvings = np.ceil(np.log2(np.where(finite & (norm > LARGEST), norm / LARGEST, 1)))
    x = np.where(finite[..., None, None], x, 0) / 2.0 ** halvings[..., None, None]
    result = _approximant(x)
    for step in range(int(halvings.max())):
        result = np.where((step < halvings)[..., None, None], result @ result, result)
    return (np.where(finite[..., None, None], result, np.nan),)


def _approximant(x: Array) -> Array:
    b = COEFFICIENTS
    one = np.eye(x.shape[-1])
    x2 = x @ x
    x4 = x2 @ x2
    x6 = x2 @ x4
    odd = (
        x6 @ (b[13] * x6 + b[11] * x4 + b[9] * x2) + b[7] * x6 + b[5] * x4 + b[3] * x2 + b[1] * one
    )
    even = (
        x6 @ (b[12] * x6 + b[10] * x4 + b[8] * x2) + b[6] * x6 + b[4] * x4 + b[2] * x2 + b[0] * one
    )
    odd = x @ odd
    found: Array = np.linalg.solve(even - odd, even + odd)
    return found


ROWS = (Routine("matrix_exp", _shapes, _matrix_exp, (0,), "the exponential of a matrix"),)
