"""Products of matrices: a broadcast product and ONE sum, the form that kernels recognise."""

from __future__ import annotations

from lazygrad import ops
from lazygrad.dtype import BOOL, accumulator, promote
from lazygrad.errors import DtypeError, ShapeError
from lazygrad.graph import Node, node
from lazygrad.lang.elementwise import add
from lazygrad.lang.movement import broadcast_to, reshape, transpose, unsqueeze
from lazygrad.lang.operands import cast
from lazygrad.lang.reduce import Axes, sum as sum_over
from lazygrad.shape import Shape, broadcast


def contract(left: Node, right: Node, axes: Axes) -> Node:
    """The sum over ``axes`` of the product of two Nodes that broadcast; ``axes`` are removed.

    Half precision is carried in float32; integers keep their dtype.
    """
    dtype = promote(left.dtype, right.dtype)
    carried = accumulator(dtype)
    left, right = cast(left, carried), cast(right, carried)
    shape = broadcast("contract", left.shape, right.shape)
    product = node(ops.MUL, (broadcast_to(left, shape), broadcast_to(right, shape)))
    return cast(sum_over(product, axes, dtype=carried), dtype)


def matmul(left: Node, right: Node) -> Node:
    """Matrix product as torch.matmul: 1-D operands are vectors, leading dims broadcast.

    Raises:
        ShapeError: if the summed sizes differ, or an operand is a scalar.
    """
    if left.ndim == 0 or right.ndim == 0:
        raise ShapeError(
            f"[matmul] shapes {left.shape} and {right.shape}: both operands need a dim; "
            "use * for scalars"
        )
    if left.dtype.kind == BOOL and right.dtype.kind == BOOL:
        raise DtypeError("[matmul] is not defined for bool; cast to int or float first")
    rows = reshape(left, (1, *left.shape)) if left.ndim == 1 else left
    columns = reshape(right, (*right.shape, 1)) if right.ndim == 1 else right
    if rows.shape[-1] != columns.shape[-2]:
        raise ShapeError(
            f"[matmul] shapes {left.shape} and {right.shape} do not fit: {left.shape[-1]} columns "
            f"on the left, {columns.shape[-2]} rows on the right"
        )
    batch = _batch(left, right, rows.shape[:-2], columns.shape[:-2])
    by_rows = unsqueeze(rows, -2)  # .., M, 1, K
    by_columns = unsqueeze(transpose(columns, -2, -1), -3)  # .., 1, N, K
    result = contract(by_rows, by_columns, -1)
    shape = batch
    shape += (rows.shape[-2],) if left.ndim > 1 else ()
    shape += (columns.shape[-1],) if right.ndim > 1 else ()
    return reshape(result, shape)


def _batch(left: Node, right: Node, above: Shape, below: Shape) -> Shape:
    """The common shape of two stacks of matrices."""
    try:
        return broadcast("matmul", above, below)
    except ShapeError:
        raise ShapeError(
            f"[matmul] shapes {left.shape} and {right.shape} are stacks of {above} and {below} "
            "matrices, which do not broadcast; reshape or expand one of them"
        ) from None


def dot(left: Node, right: Node) -> Node:
    """Inner product of two vectors of one length."""
    if left.ndim != 1 or left.shape != right.shape:
        raise ShapeError(
            f"[dot] needs two vectors of one length, got shapes {left.shape} and {right.shape}"
        )
    return matmul(left, right)


def outer(left: Node, right: Node) -> Node:
    """All products of the elements of two vectors, shape (len(left), len(right))."""
    if left.ndim != 1 or right.ndim != 1:
        raise ShapeError(f"[outer] needs two vectors, got shapes {left.shape} and {right.shape}")
    first, second = unsqueeze(left, 1), unsqueeze(right, 0)
    dtype = promote(left.dtype, right.dtype)
    shape = (left.shape[0], right.shape[0])
    return node(
        ops.MUL, (broadcast_to(cast(first, dtype), shape), broadcast_to(cast(second, dtype), shape))
    )


def linear(x: Node, weight: Node, bias: Node | None = None) -> Node:
    """``x @ weight.T + bias`` with weight (out, in): shape (.., in) to (.., out)."""
    if weight.ndim != 2 or x.ndim == 0 or x.shape[-1] != weight.shape[1]:
        raise ShapeError(
            f"[linear] input of shape {x.shape} does not fit weight of shape {weight.shape}; "
            "the last size of the input must be the weight's second"
        )
    if bias is not None and bias.shape not in (weight.shape[:1], (1,), ()):
        raise ShapeError(
            f"[linear] bias must have shape {weight.shape[:1]} for weight of shape {weight.shape}, "
            f"not {bias.shape}"
        )
    result = matmul(x, transpose(weight, 0, 1))
    return result if bias is None else add(result, bias)


def bmm(left: Node, right: Node) -> Node:
    """Products of two stacks of matrices, without broadcasting."""
    if left.ndim != 3 or right.ndim != 3 or left.shape[0] != right.shape[0]:
        raise ShapeError(
            f"[bmm] needs two stacks of as many matrices, got {left.shape} and {right.shape}"
        )
    return matmul(left, right)
