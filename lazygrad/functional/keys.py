"""What stands in ``x[...]``, in the terms of ``lang.indexing``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lazygrad import host
from lazygrad.arguments import shown
from lazygrad.bridge import read
from lazygrad.errors import DtypeError, MaskError
from lazygrad.graph import Node
from lazygrad.handle import Handle
from lazygrad.shape import Shape

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

Array = np.ndarray[Any, Any]


def items_of(op: str, key: Any, like: Tensor, look: bool = False) -> tuple[Any, ...]:
    """The items of a key of ``like``: a mask as integer Nodes, one for each of its dims.

    Args:
        look: whether the values of integer tensors are looked up, so that they can be checked.

    Raises:
        MaskError: a mask of another shape than the dims that it stands for.
        JitError: inside a jitted function, where masks have no values to look up.
    """
    listed = [_plain(op, item) for item in (key if isinstance(key, tuple) else (key,))]
    of_ellipsis = len(like.shape) - sum(map(dims_of, listed))
    items: list[Any] = []
    axis = 0
    for item in listed:
        if is_mask(item):
            places = _places(op, item, like.shape[axis : axis + item.ndim])
            items += [_leaf(place, like) for place in places]
        elif isinstance(item, Handle):
            looked_up = look and item._node.dtype.is_integer
            values: Any = item
            items.append(_leaf(values.numpy(), like) if looked_up else read(item))
        elif isinstance(item, np.ndarray):
            items.append(_leaf(item, like))
        else:
            items.append(item)
        axis += of_ellipsis if item is Ellipsis else dims_of(item)
    return tuple(items)


def has_scalar_mask(key: Any) -> bool:
    """Whether a bool, or a mask of no dims, is among the items of a key."""
    return any(map(_is_scalar_mask, key if isinstance(key, tuple) else (key,)))


def _is_scalar_mask(item: Any) -> bool:
    return isinstance(item, bool | np.bool_) or (is_mask(item) and not item.ndim)


def of_new_dims(key: Any, like: Tensor) -> tuple[tuple[Any, ...], tuple[int, ...]]:
    """A key without scalar masks: each stands for a new dim of size 1, of which it takes the one
    element or none. And where these dims are."""
    given = [_plain("index", item) for item in (key if isinstance(key, tuple) else (key,))]
    of_ellipsis = len(like.shape) - sum(dims_of(x) for x in given if not _is_scalar_mask(x))
    new: list[int] = []
    axis = 0
    for place, item in enumerate(given):
        if _is_scalar_mask(item):
            given[place] = np.zeros(int(item), np.int64)
            new.append(axis)
        axis += of_ellipsis if item is Ellipsis else dims_of(given[place])
    return tuple(given), tuple(new)


def is_mask(item: Any) -> bool:
    """Whether it is an array or tensor of bools."""
    if isinstance(item, Handle):
        return item._node.dtype.name == "bool"
    return isinstance(item, np.ndarray) and item.dtype == bool


def dims_of(item: Any) -> int:
    """How many dims an item stands for; an ellipsis for the rest."""
    if item is None or item is Ellipsis:
        return 0
    return int(item.ndim) if is_mask(item) else 1


def check_items(op: str, items: tuple[Any, ...], shape: Shape) -> bool:
    """Whether all integer Nodes of a key are known to be in range.

    Raises:
        ValueRangeError: where one is known not to be.
    """
    used = sum(map(dims_of, items))
    axis, known = 0, True
    for item in items:
        if isinstance(item, Node) and axis < len(shape) and item.dtype.is_integer:
            known = host.check_indices(op, item, shape[axis]) and known
        axis += len(shape) - used if item is Ellipsis else dims_of(item)
    return known


def _plain(op: str, item: Any) -> Any:
    """Lists and ranges as arrays, NumPy's integers as Python's."""
    if isinstance(item, np.integer):
        return int(item)
    if isinstance(item, list | range):
        try:
            return np.asarray(item, None if len(item) else np.int64)
        except ValueError:
            raise DtypeError(
                f"[{op}] cannot index with {shown(item)}; use a tuple of tensors, or a list of "
                "integers"
            ) from None
    return item


def _leaf(values: Array, like: Tensor) -> Node:
    return host.leaf_of(values, None, like.device)


def _places(op: str, mask: Any, shape: Shape) -> tuple[Array, ...]:
    """Where a mask is true, dim by dim.

    Raises:
        MaskError: unless it has the ``shape`` of the dims that it stands for.
    """
    if tuple(mask.shape) != shape:
        raise MaskError(f"[{op}] a mask of shape {tuple(mask.shape)} does not fit dims {shape}")
    values: Array = mask if isinstance(mask, np.ndarray) else mask.numpy()
    return np.nonzero(values)
