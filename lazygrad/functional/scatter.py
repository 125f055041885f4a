"""Writing by index. Each function returns a new tensor; Tensor has the forms in place as well.

Indices are looked up before they are used, so that one that is out of range is an error; inside a
jitted function, where they have no value yet, it writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lazygrad import host, writes
from lazygrad.aliases import view_of
from lazygrad.bridge import read, wrap
from lazygrad.errors import ArgumentError, ShapeError, ValueRangeError
from lazygrad.functional.arguments import Number
from lazygrad.functional.keys import check_items, items_of
from lazygrad.graph import Node
from lazygrad.lang import elementwise, indexing, movement, operands, scatter as lang
from lazygrad.lang.creation import full
from lazygrad.modes import ambient
from lazygrad.public import public
from lazygrad.shape import normalize_axis

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

SHORT_REDUCTIONS = {"add": "sum", "multiply": "prod"}


# -- along a dim, for each element -----------------------------------------------------------------


@public
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Tensor | Number | None = None, *,
    value: Number | None = None, reduce: str | None = None,
) -> Tensor:  # fmt: skip
    """``out[index[i][j]][j] = src[i][j]`` for dim 0, and ``input`` elsewhere. Of several elements
    for one place the last one stays.

    Args:
        index: integers in [0, size of dim), at most as large as ``src`` in each dim.
        src, value: a tensor of this dtype, or a number.
        reduce: "add" or "multiply": combined with what is there.

    Raises:
        ValueRangeError: for an index out of range, or an unknown ``reduce``.
        ShapeError: where the shapes do not fit.

    >>> lazygrad.zeros(2, 3).scatter(1, Tensor([[2], [0]]), Tensor([[5.0], [6.0]])).tolist()
    [[0.0, 0.0, 5.0], [6.0, 0.0, 0.0]]
    >>> lazygrad.zeros(3).scatter(0, Tensor([0, 2]), 1).tolist()
    [1.0, 0.0, 1.0]
    """
    if src is None and value is None:
        raise ArgumentError("[scatter] takes src, a Tensor, or value, a number")
    known = _positions("scatter", input, dim, index)
    given = _source(input, src if value is None else value, index)
    if reduce is None:
        return wrap(lang.scatter(read(input), dim, known, given))
    if reduce not in SHORT_REDUCTIONS:
        raise ValueRangeError(f'[scatter] reduce must be "add" or "multiply", got {reduce!r}')
    return wrap(lang.scatter_reduce(read(input), dim, known, given, SHORT_REDUCTIONS[reduce]))


@public
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """``out[index[i][j]][j] += src[i][j]`` for dim 0.

    >>> lazygrad.zeros(3).scatter_add(0, Tensor([0, 0, 2]), Tensor([1.0, 2.0, 3.0])).tolist()
    [3.0, 0.0, 3.0]
    """
    known = _positions("scatter_add", input, dim, index)
    return wrap(lang.scatter_reduce(read(input), dim, known, read(src), "sum"))


@public
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """As ``scatter``, combined by "sum", "prod", "mean", "amax" or "amin" with what is there, or
    without ``include_self`` among themselves.

    >>> index, src = Tensor([0, 0, 1]), Tensor([1.0, 5.0, 2.0])
    >>> lazygrad.ones(2).scatter_reduce(0, index, src, "mean", include_self=False).tolist()
    [3.0, 2.0]
    """
    known = _positions("scatter_reduce", input, dim, index)
    made = lang.scatter_reduce(read(input), dim, known, read(src), reduce, include_self)
    return wrap(made)


# -- along a dim, whole slices ---------------------------------------------------------------------


@public
def index_add(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number = 1
) -> Tensor:
    """``out[index[i]] += alpha * source[i]`` for dim 0; ``index`` has one dim.

    >>> lazygrad.zeros(3, 2).index_add(0, Tensor([2, 2]), lazygrad.ones(2, 2)).tolist()
    [[0.0, 0.0], [0.0, 0.0], [2.0, 2.0]]
    """
    scaled = read(source) if alpha == 1 else elementwise.mul(read(source), alpha)
    return wrap(_slices("index_add", input, dim, index, scaled, "sum"))


@public
def index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *,
    include_self: bool = True,
) -> Tensor:  # fmt: skip
    """As ``index_add``, combined by "prod", "mean", "amax" or "amin".

    >>> lazygrad.ones(2).index_reduce(0, Tensor([0, 0]), Tensor([2.0, 3.0]), "prod").tolist()
    [6.0, 1.0]
    """
    made = _slices("index_reduce", input, dim, index, read(source), reduce, include_self)
    return wrap(made)


@public
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """``out[index[i]] = source[i]`` for dim 0.

    >>> lazygrad.zeros(3).index_copy(0, Tensor([2, 0]), Tensor([1.0, 2.0])).tolist()
    [2.0, 0.0, 1.0]
    """
    return wrap(_slices("index_copy", input, dim, index, read(source), None))


@public
def index_fill(input: Tensor, dim: int, index: Tensor, value: Tensor | Number) -> Tensor:
    """``out[index[i]] = value`` for dim 0; ``value`` is one element.

    >>> lazygrad.zeros(2, 3).index_fill(1, Tensor([0, 2]), 7).tolist()
    [[7.0, 0.0, 7.0], [7.0, 0.0, 7.0]]
    """
    axis = normalize_axis("index_fill", dim, input.ndim)
    key = (slice(None),) * axis + (index,)
    return wrap(_put("index_fill", input, key, _source(input, value, None)))


def _slices(
    op: str, input: Tensor, dim: int, index: Tensor, source: Node, reduce: str | None,
    include_self: bool = True,
) -> Node:  # fmt: skip
    """Slices of ``source`` written to, or combined with, those that ``index`` names."""
    axis = normalize_axis(op, dim, input.ndim)
    positions = _positions(op, input, dim, index)
    if positions.ndim > 1:
        raise ShapeError(f"[{op}] index must have one dim, got shape {positions.shape}")
    wanted = (*input.shape[:axis], positions.size, *input.shape[axis + 1 :])
    if source.shape != wanted:
        raise ShapeError(f"[{op}] source must be {wanted} here, got shape {source.shape}")
    along = [1] * input.ndim
    along[axis] = positions.size
    spread = movement.broadcast_to(movement.reshape(positions, along), wanted)
    if reduce is None:
        return lang.scatter(read(input), axis, spread, source)
    return lang.scatter_reduce(read(input), axis, spread, source, reduce, include_self)


# -- at places that several tensors name, or a mask ------------------------------------------------


@public
def index_put(
    input: Tensor, indices: Sequence[Tensor | None], values: Tensor, accumulate: bool = False
) -> Tensor:
    """``input`` with ``input[indices] = values``; with ``accumulate`` they are added, also where
    several go to one place.

    >>> x, where = lazygrad.zeros(2, 2), (Tensor([0, 0]), Tensor([1, 1]))
    >>> x.index_put(where, Tensor([1.0, 2.0]), accumulate=True).tolist()
    [[0.0, 3.0], [0.0, 0.0]]
    """
    return wrap(_put("index_put", input, tuple(indices), read(values), accumulate))


@public
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """As ``index_put`` on all elements in row-major order.

    >>> lazygrad.zeros(2, 2).put(Tensor([3, 0]), Tensor([1.0, 2.0])).tolist()
    [[2.0, 0.0], [0.0, 1.0]]
    """
    flat = view_of(input, movement.flatten)
    made = _put("put", flat, (index,), read(source), accumulate)
    return wrap(movement.reshape(made, input.shape))


def _put(
    op: str, input: Tensor, key: tuple[Any, ...], value: Node, accumulate: bool = False
) -> Node:
    given = tuple(slice(None) if item is None else item for item in key)
    items = items_of(op, given, input, look=ambient.has_values)
    known = check_items(op, items, input.shape)
    return writes.put_items(read(input), items, value, known, accumulate)


@public
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """Elements of ``source``, in order, where ``mask``, which broadcasts, holds.

    Raises:
        ShapeError: if ``source`` is known to have too few.

    >>> mask = Tensor([True, False, True])
    >>> lazygrad.zeros(3).masked_scatter(mask, Tensor([1.0, 2.0, 3.0])).tolist()
    [1.0, 0.0, 2.0]
    """
    if ambient.has_values:
        needed = int(mask.expand(input.shape).sum().item())
        if needed > source.numel():
            raise ShapeError(
                f"[masked_scatter] the mask asks for {needed} elements, source has {source.numel()}"
            )
    return wrap(lang.masked_scatter(read(input), read(mask), read(source)))


# -- where a view would show it --------------------------------------------------------------------


@public
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """``input`` with ``input.select(dim, index)`` replaced.

    >>> lazygrad.zeros(2, 2).select_scatter(Tensor([1.0, 2.0]), 0, 1).tolist()
    [[0.0, 0.0], [1.0, 2.0]]
    """
    axis = normalize_axis("select_scatter", dim, input.ndim)
    return wrap(_put("select_scatter", input, (slice(None),) * axis + (index,), read(src)))


@public
def slice_scatter(
    input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None,
    step: int = 1,
) -> Tensor:  # fmt: skip
    """``input`` with ``start:end:step`` of ``dim`` replaced.

    >>> lazygrad.zeros(4).slice_scatter(Tensor([1.0, 2.0]), start=1, step=2).tolist()
    [0.0, 1.0, 0.0, 2.0]
    """
    axis = normalize_axis("slice_scatter", dim, input.ndim)
    key = (slice(None),) * axis + (slice(start, end, step),)
    return wrap(_put("slice_scatter", input, key, read(src)))


@public
def as_strided_scatter(
    input: Tensor, src: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int = 0
) -> Tensor:
    """``input`` with what ``as_strided(size, stride, storage_offset)`` shows replaced.

    Raises:
        ShapeError: for ``src`` of another size, or places outside of the elements.

    >>> lazygrad.zeros(4).as_strided_scatter(Tensor([1.0, 2.0]), (2,), (2,), 1).tolist()
    [0.0, 1.0, 0.0, 2.0]
    """
    own, given = read(input), read(src)
    place = indexing.strided_places("as_strided_scatter", own, size, stride, storage_offset)
    if given.shape != place.shape:
        raise ShapeError(f"[as_strided_scatter] src has shape {given.shape}, not {place.shape}")
    flat = [movement.reshape(x, (x.size,)) for x in (own, place, operands.cast(given, own.dtype))]
    made = lang.scatter(flat[0], 0, *flat[1:])
    return wrap(movement.reshape(made, own.shape))


# -- arguments -------------------------------------------------------------------------------------


def _positions(op: str, input: Tensor, dim: int, index: Tensor) -> Node:
    """The index, which is known to be in range or else within a jitted function."""
    axis = normalize_axis(op, dim, input.ndim)
    if not input.ndim:
        raise ShapeError(f"[{op}] needs at least one dim, got a scalar; unsqueeze it first")
    found = read(index)
    if host.bounds_of(found) is None and ambient.has_values and found.dtype.is_integer:
        found = host.leaf_of(index.numpy(), None, input.device)
    host.check_labels(op, found, input.shape[axis])
    return found


def _source(input: Tensor, src: Any, index: Tensor | None) -> Node:
    """A tensor, or a number in the shape of an index."""
    if hasattr(src, "_node"):
        return operands.cast(read(src), input.dtype) if index is None else read(src)
    shape = () if index is None else index.shape
    return full(shape, src, input.dtype, input.device)
