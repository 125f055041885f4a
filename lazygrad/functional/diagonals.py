"""Diagonals of two dims, read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lazygrad import element_types as dt
from lazygrad.aliases import view_of
from lazygrad.bridge import read, wrap, wrap as _made
from lazygrad.errors import ShapeError
from lazygrad.functional.arguments import Number
from lazygrad.graph import Node
from lazygrad.lang import diagonals, movement, operands
from lazygrad.public import public
from lazygrad.writes import put

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of two dims as a new last dim; above the main one for a positive ``offset``.

    >>> x = lazygrad.arange(6).reshape(2, 3)
    >>> x.diagonal(1).tolist()
    [1, 5]
    """
    return view_of(input, diagonals.diagonal, offset, dim1, dim2)


@public
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """The matrix with a vector on its diagonal, or the diagonal of a matrix.

    >>> Tensor([1, 2]).diag(1).tolist()
    [[0, 1, 0], [0, 0, 2], [0, 0, 0]]
    """
    return wrap(diagonals.diag(read(input), diagonal))


@public
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices over two new dims with the last dim on a diagonal, zeros elsewhere.

    >>> Tensor([[1, 2], [3, 4]]).diag_embed().tolist()
    [[[1, 0], [0, 2]], [[3, 0], [0, 4]]]
    """
    return wrap(diagonals.diag_embed(read(input), offset, dim1, dim2))


@public
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """The matrix with all elements on a diagonal.

    >>> Tensor([[1, 2], [3, 4]]).diagflat().shape
    (4, 4)
    """
    return wrap(diagonals.diag_embed(movement.flatten(read(input)), offset))


@public
def fill_diagonal(input: Tensor, fill_value: Number, wrap: bool = False) -> Tensor:
    """``fill_value`` on the diagonal of a matrix, or of a tensor whose dims are all equal; of tall
    matrices again after each block if ``wrap``.

    Raises:
        ShapeError: for less than two dims, or more that differ.

    >>> lazygrad.zeros(2, 3).fill_diagonal_(5).tolist()
    [[5.0, 0.0, 0.0], [0.0, 5.0, 0.0]]
    """
    dt.require_fit("fill_diagonal_", fill_value, input.dtype)
    return _made(diagonals.fill_diagonal(read(input), fill_value, wrap), "fill_diagonal")


@public
def diagonal_scatter(
    input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """``input`` with ``input.diagonal(offset, dim1, dim2)`` replaced.

    >>> lazygrad.zeros(2, 2).diagonal_scatter(Tensor([1.0, 2.0])).tolist()
    [[1.0, 0.0], [0.0, 2.0]]
    """

    def view(memory: Node) -> Node:
        return diagonals.diagonal(memory, offset, dim1, dim2)

    own, value = read(input), read(src)
    if value.shape != view(own).shape:
        raise ShapeError(
            f"[diagonal_scatter] src of shape {value.shape} does not fit a diagonal of shape "
            f"{view(own).shape}"
        )
    return wrap(put(own, view, operands.cast(value, own.dtype)))
