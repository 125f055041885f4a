"""Several tensors put together, or brought to one shape.

What takes several tensors takes them in a list, or one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations as chosen, combinations_with_replacement as chosen_again
from typing import TYPE_CHECKING, Any

import numpy as np

from lazygrad import element_types as dt, host
from lazygrad.aliases import view_of
from lazygrad.arguments import require_range, shown
from lazygrad.bridge import read, wrap
from lazygrad.errors import ArgumentError, ShapeError
from lazygrad.graph import Node
from lazygrad.handle import Handle
from lazygrad.lang import indexing, join, movement
from lazygrad.public import alias, public
from lazygrad.shape import Shape, as_shape, broadcast

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


def listed(op: str, given: Sequence[Any]) -> list[Tensor]:
    """Tensors from ``(a, b)`` or ``([a, b],)``.

    Raises:
        ArgumentError: for anything else among them.
    """
    if len(given) == 1 and isinstance(given[0], Iterable) and not isinstance(given[0], Handle):
        given = tuple(given[0])
    for x in given:
        if not isinstance(x, Handle):
            raise ArgumentError(
                f"[{op}] tensors must be Tensors, in a sequence or one by one, got {shown(x)}"
            )
    return list(given)


def _nodes(op: str, given: Sequence[Any]) -> list[Node]:
    return [read(x) for x in listed(op, given)]


def _along(op: str, given: Sequence[Any], dim: int) -> tuple[list[Node], int]:
    """The tensors, and the dim that may stand after them."""
    if len(given) > 1 and isinstance(given[-1], int | np.integer):
        *given, dim = given
    return _nodes(op, given), int(dim)


@public
def cat(*tensors: Any, dim: int = 0) -> Tensor:
    """Tensors one after the other along ``dim``: ``cat([a, b], 1)`` or ``cat(a, b, dim=1)``.

    >>> lazygrad.cat([lazygrad.zeros(2, 3), lazygrad.ones(1, 3)]).shape
    (3, 3)
    >>> lazygrad.cat([Tensor([1]), Tensor([0.5])]).tolist()
    [1.0, 0.5]
    """
    return wrap(join.cat(*_along("cat", tensors, dim)))


@public
def stack(*tensors: Any, dim: int = 0) -> Tensor:
    """Tensors of one shape along a new ``dim``: ``stack([a, b], 1)`` or ``stack(a, b, dim=1)``.

    >>> lazygrad.stack([Tensor([1, 2]), Tensor([3, 4])], dim=1).tolist()
    [[1, 3], [2, 4]]
    """
    return wrap(join.stack(*_along("stack", tensors, dim)))


@public
def hstack(*tensors: Any) -> Tensor:
    """Tensors one after the other along dim 1; vectors and scalars along dim 0.

    >>> lazygrad.hstack([Tensor([1, 2]), Tensor([3])]).tolist()
    [1, 2, 3]
    """
    return wrap(join.stack_columns("hstack", _nodes("hstack", tensors), 1, 1))


@public
def vstack(*tensors: Any) -> Tensor:
    """Tensors of at least two dims (vectors are rows) one after the other along dim 0.

    >>> lazygrad.vstack([Tensor([1, 2]), Tensor([[3, 4], [5, 6]])]).tolist()
    [[1, 2], [3, 4], [5, 6]]
    """
    return wrap(join.stack_columns("vstack", _nodes("vstack", tensors), 0, 2))


@public
def dstack(*tensors: Any) -> Tensor:
    """Tensors of at least three dims one after the other along dim 2.

    >>> lazygrad.dstack([Tensor([1, 2]), Tensor([3, 4])]).tolist()
    [[[1, 3], [2, 4]]]
    """
    return wrap(join.stack_columns("dstack", _nodes("dstack", tensors), 2, 3))


@public
def column_stack(*tensors: Any) -> Tensor:
    """Vectors as columns beside each other, other tensors one after the other along dim 1.

    >>> lazygrad.column_stack([Tensor([1, 2]), Tensor([[3, 4], [5, 6]])]).tolist()
    [[1, 3, 4], [2, 5, 6]]
    """
    return wrap(join.column_stack(_nodes("column_stack", tensors)))


@public
def block_diag(*tensors: Any) -> Tensor:
    """Matrices along a diagonal, zeros elsewhere; vectors are rows.

    >>> lazygrad.block_diag(Tensor([[1, 2], [3, 4]]), Tensor([5])).tolist()
    [[1, 2, 0], [3, 4, 0], [0, 0, 5]]
    """
    return wrap(join.block_diag(_nodes("block_diag", tensors)))


@public
def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Each vector spread over a dim of its own; with ``indexing="xy"`` the first two dims are
    exchanged.

    >>> rows, columns = lazygrad.meshgrid(Tensor([1, 2]), Tensor([3, 4, 5]), indexing="ij")
    >>> rows.tolist(), columns.tolist()
    ([[1, 1, 1], [2, 2, 2]], [[3, 4, 5], [3, 4, 5]])
    """
    given = listed("meshgrid", tensors)
    axes, shape = join.grid([x.shape for x in given], indexing)
    found = []
    for x, axis in zip(given, axes, strict=True):
        found.append(view_of(x, join.along, axis, shape))
    return tuple(found)


@public
def cartesian_prod(*tensors: Any) -> Tensor:
    """All combinations of one element of each vector, a row each; of one vector itself.

    >>> lazygrad.cartesian_prod(Tensor([1, 2]), Tensor([3, 4])).tolist()
    [[1, 3], [1, 4], [2, 3], [2, 4]]
    """
    vectors = _nodes("cartesian_prod", tensors)
    if any(x.ndim != 1 for x in vectors):
        raise ShapeError(f"[cartesian_prod] needs vectors, got shapes {[x.shape for x in vectors]}")
    if len(vectors) == 1:
        return wrap(vectors[0])
    axes, shape = join.grid([x.shape for x in vectors])
    columns = [join.along(x, axis, shape) for x, axis in zip(vectors, axes, strict=True)]
    return wrap(join.stack([movement.flatten(x) for x in columns], 1))


@public
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All choices of ``r`` elements of a vector, a row each, in order.

    >>> lazygrad.combinations(Tensor([1, 2, 3])).tolist()
    [[1, 2], [1, 3], [2, 3]]
    """
    if input.ndim != 1:
        raise ShapeError(f"[combinations] needs a vector, got shape {input.shape}")
    require_range("combinations", 0, r=r)
    if not r:
        return wrap(movement.narrow(read(input), 0, 0, 0))
    draw = chosen_again if with_replacement else chosen
    rows = np.array(list(draw(range(len(input)), r)), np.int64).reshape(-1, r)
    index = host.leaf_of(rows, dt.int64, input.device)
    return wrap(indexing.take(read(input), 0, index, in_range=True))


@public
def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """All tensors in the shape that they broadcast to.

    >>> x, y = lazygrad.broadcast_tensors(Tensor([[1], [2]]), Tensor([3, 4]))
    >>> x.tolist(), y.tolist()
    ([[1, 1], [2, 2]], [[3, 4], [3, 4]])
    """
    given = listed("broadcast_tensors", tensors)
    shape = broadcast("broadcast_tensors", *(x.shape for x in given))
    found = []
    for x in given:
        found.append(view_of(x, movement.broadcast_to, shape))
    return tuple(found)


@public
def broadcast_shapes(*shapes: Any) -> Shape:
    """The shape that shapes (or sizes of one dim) broadcast to.

    Raises:
        ShapeError: if they do not.

    >>> lazygrad.broadcast_shapes((2, 1), (3,), 1)
    (2, 3)
    """
    return broadcast("broadcast_shapes", *(as_shape("broadcast_shapes", (s,)) for s in shapes))


def _at_least(ndim: int, given: Sequence[Any]) -> Any:
    found = []
    for x in listed(f"atleast_{ndim}d", given):
        found.append(view_of(x, join.with_dims, ndim))
    return found[0] if len(given) == 1 and isinstance(given[0], Handle) else tuple(found)


@public
def atleast_1d(*tensors: Any) -> Any:
    """Scalars as vectors. One tensor gives one, several give a tuple.

    >>> lazygrad.atleast_1d(Tensor(5)).tolist()
    [5]
    """
    return _at_least(1, tensors)


@public
def atleast_2d(*tensors: Any) -> Any:
    """Vectors as rows of a matrix. One tensor gives one, several give a tuple.

    >>> lazygrad.atleast_2d(Tensor([1, 2])).tolist()
    [[1, 2]]
    """
    return _at_least(2, tensors)


@public
def atleast_3d(*tensors: Any) -> Any:
    """Matrices with a last dim of size 1. One tensor gives one, several give a tuple.

    >>> lazygrad.atleast_3d(Tensor([1, 2])).shape
    (1, 2, 1)
    """
    return _at_least(3, tensors)


concat = alias(cat, "concat")
concatenate = alias(cat, "concatenate")
row_stack = alias(vstack, "row_stack")
