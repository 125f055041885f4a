"""Diagonals of two dims, read and written."""

from __future__ import annotations

from lazygrad import ops
from lazygrad.errors import AxisError, ShapeError
from lazygrad.graph import Node, Scalar, node
from lazygrad.lang.creation import positions
from lazygrad.lang.elementwise import add, where
from lazygrad.lang.movement import broadcast_to, movedim, pad, reshape, shear, shrink, unsqueeze
from lazygrad.lang.operands import full_like, zeros_like
from lazygrad.lang.reduce import sum as sum_over
from lazygrad.shape import normalize_axis


def _two_axes(op: str, dim1: int, dim2: int, ndim: int) -> tuple[int, int]:
    first, second = normalize_axis(op, dim1, ndim), normalize_axis(op, dim2, ndim)
    if first == second:
        raise AxisError(f"[{op}] a diagonal needs two dims, got {dim1} and {dim2}, which are one")
    return first, second


def diagonal(x: Node, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Node:
    """The elements ``x[.., i, i + offset]`` of two dims, as a new last dim.

    Raises:
        ShapeError: for a tensor of less than two dims.
    """
    if x.ndim < 2:
        raise ShapeError(f"[diagonal] needs 2 dims, got shape {x.shape}")
    first, second = _two_axes("diagonal", dim1, dim2, x.ndim)
    x = movedim(x, (first, second), (-2, -1))
    *lead, rows, columns = x.shape
    start, row = max(offset, 0), max(-offset, 0)
    size = max(min(rows - row, columns - start), 0)
    if not size:
        return reshape(shrink(x, [*((0, n) for n in lead), (0, 0), (0, 0)]), (*lead, 0))
    kept = shrink(x, [*((0, n) for n in lead), (row, row + size), (start, start + size)])
    # what lies in row k of column k, for every k, as one row
    turned = shear(kept, x.ndim - 2, x.ndim - 1, 1, 0, 1)
    return reshape(turned, (*lead, size))


def diag_embed(x: Node, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Node:
    """Matrices over two new dims with the last dim of ``x`` on a diagonal, zeros elsewhere.

    Raises:
        ShapeError: for a scalar.
    """
    if not x.ndim:
        raise ShapeError("[diag_embed] needs a dim, got a scalar")
    first, second = _two_axes("diag_embed", dim1, dim2, x.ndim + 1)
    above, below = max(offset, 0), max(-offset, 0)
    size = x.shape[-1] + above + below
    edge = [(0, 0)] * (x.ndim - 1)
    spread = broadcast_to(
        unsqueeze(pad(x, [*edge, (above, below)]), -2), (*x.shape[:-1], size, size)
    )
    row, column = positions(spread, x.ndim - 1), positions(spread, x.ndim)
    away = node(ops.NE, (add(row, offset), column))
    return movedim(where(away, zeros_like(spread), spread), (-2, -1), (first, second))


def diag(x: Node, diagonal_: int = 0) -> Node:
    """The matrix with a vector on its diagonal, or the diagonal of a matrix."""
    if x.ndim not in (1, 2):
        raise ShapeError(f"[diag] needs a vector or a matrix, got shape {x.shape}")
    return diag_embed(x, diagonal_) if x.ndim == 1 else diagonal(x, diagonal_)


def fill_diagonal(x: Node, value: Scalar, wraps: bool = False) -> Node:
    """``value`` where all positions are equal; of tall matrices in every block if ``wraps``."""
    if x.ndim < 2 or (x.ndim > 2 and len(set(x.shape)) > 1):
        raise ShapeError(f"[fill_diagonal_] needs a matrix, or equal dims, got shape {x.shape}")
    if not x.size:
        return x
    row = positions(x, 0)
    if wraps and x.ndim == 2:
        row = node(ops.MOD, (row, full_like(row, x.shape[1] + 1)))
    away: Node | None = None
    for axis in range(1, x.ndim):
        differs = node(ops.NE, (row, positions(x, axis)))
        away = differs if away is None else node(ops.ADD, (away, differs))
    return x if away is None else where(away, x, full_like(x, value))


def trace(x: Node) -> Node:
    """Sum of a matrix's diagonal; of integers int64."""
    if x.ndim != 2:
        raise ShapeError(f"[trace] needs a matrix, got shape {x.shape}")
    return sum_over(diagonal(x), 0)
