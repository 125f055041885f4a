"""Views: the same elements under other dims and indices. What is written to one shows in the tensor
that it is of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lazygrad.aliases import view_of, view_or_copy
from lazygrad.arguments import require_range
from lazygrad.errors import ShapeError
from lazygrad.functional.arguments import Dims, Sizes
from lazygrad.lang import indexing, movement, windows
from lazygrad.public import alias, public
from lazygrad.shape import as_shape, normalize_axis

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The elements in row-major order in another shape; one size may be -1. A view where the
    elements lie so, else a copy.

    >>> lazygrad.arange(6).reshape(2, -1).tolist()
    [[0, 1, 2], [3, 4, 5]]
    """
    return view_or_copy(input, movement.reshape, as_shape("reshape", shape))


@public
def view(input: Tensor, *shape: Any) -> Tensor:
    """As ``reshape``: every tensor can be viewed in every shape.

    >>> x = lazygrad.zeros(4)
    >>> _ = x.view(2, 2)[0].fill_(1)
    >>> x.tolist()
    [1.0, 1.0, 0.0, 0.0]
    """
    return view_of(input, movement.reshape, as_shape("view", shape))


@public
def view_as(input: Tensor, other: Tensor) -> Tensor:
    """In the shape of ``other``.

    >>> lazygrad.arange(4).view_as(lazygrad.zeros(2, 2)).tolist()
    [[0, 1], [2, 3]]
    """
    return view_of(input, movement.reshape, other.shape)


@public
def permute(input: Tensor, *dims: Any) -> Tensor:
    """Dims in another order.

    >>> lazygrad.zeros(2, 3, 4).permute(2, 0, 1).shape
    (4, 2, 3)
    """
    return view_of(input, movement.permute, as_shape("permute", dims))


@public
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dims exchanged.

    >>> lazygrad.zeros(2, 3, 4).transpose(0, -1).shape
    (4, 3, 2)
    """
    return view_of(input, movement.transpose, dim0, dim1)


@public
def t(input: Tensor) -> Tensor:
    """A matrix transposed; vectors and scalars as they are.

    >>> Tensor([[1, 2, 3]]).t().tolist()
    [[1], [2], [3]]
    """
    if input.ndim > 2:
        raise ShapeError(f"[t] needs at most 2 dims, got shape {input.shape}; use transpose()")
    return view_of(input, movement.permute, tuple(reversed(range(input.ndim))))


@public
def movedim(input: Tensor, source: Sizes, destination: Sizes) -> Tensor:
    """Dims moved to other places; the rest keeps its order.

    >>> lazygrad.zeros(2, 3, 4).movedim(0, -1).shape
    (3, 4, 2)
    """
    return view_of(input, movement.movedim, source, destination)


@public
def expand(input: Tensor, *size: Any) -> Tensor:
    """Dims of size 1 repeated; -1 keeps a size.

    >>> Tensor([[1], [2]]).expand(-1, 3).tolist()
    [[1, 1, 1], [2, 2, 2]]
    """
    return view_of(input, movement.expand, as_shape("expand", size))


@public
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """Expanded to the shape of ``other``.

    >>> Tensor([1, 2]).expand_as(lazygrad.zeros(2, 2)).tolist()
    [[1, 2], [1, 2]]
    """
    return view_of(input, movement.expand, other.shape)


@public
def broadcast_to(input: Tensor, *size: Any) -> Tensor:
    """Repeated to a shape that it broadcasts to.

    >>> Tensor([1, 2]).broadcast_to(2, 2).tolist()
    [[1, 2], [1, 2]]
    """
    return view_of(input, movement.expand, as_shape("broadcast_to", size))


@public
def squeeze(input: Tensor, dim: Dims = None) -> Tensor:
    """Without dims of size 1.

    >>> lazygrad.zeros(1, 2, 1).squeeze().shape, lazygrad.zeros(1, 2, 1).squeeze(0).shape
    ((2,), (2, 1))
    """
    return view_of(input, movement.squeeze, dim)


@public
def unsqueeze(input: Tensor, dim: Sizes) -> Tensor:
    """A new dim of size 1; of several dims, each where it stands in the result.

    >>> lazygrad.zeros(2, 3).unsqueeze(1).shape
    (2, 1, 3)
    """
    return view_of(input, movement.unsqueeze, dim)


@public
def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """In the shape of ``other``, with as many elements.

    >>> lazygrad.arange(4).reshape_as(lazygrad.zeros(2, 2)).tolist()
    [[0, 1], [2, 3]]
    """
    return view_or_copy(input, movement.reshape, other.shape)


@public
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dims ``start_dim`` to ``end_dim`` as one.

    >>> lazygrad.zeros(2, 3, 4).flatten(1).shape, Tensor(5).flatten().shape
    ((2, 12), (1,))
    """
    return view_or_copy(input, movement.flatten, start_dim, end_dim)


@public
def ravel(input: Tensor) -> Tensor:
    """All dims as one.

    >>> Tensor([[1, 2], [3, 4]]).t().ravel().tolist()
    [1, 3, 2, 4]
    """
    return view_or_copy(input, movement.flatten)


@public
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """Dim ``dim`` split into ``sizes``.

    >>> lazygrad.zeros(2, 12).unflatten(1, (3, -1)).shape
    (2, 3, 4)
    """
    return view_of(input, movement.unflatten, dim, sizes)


@public
def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """``length`` elements of ``dim`` from ``start`` on.

    >>> lazygrad.arange(5).narrow(0, 1, 3).tolist()
    [1, 2, 3]
    """
    return view_of(input, movement.narrow, dim, start, length)


@public
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """Element ``index`` of ``dim``, which is removed.

    >>> Tensor([[1, 2], [3, 4]]).select(1, -1).tolist()
    [2, 4]
    """
    axis = normalize_axis("select", dim, input.ndim)
    return view_of(input, indexing.getitem, (slice(None),) * axis + (index,))


@public
def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """All slices of length ``size`` along a dim, ``step`` apart; they are a new last dim.

    Raises:
        ShapeError: for a size that the dim does not have.
        ValueRangeError: for a step below 1, or a negative size.

    >>> lazygrad.arange(5).unfold(0, 3, 2).tolist()
    [[0, 1, 2], [2, 3, 4]]
    """
    axis = normalize_axis("unfold", dimension, input.ndim)
    require_range("unfold", 1, step=step)
    require_range("unfold", 0, size=size)
    return view_of(input, windows.unfold, axis, size, step)


swapaxes = alias(transpose, "swapaxes")
swapdims = alias(transpose, "swapdims")
moveaxis = alias(movedim, "moveaxis")
