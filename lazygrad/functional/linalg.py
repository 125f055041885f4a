"""Products of vectors and matrices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from lazygrad.arguments import require_range, shown
from lazygrad.bridge import optional, read, wrap
from lazygrad.errors import ArgumentError, ShapeError
from lazygrad.functional.arguments import Number
from lazygrad.functional.joining import listed
from lazygrad.graph import Node
from lazygrad.handle import Handle
from lazygrad.lang import (
    chains,
    diagonals,
    elementwise,
    join,
    linalg,
    movement,
    solving,
    transcendental,
)
from lazygrad.public import alias, public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """Matrix product; vectors and stacks of matrices as in torch.matmul.

    >>> lazygrad.matmul(lazygrad.ones(5, 1, 2, 3), lazygrad.ones(4, 3, 6)).shape
    (5, 4, 2, 6)
    >>> (Tensor([[1, 2], [3, 4]]) @ Tensor([1, 1])).tolist()
    [3, 7]
    """
    return wrap(linalg.matmul(read(input), read(other)))


@public
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """Products of two stacks of matrices.

    >>> lazygrad.bmm(lazygrad.ones(5, 2, 3), lazygrad.ones(5, 3, 4)).shape
    (5, 2, 4)
    """
    return wrap(linalg.bmm(read(input), read(mat2)))


@public
def dot(input: Tensor, other: Tensor) -> Tensor:
    """Inner product of two vectors.

    >>> Tensor([1, 2, 3]).dot(Tensor([4, 5, 6])).item()
    32
    """
    return wrap(linalg.dot(read(input), read(other)))


@public
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """All products of two vectors' elements.

    >>> Tensor([1, 2]).outer(Tensor([3, 4])).tolist()
    [[3, 4], [6, 8]]
    """
    return wrap(linalg.outer(read(input), read(vec2)))


@public
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``input @ weight.T + bias``

    >>> weight, bias = Tensor([[3.0, 4.0], [5.0, 6.0]]), Tensor([0.5, 0.0])
    >>> F.linear(Tensor([[1.0, 2.0]]), weight, bias).tolist()
    [[11.5, 17.0]]
    """
    return wrap(linalg.linear(read(input), read(weight), optional(bias)))


@public
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """Product of two matrices.

    >>> Tensor([[1, 2], [3, 4]]).mm(Tensor([[0, 1], [1, 0]])).tolist()
    [[2, 1], [4, 3]]
    """
    left, right = read(input), read(mat2)
    linalg.require_dims("mm", (left, 2), (right, 2))
    return wrap(linalg.matmul(left, right))


@public
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """Product of a matrix and a vector.

    >>> Tensor([[1, 2], [3, 4]]).mv(Tensor([1, 10])).tolist()
    [21, 43]
    """
    left, right = read(input), read(vec)
    linalg.require_dims("mv", (left, 2), (right, 1))
    return wrap(linalg.matmul(left, right))


@public
def inner(input: Tensor, other: Tensor) -> Tensor:
    """The sum over the last dims of the product of all other ones; with a scalar the product.

    >>> lazygrad.inner(lazygrad.ones(2, 3), lazygrad.ones(4, 3)).shape
    (2, 4)
    """
    left, right = read(input), read(other)
    if not left.ndim or not right.ndim:
        return wrap(elementwise.mul(left, right))
    return wrap(linalg.tensordot(left, right, [-1], [-1]))


@public
def chain_matmul(*matrices: Any) -> Tensor:
    """The product of matrices, in the order of multiplications that costs least.

    >>> lazygrad.chain_matmul(lazygrad.ones(2, 9), lazygrad.eye(9), lazygrad.ones(9, 1)).tolist()
    [[9.0], [9.0]]
    """
    given = [read(x) for x in listed("chain_matmul", matrices)]
    return wrap(chains.chain("chain_matmul", given))


@public
def matrix_power(input: Tensor, n: int) -> Tensor:
    """Square matrices to a power; below 0, of their inverses.

    >>> Tensor([[1.0, 1.0], [0.0, 1.0]]).matrix_power(-3).tolist()
    [[1.0, -3.0], [0.0, 1.0]]
    """
    own = read(input)
    return wrap(linalg.matrix_power(solving.inv(own) if n < 0 else own, abs(n)))


@public
def trace(input: Tensor) -> Tensor:
    """Sum of a matrix's diagonal.

    >>> Tensor([[1, 2], [3, 4]]).trace().item()
    5
    """
    return wrap(diagonals.trace(read(input)))


@public
def tensordot(
    a: Tensor, b: Tensor, dims: int | Sequence[int] | Sequence[Sequence[int]] | Tensor = 2
) -> Tensor:
    """The sum over pairs of dims of the product of all other ones.

    Args:
        dims: how many, the last of ``a`` with the first of ``b``; or those of ``a`` and of ``b``.

    >>> a, b = lazygrad.ones(2, 3, 4), lazygrad.ones(4, 3, 5)
    >>> lazygrad.tensordot(a, b, dims=([1, 2], [1, 0])).shape
    (2, 5)
    """
    first, second = read(a), read(b)
    pairs: Any = dims.tolist() if isinstance(dims, Handle) else dims
    if isinstance(pairs, int):
        require_range("tensordot", 0, min(first.ndim, second.ndim), dims=pairs)
        pairs = range(first.ndim - pairs, first.ndim), range(pairs)
    listed = [[d] if isinstance(d, int) else d for d in pairs]
    whole = all(isinstance(d, Iterable) and all(isinstance(n, int) for n in d) for d in listed)
    if len(listed) != 2 or not whole:
        raise ArgumentError(
            f"[tensordot] dims must be a number of dims, or those of a and those of b, got "
            f"{shown(dims)}"
        )
    left, right = map(list, listed)
    return wrap(linalg.tensordot(first, second, left, right))


@public
def kron(input: Tensor, other: Tensor) -> Tensor:
    """Each element of ``input`` times all of ``other``, in its place.

    >>> Tensor([1, 10]).kron(Tensor([1, 2, 3])).tolist()
    [1, 2, 3, 10, 20, 30]
    """
    return wrap(linalg.kron(read(input), read(other)))


@public
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """The vector product along ``dim``, of size 3; by default the first such dim.

    >>> Tensor([1, 0, 0]).cross(Tensor([0, 1, 0])).tolist()
    [0, 0, 1]
    """
    return wrap(linalg.cross(read(input), read(other), dim))


@public
def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of a vector's elements, a column each: (n, N), from the highest power on.

    >>> lazygrad.vander(Tensor([2, 3]), 3).tolist()
    [[4, 2, 1], [9, 3, 1]]
    """
    own = read(x)
    linalg.require_dims("vander", (own, 1))
    count = own.shape[0] if N is None else N
    require_range("vander", 0, N=count)
    powers = [transcendental.pow(own, k) for k in range(count)]
    if not powers:
        return wrap(movement.reshape(movement.narrow(own, 0, 0, 0), (own.shape[0], 0)))
    return wrap(join.stack(powers if increasing else powers[::-1], 1))


# -- products added to something -------------------------------------------------------------------


@public
def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Number = 1, alpha: Number = 1
) -> Tensor:
    """``beta * input + alpha * (mat1 @ mat2)``

    >>> lazygrad.addmm(Tensor([10, 20]), Tensor([[1, 2]]), Tensor([[3, 4], [5, 6]])).tolist()
    [[23, 36]]
    """
    left, right = read(mat1), read(mat2)
    linalg.require_dims("addmm", (left, 2), (right, 2))
    return _added("addmm", input, linalg.matmul(left, right), beta, alpha)


@public
def addmv(
    input: Tensor, mat: Tensor, vec: Tensor, *, beta: Number = 1, alpha: Number = 1
) -> Tensor:
    """``beta * input + alpha * (mat @ vec)``

    >>> lazygrad.addmv(Tensor([1.0]), Tensor([[1.0, 2.0]]), Tensor([3.0, 4.0]), beta=0.5).tolist()
    [11.5]
    """
    left, right = read(mat), read(vec)
    linalg.require_dims("addmv", (left, 2), (right, 1))
    return _added("addmv", input, linalg.matmul(left, right), beta, alpha)


@public
def addr(
    input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Number = 1, alpha: Number = 1
) -> Tensor:
    """``beta * input + alpha * outer(vec1, vec2)``

    >>> lazygrad.addr(lazygrad.zeros(2, 2), Tensor([1.0, 2.0]), Tensor([3.0, 4.0])).tolist()
    [[3.0, 4.0], [6.0, 8.0]]
    """
    return _added("addr", input, linalg.outer(read(vec1), read(vec2)), beta, alpha)


@public
def baddbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1
) -> Tensor:
    """``beta * input + alpha * bmm(batch1, batch2)``

    >>> batch1, batch2 = lazygrad.ones(5, 2, 3), lazygrad.ones(5, 3, 4)
    >>> lazygrad.baddbmm(lazygrad.ones(1, 1, 4), batch1, batch2).shape
    (5, 2, 4)
    """
    return _added("baddbmm", input, linalg.bmm(read(batch1), read(batch2)), beta, alpha)


@public
def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1
) -> Tensor:
    """``beta * input + alpha * bmm(batch1, batch2).sum(0)``

    >>> lazygrad.addbmm(Tensor([[1.0]]), lazygrad.ones(5, 1, 3), lazygrad.ones(5, 3, 1)).tolist()
    [[16.0]]
    """
    left, right = read(batch1), read(batch2)
    linalg.require_dims("addbmm", (left, 3), (right, 3))
    if left.shape[0] != right.shape[0]:
        raise ShapeError(f"[addbmm] {left.shape[0]} and {right.shape[0]} matrices do not pair up")
    product = linalg.tensordot(left, right, [0, 2], [0, 1])
    return _added("addbmm", input, product, beta, alpha)


def _added(op: str, input: Tensor, product: Node, beta: Number, alpha: Number) -> Tensor:
    return wrap(linalg.scaled_sum(op, read(input), product, beta, alpha), op)


ger = alias(outer, "ger")
vdot = alias(dot, "vdot")
