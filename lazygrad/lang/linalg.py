"""Products of matrices: a broadcast product and ONE sum, the form that kernels recognise."""

from __future__ import annotations

from collections.abc import Sequence

from lazygrad import ops
from lazygrad.element_types import BOOL, accumulator, promote
from lazygrad.errors import DtypeError, ShapeError
from lazygrad.graph import Node, Scalar, node
from lazygrad.lang.creation import eye
from lazygrad.lang.elementwise import add, mul, scaled, sub
from lazygrad.lang.join import roll
from lazygrad.lang.movement import broadcast_to, permute, reshape, transpose, unsqueeze
from lazygrad.lang.operands import cast
from lazygrad.lang.reduce import Axes, sum as sum_over
from lazygrad.shape import Shape, broadcast, normalize_axis


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


def scaled_sum(op: str, x: Node, product: Node, beta: Scalar, alpha: Scalar) -> Node:
    """``beta * x + alpha * product``, where ``x`` broadcasts; with ``beta`` 0 it does not count,
    NaN or not.

    Raises:
        ShapeError: if ``x`` does not broadcast to the product.
        DtypeError: for another dtype.
    """
    if x.dtype is not product.dtype:
        raise DtypeError(f"[{op}] dtypes {x.dtype.name} and {product.dtype.name} differ; cast one")
    if broadcast(op, x.shape, product.shape) != product.shape:
        raise ShapeError(f"[{op}] input of shape {x.shape} does not broadcast to {product.shape}")
    product = scaled(product, alpha)
    if beta == 0:
        return product
    return add(scaled(x, beta), product)


def require_dims(op: str, *given: tuple[Node, int]) -> None:
    """Each has so many dims.

    Raises:
        ShapeError: if one has not.
    """
    if any(x.ndim != ndim for x, ndim in given):
        wanted = ", ".join(str(ndim) for _, ndim in given)
        listed = " and ".join(str(x.shape) for x, _ in given)
        raise ShapeError(f"[{op}] needs tensors of {wanted} dims, got shapes {listed}")


def tensordot(left: Node, right: Node, left_axes: Sequence[int], right_axes: Sequence[int]) -> Node:
    """The sum over pairs of dims of the product of all other ones.

    Raises:
        ShapeError: for pairs that differ in size, or dims that do not pair up.
    """
    first = [normalize_axis("tensordot", axis, left.ndim) for axis in left_axes]
    second = [normalize_axis("tensordot", axis, right.ndim) for axis in right_axes]
    sizes = [left.shape[a] for a in first], [right.shape[a] for a in second]
    if sizes[0] != sizes[1]:
        raise ShapeError(
            f"[tensordot] dims {tuple(left_axes)} of shape {left.shape} and {tuple(right_axes)} of "
            f"shape {right.shape} are to be summed together, but differ"
        )
    rows = [a for a in range(left.ndim) if a not in first]
    columns = [a for a in range(right.ndim) if a not in second]
    left, right = permute(left, [*rows, *first]), permute(right, [*columns, *second])
    count, width = len(rows), len(columns)
    left = reshape(left, (*left.shape[:count], *(1,) * width, *left.shape[count:]))
    kept = count + width
    return contract(left, right, range(kept, kept + len(first)))


def kron(left: Node, right: Node) -> Node:
    """Each element of ``left`` times all of ``right``, in its place."""
    ndim = max(left.ndim, right.ndim)
    first = (1,) * (ndim - left.ndim) + left.shape
    second = (1,) * (ndim - right.ndim) + right.shape
    spread_left = [n for size in first for n in (size, 1)]
    spread_right = [n for size in second for n in (1, size)]
    product = mul(reshape(left, spread_left), reshape(right, spread_right))
    return reshape(product, [a * b for a, b in zip(first, second, strict=True)])


def cross(left: Node, right: Node, dim: int | None) -> Node:
    """The vector product along ``dim``, of size 3 (default: the first such dim).

    Raises:
        ShapeError: if there is none.
    """
    shape = broadcast("cross", left.shape, right.shape)
    if dim is None:
        dim = shape.index(3) if 3 in shape else 0
    axis = normalize_axis("cross", dim, len(shape))
    sizes = {x.shape[axis - len(shape)] for x in (left, right) if x.ndim + axis >= len(shape)}
    if sizes != {3}:
        raise ShapeError(f"[cross] needs a dim of size 3, got shapes {left.shape}, {right.shape}")
    left, right = broadcast_to(left, shape), broadcast_to(right, shape)
    first = mul(roll(left, -1, axis), roll(right, -2, axis))
    return sub(first, mul(roll(left, -2, axis), roll(right, -1, axis)))


def matrix_power(x: Node, n: int) -> Node:
    """A square matrix, or a stack of them, times itself, by squaring.

    Raises:
        ShapeError: unless the matrices are square.
    """
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"[matrix_power] needs square matrices, got shape {x.shape}")
    if n == 0:
        return broadcast_to(eye(x.shape[-1], x.shape[-1], x.dtype, x.device), x.shape)
    result: Node | None = None
    while n:
        if n & 1:
            result = x if result is None else matmul(result, x)
        n >>= 1
        if n:
            x = matmul(x, x)
    return x if result is None else result


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
