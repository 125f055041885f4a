"""Operators that read and write by index."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from lazygrad import element_types as dt
from lazygrad.onnx.operators.operator import Operator, Operators, plain
from lazygrad.onnx.types import Array
from lazygrad.tensor_class import Tensor

REDUCTIONS = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}  # and PyTorch's names


def _counted(index: Tensor, size: int) -> Tensor:
    """Negative indices count from the end."""
    return (index + size).where(index < 0, index)


def gather(x: Tensor, index: Tensor, *, axis: int = 0) -> Tensor:
    axis %= x.ndim
    found = x.index_select(axis, _counted(index.reshape(-1), x.shape[axis]))
    return found.reshape(*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])


def gather_elements(x: Tensor, index: Tensor, *, axis: int = 0) -> Tensor:
    return x.gather(axis, _counted(index, x.shape[axis]))


def gather_nd(x: Tensor, index: Tensor, *, batch_dims: int = 0) -> Tensor:
    """The last dim of ``index`` holds places in the dims of ``x`` after the first ``batch_dims``,
    which both have."""
    lead, depth = x.shape[:batch_dims], index.shape[-1]
    rest = x.shape[batch_dims + depth :]
    many = prod(x.shape[batch_dims : batch_dims + depth])
    rows = x.reshape(prod(lead) * many, *rest)
    flat = _flat(index, x.shape[batch_dims : batch_dims + depth]).reshape(prod(lead), -1)
    starts = Tensor.arange(prod(lead), device=x.device).reshape(-1, 1) * many
    found = rows.index_select(0, (flat + starts).reshape(-1))
    return found.reshape(*index.shape[:-1], *rest)


def _flat(index: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Places (..., k) in a tensor of k dims, as if it were flat."""
    found = index[..., 0] * 0
    for axis, size in enumerate(sizes):
        found = found * size + _counted(index[..., axis], size)
    return found


def scatter_elements(
    x: Tensor, index: Tensor, updates: Tensor, *, axis: int = 0, reduction: str = "none"
) -> Tensor:
    places = _counted(index, x.shape[axis])
    if reduction == "none":
        return x.scatter(axis, places, updates)
    return x.scatter_reduce(axis, places, updates, REDUCTIONS[reduction])


def scatter_nd(x: Tensor, index: Tensor, updates: Tensor, *, reduction: str = "none") -> Tensor:
    depth = index.shape[-1]
    rest = x.shape[depth:]
    rows = x.reshape(prod(x.shape[:depth]), *rest)
    given = updates.reshape(-1, *rest)
    places = _flat(index, x.shape[:depth]).reshape(-1, *(1,) * len(rest)).expand(given.shape)
    return scatter_elements(rows, places, given, reduction=reduction).reshape(x.shape)


def one_hot(index: Tensor, depth: Array, values: Tensor, *, axis: int = -1) -> Tensor:
    """The second of ``values`` where the index is, the first elsewhere."""
    count = int(depth.item())
    counted = _counted(index.cast(dt.int64), count)
    chosen = counted.unsqueeze(-1) == Tensor.arange(count, device=index.device)
    return values[1].where(chosen, values[0]).movedim(-1, axis)


def compress(x: Tensor, condition: Array, *, axis: int | None = None) -> Tensor:
    places = Tensor(np.flatnonzero(condition), dtype=dt.int64, device=x.device)
    return (x.reshape(-1) if axis is None else x).index_select(axis or 0, places)


def nonzero(x: Tensor) -> Tensor:
    return x.nonzero().t()


def unique(x: Tensor, *, axis: int | None = None, sorted: int = 1) -> Any:
    """On the host: the values, where each is first, which it is, and how many there are."""
    found, first, inverse, counts = np.unique(x.numpy(), True, True, True, axis=axis)
    if not sorted:
        order = np.argsort(first)
        found = np.take(found, order, axis or 0)
        first, counts, inverse = first[order], counts[order], np.argsort(order)[inverse]
    return Tensor(found, dtype=x.dtype, device=x.device), first, inverse.reshape(-1), counts


def tensor_scatter(
    cache: Tensor, update: Tensor, starts: Tensor | None = None, *, axis: int = -2,
    mode: str = "linear",
) -> Tensor:  # fmt: skip
    """``update`` in ``cache`` along ``axis``, from a place on that each of the batch has."""
    axis %= cache.ndim
    length, size = update.shape[axis], cache.shape[axis]
    places = Tensor.arange(length, device=cache.device).reshape(1, -1)
    places = places if starts is None else places + starts.reshape(-1, 1)
    places = places % size if mode == "circular" else places
    shape = [1] * cache.ndim
    shape[0], shape[axis] = places.shape
    return cache.scatter(axis, places.reshape(shape).expand(update.shape), update)


OPERATORS: Operators = {
    **plain(
        Gather=gather, GatherElements=gather_elements, GatherND=gather_nd,
        Scatter=scatter_elements, ScatterElements=scatter_elements, ScatterND=scatter_nd,
        NonZero=nonzero, TensorScatter=tensor_scatter,
        Unique=unique,
    ),
    "OneHot": (Operator(one_hot, host=(1,)),),
    "Compress": (Operator(compress, host=(1,)),),
}  # fmt: skip
