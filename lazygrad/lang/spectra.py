"""What singular values tell of matrices: norms, conditions, ranks; and their exponential."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lazygrad import element_types as dt
from lazygrad.element_types import FLOAT, DType
from lazygrad.errors import AxisError, DtypeError, ShapeError, ValueRangeError
from lazygrad.graph import Node
from lazygrad.lang.calls import call
from lazygrad.lang.comparison import eq, gt
from lazygrad.lang.decompositions import eigh, require_matrices, svd
from lazygrad.lang.elementwise import abs as absolute, div, maximum, mul, reciprocal, where
from lazygrad.lang.linalg import matmul
from lazygrad.lang.matrices import identity, mT
from lazygrad.lang.movement import broadcast_to, movedim, narrow, unsqueeze
from lazygrad.lang.norms import vector_norm
from lazygrad.lang.operands import Operand, cast, widened
from lazygrad.lang.reduce import amax, amin, sum as sum_over
from lazygrad.lang.solving import cut, det, inv
from lazygrad.shape import normalize_axis

NORMS = ("fro", "nuc", math.inf, -math.inf, 1, -1, 2, -2)

Ord = float | str


def svdvals(x: Node) -> Node:
    """The singular values, descending."""
    return svd(x, False)[1]


def matrix_norm(
    x: Node, order: Ord, dims: Sequence[int], keepdim: bool = False, dtype: DType | None = None
) -> Node:
    """A norm of the matrices over two dims: of all elements ("fro"), or of the singular values the
    sum ("nuc"), the largest (2) or the smallest (-2); or the largest or smallest sum of magnitudes
    of a column (1, -1) or a row (inf, -inf)."""
    if order not in NORMS:
        raise ValueRangeError(
            f'[matrix_norm] ord must be "fro", "nuc", inf, -inf, 1, -1, 2 or -2, got {order!r}'
        )
    require_matrices("matrix_norm", x)
    if len(dims) != 2:
        raise AxisError(f"[matrix_norm] dim must be two dims, got {tuple(dims)}")
    rows, columns = (normalize_axis("matrix_norm", dim, x.ndim) for dim in dims)
    if rows == columns:
        raise AxisError(f"[matrix_norm] dim must be two dims, got {tuple(dims)}")
    x = x if dtype is None else cast(x, dtype)
    if order == "fro":
        return vector_norm(x, 2.0, (rows, columns), keepdim)
    found = _reduced(movedim(x, (rows, columns), (-2, -1)), order)
    if not keepdim:
        return found
    for axis in sorted((rows, columns)):
        found = unsqueeze(found, axis)
    return found


def _reduced(x: Node, order: Ord) -> Node:
    """The norm over the last two dims."""
    if x.dtype.kind != FLOAT:
        raise DtypeError(f"[matrix_norm] needs floats, got {x.dtype.name}; cast it first")
    if order == "nuc":
        return sum_over(svdvals(x), -1)
    most = order if isinstance(order, str) else abs(order)
    values = svdvals(x) if most == 2 else _sums(x, -2 if most == 1 else -1)
    if not values.shape[-1]:
        raise ShapeError(f"[matrix_norm] ord={order} needs elements, got shape {x.shape}")
    largest = not isinstance(order, str) and order > 0
    return amax(values, -1) if largest else amin(values, -1)


def _sums(x: Node, axis: int) -> Node:
    return cast(sum_over(absolute(widened(x)), axis), x.dtype)


def cond(x: Node, order: Ord | None) -> Node:
    """How much solving with a matrix may amplify errors: its norm times that of its inverse, which
    is infinite if it is singular."""
    require_matrices("cond", x)
    if order is None or order in (2, -2):
        values = svdvals(x)
        size = values.shape[-1]
        first, last = narrow(values, -1, 0, 1), narrow(values, -1, size - 1, 1)
        ratio = div(last, first) if order == -2 else div(first, last)
        return sum_over(ratio, -1)
    regular, singular = replaced(x)
    product = mul(matrix_norm(x, order, (-2, -1)), matrix_norm(inv(regular), order, (-2, -1)))
    return where(singular, math.inf, product)


def replaced(x: Node) -> tuple[Node, Node]:
    """Matrices with the identity in place of the singular ones, and which those are."""
    singular = eq(det(x), 0.0)
    chosen = broadcast_to(unsqueeze(unsqueeze(singular, -1), -1), x.shape)
    return where(chosen, broadcast_to(identity(x), x.shape), x), singular


def matrix_rank(x: Node, atol: Operand | None, rtol: Operand | None, hermitian: bool) -> Node:
    """How many singular values are above ``max(atol, rtol * largest)``, int64."""
    require_matrices("matrix_rank", x)
    values = absolute(eigh(x, "L")[0]) if hermitian else svdvals(x)
    return sum_over(_counting(x, values, atol, rtol), -1)


def pinv(x: Node, atol: Operand | None, rtol: Operand | None) -> Node:
    """As ``solving.pinv``, of tolerances that are a number or one for each matrix; its derivative
    is that of the singular value decomposition."""
    require_matrices("pinv", x)
    u, values, vh = svd(x, False)
    counting = _counting(x, values, atol, rtol)
    inverse = where(counting, reciprocal(where(counting, values, 1.0)), 0.0)
    return matmul(mul(mT(vh), unsqueeze(inverse, -2)), mT(u))


def _counting(x: Node, values: Node, atol: Operand | None, rtol: Operand | None) -> Node:
    """Bool: which singular values of ``x`` are above ``max(atol, rtol * largest)``."""
    if not values.shape[-1]:
        return cast(values, dt.bool_)
    low: Operand = 0.0 if atol is None else atol
    relative: Operand = cut(x, _number(atol), None)[1] if rtol is None else rtol
    limit = maximum(mul(amax(values, -1), relative), low)
    return gt(values, unsqueeze(limit, -1))


def _number(tolerance: Operand | None) -> float | None:
    """A tensor counts as more than 0, as in PyTorch."""
    return 1.0 if isinstance(tolerance, Node) else tolerance


def matrix_exp(x: Node) -> Node:
    """The exponential of square matrices; of halves computed in float32."""
    require_matrices("matrix_exp", x)
    return cast(call("matrix_exp", cast(x, dt.accumulator(x.dtype)))[0], x.dtype)
