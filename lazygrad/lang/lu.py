"""Elimination: P, L and U, and the forms in which they are handed on."""

from __future__ import annotations

from typing import NamedTuple

from lazygrad import element_types as dt
from lazygrad.errors import ShapeError
from lazygrad.graph import Node
from lazygrad.lang.calls import call
from lazygrad.lang.comparison import eq
from lazygrad.lang.creation import full, tril, triu
from lazygrad.lang.decompositions import require_matrices
from lazygrad.lang.diagonals import diagonal
from lazygrad.lang.elementwise import add, surrogate, where
from lazygrad.lang.join import cat
from lazygrad.lang.linalg import matmul
from lazygrad.lang.matrices import mT
from lazygrad.lang.movement import narrow
from lazygrad.lang.operands import cast, ones_like
from lazygrad.lang.reduce import any as any_of, argmax


class Factors(NamedTuple):
    """``p @ lower @ upper``, and which row, counted from 1, each row was exchanged with."""

    p: Node
    lower: Node
    upper: Node
    pivots: Node


def factors(op: str, x: Node) -> Factors:
    """Those of matrices of any shape. The routine has derivatives of square ones, of which the
    others are made: of the first columns, or of the rows that come first."""
    require_matrices(op, x)
    rows, columns = x.shape[-2:]
    if rows < columns:
        first = Factors(*call("lu", narrow(x, -1, 0, rows)))
        rest = matmul(mT(first.p), narrow(x, -1, rows, columns - rows))
        (beside,) = call("solve_triangular", first.lower, rest, options=(False, True))
        return first._replace(upper=cat([first.upper, beside], -1))
    found = Factors(*call("lu", x))
    if rows == columns:
        return found
    ordered = matmul(mT(found.p), x)
    _, lower, upper, _ = call("lu", narrow(ordered, -2, 0, columns))  # exchanges none of them
    under = mT(narrow(ordered, -2, columns, rows - columns))
    (below,) = call("solve_triangular", mT(upper), under, options=(False, False))
    return found._replace(
        lower=surrogate(found.lower, cat([lower, mT(below)], -2)),
        upper=surrogate(found.upper, upper),
    )


def lu(x: Node) -> tuple[Node, Node, Node]:
    """P, L and U, whose product is ``x``."""
    return factors("lu", x)[:3]


def lu_factor(x: Node) -> tuple[Node, Node]:
    """L below the diagonal and U above it as one matrix, and which row, counted from 1, each row
    was exchanged with, int32."""
    _, lower, upper, pivots = factors("lu_factor", x)
    rows, columns = x.shape[-2:]
    lower = tril(lower, -1)
    size = min(rows, columns)
    if rows > columns:
        top = add(narrow(lower, -2, 0, size), upper)
        packed = cat([top, narrow(lower, -2, size, rows - size)], -2)
    elif columns > rows:
        left = add(lower, narrow(upper, -1, 0, size))
        packed = cat([left, narrow(upper, -1, size, columns - size)], -1)
    else:
        packed = add(lower, upper)
    return packed, cast(pivots, dt.int32)


def first_zero(packed: Node) -> Node:
    """The place, from 1, of the first 0 on each diagonal, or 0, int32."""
    zero = eq(diagonal(packed, 0, -2, -1), 0.0)
    if not zero.shape[-1]:
        return full(zero.shape[:-1], 0, dt.int32, packed.device)
    place = add(argmax(cast(zero, dt.int32), -1), 1)
    return cast(where(any_of(zero, -1), place, 0), dt.int32)


def lu_unpack(packed: Node, pivots: Node) -> tuple[Node, Node, Node]:
    """P, L and U of what ``lu_factor`` gives."""
    require_matrices("lu_unpack", packed)
    rows, columns = packed.shape[-2:]
    size = min(rows, columns)
    if pivots.shape != (*packed.shape[:-2], size):
        raise ShapeError(
            f"[lu_unpack] pivots of shape {pivots.shape} do not fit matrices of shape "
            f"{packed.shape}: one for each of {size} steps"
        )
    lower = tril(narrow(packed, -1, 0, size), -1)
    ones = triu(tril(ones_like(lower)))
    upper = triu(narrow(packed, -2, 0, size))
    (p,) = call("permutation", cast(pivots, packed.dtype), options=(rows,))
    return p, add(lower, ones), upper
