"""Elements chosen by their values or by lists of places.

What has a shape that depends on values is found on the host, at once: inside a jitted function
that is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lazygrad import element_types as dt, host
from lazygrad.arguments import require_range
from lazygrad.bridge import read, wrap
from lazygrad.errors import DtypeError, ShapeError
from lazygrad.graph import Node
from lazygrad.lang import indexing, movement, places, rounding
from lazygrad.public import public
from lazygrad.shape import Shape, as_shape, broadcast, normalize_axis

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

Array = np.ndarray[Any, Any]


def index_leaf(found: Array, device: str) -> Node:
    """Places that the host has found, int64."""
    return host.leaf_of(np.asarray(found, np.int64, order="C"), dt.int64, device)


@public
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """Where elements are not 0, found on the host: int64 (count, ndim), a row each; or with
    ``as_tuple`` one vector for each dim.

    >>> x = Tensor([[1, 0], [0, 2]])
    >>> x.nonzero().tolist(), x[x.nonzero(as_tuple=True)].tolist()
    ([[0, 0], [1, 1]], [1, 2])
    """
    found = np.argwhere(input.numpy())
    if not as_tuple:
        return wrap(index_leaf(found, input.device))
    columns = found.T if input.ndim else np.zeros((1, len(found)))
    return tuple([wrap(index_leaf(column, input.device), "nonzero") for column in columns])


@public
def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """The first ``size`` rows of ``nonzero``, with ``fill_value`` in rows that there are not: a
    shape that is known, so that jitted functions can compute it.

    >>> Tensor([0, 3, 4]).nonzero_static(size=3).tolist()
    [[1], [2], [-1]]
    """
    require_range("nonzero_static", 0, size=size)
    return wrap(places.nonzero_static(read(input), size, fill_value))


@public
def unravel_index(indices: Tensor, shape: Sequence[int] | int) -> tuple[Tensor, ...]:
    """For each dim of ``shape`` the position of elements that are counted in row-major order.

    >>> rows, columns = lazygrad.unravel_index(Tensor([1, 5]), (2, 3))
    >>> rows.tolist(), columns.tolist()
    ([0, 1], [1, 2])
    """
    sizes = as_shape("unravel_index", (shape,))
    rest, found = read(indices), []
    for size in reversed(sizes):
        found.append(wrap(rounding.remainder(rest, size), "unravel_index"))
        rest = rounding.floor_divide(rest, size)
    return tuple(reversed(found))


@public
def argwhere(input: Tensor) -> Tensor:
    """Where elements are not 0, found on the host: int64 (count, ndim), a row each.

    >>> Tensor([[1, 0], [0, 2]]).argwhere().tolist()
    [[0, 0], [1, 1]]
    """
    return wrap(index_leaf(np.argwhere(input.numpy()), input.device))


@public
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where ``mask`` holds, in one dim; the mask is read now. Both broadcast.

    Raises:
        DtypeError: if the mask is not bool.

    >>> Tensor([[1, 2], [3, 4]]).masked_select(Tensor([True, False])).tolist()
    [1, 3]
    """
    if mask.dtype is not dt.bool_:
        raise DtypeError(f"[masked_select] the mask must be bool, got {mask.dtype.name}")
    shape = broadcast("masked_select", input.shape, mask.shape)
    found = np.flatnonzero(np.broadcast_to(mask.numpy(), shape))
    flat = movement.reshape(movement.broadcast_to(read(input), shape), (-1,) if shape else (1,))
    return wrap(indexing.take(flat, 0, index_leaf(found, input.device), in_range=True))


@public
def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements at ``index`` (integers) of all in row-major order, in the shape of ``index``.

    >>> Tensor([[1, 2], [3, 4]]).take(Tensor([3, -4])).tolist()
    [4, 1]
    """
    where = read(index)
    known = host.check_indices("take", where, input.numel())
    flat = movement.reshape(read(input), (input.numel(),))
    return wrap(indexing.take(flat, 0, where, known))


@public
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """Along ``dim`` the elements that ``indices`` (integers) name, as of ``argsort``; their other
    dims broadcast. Without ``dim`` both are flat.

    Raises:
        ShapeError: for another number of dims.

    >>> x = Tensor([[3, 1], [2, 4]])
    >>> x.take_along_dim(x.argsort(dim=1), dim=1).tolist()
    [[1, 3], [2, 4]]
    """
    own, where = read(input), read(indices)
    if dim is None:
        own, where, dim = movement.flatten(own), movement.flatten(where), 0
    if own.ndim != where.ndim:
        raise ShapeError(
            f"[take_along_dim] indices of shape {where.shape} need as many dims as {own.shape}"
        )
    axis = normalize_axis("take_along_dim", dim, own.ndim)
    known = own.ndim > 0 and host.check_indices("take_along_dim", where, own.shape[axis])
    shape = list(
        broadcast("take_along_dim", _without(own.shape, axis), _without(where.shape, axis))
    )
    if own.ndim:
        shape[axis] = own.shape[axis]
        own = movement.broadcast_to(own, shape)
        shape[axis] = where.shape[axis]
        where = movement.broadcast_to(where, shape)
    return wrap(indexing.gather(own, axis, where, known))


def _without(shape: Shape, axis: int) -> Shape:
    return tuple(1 if d == axis else n for d, n in enumerate(shape))


# -- what occurs, and how often --------------------------------------------------------------------


@public
def unique(
    input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False,
    dim: int | None = None,
) -> Any:  # fmt: skip
    """The values that occur (or slices along ``dim``), ascending, found on the host; and if asked
    for, where each element is among them, and how often each occurs (int64). NaN equals nothing.

    Returns:
        A tensor, or a tuple of two or three.

    >>> values, counts = Tensor([3, 1, 3]).unique(return_counts=True)
    >>> values.tolist(), counts.tolist()
    ([1, 3], [1, 2])
    """
    found = np.unique(
        input.numpy(), return_index=True, return_inverse=True, return_counts=True,
        axis=None if dim is None else normalize_axis("unique", dim, input.ndim), equal_nan=False,
    )  # fmt: skip
    _, first, inverse, counts = found
    if dim is None:
        inverse = inverse.reshape(input.shape)
    wanted = (return_inverse, return_counts)
    return _occurring("unique", input, dim, first, (inverse, counts), wanted)


@public
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False,
    dim: int | None = None,
) -> Any:  # fmt: skip
    """The first of each run of equal values (or slices along ``dim``), found on the host; and if
    asked for, in which run each element is, and how long each is (int64).

    Returns:
        A tensor, or a tuple of two or three.

    >>> Tensor([1, 1, 2, 1]).unique_consecutive().tolist()
    [1, 2, 1]
    """
    axis = 0 if dim is None else normalize_axis("unique_consecutive", dim, input.ndim)
    values = input.numpy().reshape(-1) if dim is None else np.moveaxis(input.numpy(), axis, 0)
    rows = values.reshape(len(values), -1) if values.size else np.zeros((len(values), 0))
    starts = np.ones(len(rows), bool)
    starts[1:] = (rows[1:] != rows[:-1]).any(1)
    first = np.flatnonzero(starts)
    inverse = np.cumsum(starts) - 1
    counts = np.diff(np.append(first, len(rows)))
    if dim is None:
        inverse = inverse.reshape(input.shape)
    wanted = (return_inverse, return_counts)
    return _occurring("unique_consecutive", input, dim, first, (inverse, counts), wanted)


def _occurring(
    op: str, input: Tensor, dim: int | None, first: Array, others: tuple[Array, Array],
    wanted: tuple[bool, bool],
) -> Any:  # fmt: skip
    """The elements whose places are ``first``, and what else is wanted."""
    own = read(input)
    if dim is None:
        own = movement.reshape(own, (own.size,))
    values = indexing.take(own, dim or 0, index_leaf(first, input.device), in_range=True)
    rest = [x for x, asked in zip(others, wanted, strict=True) if asked]
    found = [wrap(made, op) for made in (values, *(index_leaf(x, input.device) for x in rest))]
    return tuple(found) if rest else found[0]
