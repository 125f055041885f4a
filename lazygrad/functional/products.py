"""Products and views of matrices as torch.linalg has them, which differ from torch's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lazygrad.arguments import require_range
from lazygrad.bridge import read, wrap
from lazygrad.errors import ShapeError
from lazygrad.graph import Node
from lazygrad.lang import chains, diagonals, join, linalg, movement, transcendental
from lazygrad.public import public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The vector product along ``dim``, of size 3.

    >>> lazygrad.linalg.cross(Tensor([[1, 0, 0]]), Tensor([[0, 1, 0]])).tolist()
    [[0, 0, 1]]
    """
    left, right = read(input), read(other)
    if left.ndim != right.ndim:
        raise ShapeError(
            f"[cross] needs as many dims, got shapes {left.shape} and {right.shape}; unsqueeze one"
        )
    return wrap(linalg.cross(left, right, dim))


@public
def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices, as a new last dim.

    >>> lazygrad.linalg.diagonal(lazygrad.zeros(5, 2, 3)).shape
    (5, 2)
    """
    return wrap(diagonals.diagonal(read(A), offset, dim1, dim2))


@public
def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """The product of at least two matrices, in the order of multiplications that costs least; the
    first and the last may be vectors, a row and a column.

    Raises:
        ShapeError: for fewer, or for others.

    >>> lazygrad.linalg.multi_dot([lazygrad.ones(3), lazygrad.ones(3, 2), lazygrad.ones(2)]).item()
    6.0
    """
    given = [read(x) for x in tensors]
    if len(given) < 2:
        raise ShapeError(f"[multi_dot] needs at least 2 tensors, got {len(given)}")
    row, column = given[0].ndim == 1, given[-1].ndim == 1
    given[0] = movement.unsqueeze(given[0], 0) if row else given[0]
    given[-1] = movement.unsqueeze(given[-1], 1) if column else given[-1]
    product = chains.chain("multi_dot", given)
    shape = product.shape[int(row) : 2 - int(column)]
    return wrap(movement.reshape(product, shape))


@public
def vander(x: Tensor, N: int | None = None) -> Tensor:
    """The powers 0, 1, .. N - 1 (by default as many as elements) of vectors (.., n): (.., n, N).

    >>> lazygrad.linalg.vander(Tensor([2, 3]), 3).tolist()
    [[1, 2, 4], [1, 3, 9]]
    """
    own = read(x)
    if not own.ndim:
        raise ShapeError("[vander] needs vectors, at least 1 dim, got a scalar")
    count = own.shape[-1] if N is None else N
    require_range("vander", 1, N=count)
    powers: list[Node] = [transcendental.pow(own, power) for power in range(count)]
    return wrap(join.stack(powers, -1))
