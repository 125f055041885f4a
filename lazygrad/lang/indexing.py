"""Selecting elements: slices, and integer tensors, of which every form is one GATHER."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lazygrad import ops
from lazygrad.element_types import BOOL, FLOAT, default_int, int32, int64
from lazygrad.errors import AxisError, DtypeError, ShapeError
from lazygrad.graph import Node, const, node
from lazygrad.lang.comparison import eq, lt
from lazygrad.lang.creation import iota, positions
from lazygrad.lang.elementwise import add, mul, where
from lazygrad.lang.movement import (
    broadcast_to,
    flip,
    movedim,
    pad,
    reshape,
    shrink,
    unsqueeze,
)
from lazygrad.lang.operands import cast, full_like, widened, zeros_like
from lazygrad.ops import Op
from lazygrad.shape import broadcast, checked_shape, normalize_axis, numel


def pick(x: Node, axis: int, index: Node) -> Node:
    """One element along ``axis``, which is removed, for each element of the other dims: the one
    that ``index`` names. 0 for an index outside."""
    one = unsqueeze(_as_index("index", index), axis)
    return reshape(node(ops.GATHER, (x, one), axis), index.shape)


def scatter(index: Node, value: Node, axis: int, size: int, combine: Op | None) -> Node:
    """Zeros of shape ``value.shape`` but ``size`` long along ``axis``, where ``index`` says where
    each element of ``value`` goes; the transpose of a gather for ``combine`` ADD. See SCATTER.

    Sums and products of half precision are taken in float32.
    """
    wide = widened(value) if combine in (ops.ADD, ops.MUL) else value
    arg = ops.Scatter(axis, size, combine)
    return cast(node(ops.SCATTER, (_as_index("scatter", index), wide), arg), value.dtype)


def _as_index(op: str, index: Node) -> Node:
    """An index as int32 or int64."""
    if not index.dtype.is_integer:
        raise DtypeError(f"[{op}] indices must be integers, got {index.dtype.name}")
    if index.dtype in (int32, int64):
        return index
    return cast(index, int32 if index.dtype.itemsize < 4 else int64)


def wrapped(index: Node, size: int) -> Node:
    """Negative indices counted from the end."""
    index = _as_index("index", index)
    return where(lt(index, 0), add(index, size), index)


def outside(index: Node, size: int) -> Node:
    """Bool: where a (wrapped) index points at nothing."""
    index = _as_index("index", index)  # a small dtype may not hold the size
    below = node(ops.LT, (index, zeros_like(index)))
    return node(ops.ADD, (below, node(ops.LT, (full_like(index, size - 1), index))))


def poisoned(value: Node, invalid: Node) -> Node:
    """NaN where an index was invalid: a wrong index must not pass for a 0. Integers cannot say."""
    if value.dtype.kind != FLOAT:
        return value
    return where(invalid, math.nan, value)


def take(x: Node, axis: int, index: Node, in_range: bool = False) -> Node:
    """Dim ``axis`` of ``x`` replaced by the dims of ``index``, which selects from it.

    ``in_range`` says that every index is known to be within [0, size). Otherwise negative ones
    count from the end, and floats become NaN where the index is out of range.
    """
    axis = normalize_axis("take", axis, x.ndim)
    size = x.shape[axis]
    index = _as_index("index", index) if in_range else wrapped(index, size)
    before, after = x.shape[:axis], x.shape[axis + 1 :]
    inner, ones = index.shape, (1,) * (x.ndim - axis - 1)
    listed = reshape(index, (*(1,) * axis, index.size, *ones))
    spread = broadcast_to(listed, (*before, index.size, *after))
    result = reshape(node(ops.GATHER, (x, spread), axis), (*before, *inner, *after))
    if in_range:
        return result
    return poisoned(result, reshape(outside(index, size), (*(1,) * axis, *inner, *ones)))


def index_select(x: Node, dim: int, index: Node, in_range: bool = False) -> Node:
    """The slices of ``x`` along ``dim`` that a one-dim ``index`` names."""
    if index.ndim > 1:
        raise ShapeError(f"[index_select] index must have one dim, got shape {index.shape}")
    return take(x, dim, reshape(index, (index.size,)), in_range)


def gather(x: Node, dim: int, index: Node, in_range: bool = False) -> Node:
    """``out[i][j][k] = x[i][index[i][j][k]][k]`` for dim 1; as torch.gather."""
    axis = normalize_axis("gather", dim, x.ndim)
    fits = index.ndim == x.ndim and all(
        i <= n for d, (i, n) in enumerate(zip(index.shape, x.shape, strict=True)) if d != axis
    )
    if not fits:
        raise ShapeError(
            f"[gather] index of shape {index.shape} does not fit shape {x.shape} along dim {dim}"
        )
    if x.ndim == 0:
        return x
    size = x.shape[axis]
    index = _as_index("gather", index) if in_range else wrapped(index, size)
    bounds = [(0, n if d == axis else index.shape[d]) for d, n in enumerate(x.shape)]
    result = node(ops.GATHER, (shrink(x, bounds), index), axis)
    return result if in_range else poisoned(result, outside(index, size))


def as_strided(x: Node, sizes: Sequence[int], strides: Sequence[int], offset: int = 0) -> Node:
    """Elements of ``x`` in row-major order: ``out[i][j] = x[offset + i * strides[0] + ...]``."""
    place = strided_places("as_strided", x, sizes, strides, offset)
    return take(reshape(x, (x.size,)), 0, place, in_range=True)


def strided_places(
    op: str, x: Node, sizes: Sequence[int], strides: Sequence[int], offset: int
) -> Node:
    """int64 of shape ``sizes``: ``offset + i * strides[0] + j * strides[1] + ...``

    Raises:
        ShapeError: for sizes and strides that do not pair up, or reach beyond ``x``.
    """
    shape = checked_shape(op, tuple(sizes))
    if len(shape) != len(strides):
        raise ShapeError(f"[{op}] {len(shape)} sizes do not pair with {len(strides)} strides")
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    if min(offset, 0, *strides) < 0 or (numel(shape) and last >= x.size):
        raise ShapeError(
            f"[{op}] size {shape}, stride {tuple(strides)} and storage_offset {offset} reach "
            f"outside of the {x.size} elements of shape {x.shape}"
        )
    place = const(offset, int64, shape, x.device)
    for axis, step in enumerate(strides):
        place = add(place, mul(positions(place, axis, int64), step))
    return place


def embedding(weight: Node, index: Node, in_range: bool = False) -> Node:
    """Rows of ``weight`` (rows, width): shape ``(*index.shape, width)``. Negative indices are
    out of range here."""
    index = _as_index("embedding", index)
    invalid = outside(index, weight.shape[0])
    result = take(weight, 0, index, in_range=True)
    return result if in_range else poisoned(result, unsqueeze(invalid, -1))


def one_hot(index: Node, num_classes: int) -> Node:
    """int64 of shape ``(*index.shape, num_classes)``: 1 at the index, 0 elsewhere."""
    index = _as_index("one_hot", index)
    position = iota(num_classes, index.device, index.dtype)
    return cast(eq(unsqueeze(index, -1), position), default_int)


# -- x[key] ------------------------------------------------------------------------------------


def getitem(x: Node, key: Any, in_range: bool = False) -> Node:
    """``x[key]`` for ints, slices, None, Ellipsis and integer Nodes, together as in NumPy.

    Raises:
        AxisError: for too many indices, or an int out of range.
        DtypeError: for a mask, whose result would have a shape that depends on values.
    """
    items = expanded(x, key if isinstance(key, tuple) else (key,))
    x, arrays = basic_view(x, items)
    return pick_arrays(x, arrays, in_range) if arrays else x


def expanded(x: Node, key: tuple[Any, ...]) -> list[Any]:
    """The key with ``...`` written out, one item for each dim and each None."""
    for item in key:
        if isinstance(item, bool) or (isinstance(item, Node) and item.dtype.kind == BOOL):
            raise DtypeError(
                "[getitem] a mask selects a number of elements that depends on its values; "
                "use where(mask, x, 0), or index with integers"
            )
    used = sum(1 for item in key if item is not None and item is not Ellipsis)
    missing = x.ndim - used
    if missing < 0:
        raise AxisError(f"[getitem] {used} indices for a tensor of shape {x.shape}")
    ellipses = sum(1 for item in key if item is Ellipsis)
    if ellipses > 1:
        raise AxisError("[getitem] an index can have one ellipsis (...) only")
    items: list[Any] = []
    for item in key if ellipses else (*key, Ellipsis):
        items.extend([slice(None)] * missing if item is Ellipsis else [item])
    return items


def basic_view(x: Node, items: Sequence[Any]) -> tuple[Node, list[Node | None]]:
    """Slices, ints and None applied; for each remaining dim the integer Node that selects it."""
    axis = 0
    bounds: list[tuple[int, int]] = []
    steps: list[int] = []
    for item in items:
        if item is None:
            continue
        start, count, step = _span(item, axis, x.shape)
        low = start if step > 0 else start + (count - 1) * step
        high = start + (count - 1) * step + 1 if step > 0 else start + 1
        bounds.append((low, high) if count else (0, 0))
        steps.append(step)
        axis += 1
    x = shrink(x, bounds)
    x = flip(x, [axis for axis, step in enumerate(steps) if step < 0])
    for axis, step in enumerate(steps):
        x = every(x, axis, abs(step))
    return _with_dims(x, items)


def _with_dims(x: Node, items: Sequence[Any]) -> tuple[Node, list[Node | None]]:
    """Dims of ints removed, dims of None added."""
    shape: list[int] = []
    arrays: list[Node | None] = []
    axis = 0
    for item in items:
        if item is None:
            shape.append(1)
            arrays.append(None)
            continue
        if isinstance(item, Node | slice):
            shape.append(x.shape[axis])
            arrays.append(item if isinstance(item, Node) else None)
        axis += 1
    return reshape(x, shape), arrays if any(a is not None for a in arrays) else []


def _span(item: Any, axis: int, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """First position, number and step of what an item selects from a dim."""
    size = shape[axis]
    if isinstance(item, Node):
        return 0, size, 1
    if isinstance(item, slice):
        if item.step == 0:
            raise AxisError("[getitem] the step of a slice must not be 0")
        selected = range(size)[item]
        return selected.start, len(selected), selected.step
    if not isinstance(item, int):
        raise DtypeError(
            f"[getitem] cannot index with {item!r}; use integers, slices, None, ... or "
            "integer tensors"
        )
    if not -size <= item < size:
        raise AxisError(f"[getitem] index {item} is out of range for dim {axis} of shape {shape}")
    return item % size, 1, 1


def every(x: Node, axis: int, step: int) -> Node:
    """Elements 0, step, 2 * step ... along ``axis``."""
    size = x.shape[axis]
    if step == 1 or size <= 1:
        return x
    count = -(-size // step)
    fill = [(0, count * step - size if d == axis else 0) for d in range(x.ndim)]
    split = (*x.shape[:axis], count, step, *x.shape[axis + 1 :])
    grouped = reshape(pad(x, fill), split)
    first = shrink(grouped, [(0, 1) if d == axis + 1 else (0, n) for d, n in enumerate(split)])
    return reshape(first, (*x.shape[:axis], count, *x.shape[axis + 1 :]))


def pick_arrays(x: Node, arrays: list[Node | None], in_range: bool) -> Node:
    """Integer Nodes broadcast to each other and applied as one index into their merged dims.

    The result's dims stand where the first of them stood if they are neighbours, else in front.
    """
    axes = [axis for axis, index in enumerate(arrays) if index is not None]
    indices = [index for index in arrays if index is not None]
    sizes = [x.shape[axis] for axis in axes]
    shape = broadcast("getitem", *(index.shape for index in indices))
    flat: Node | None = None
    invalid: Node | None = None
    for index, size in zip(indices, sizes, strict=True):
        index = _as_index("getitem", index) if in_range else wrapped(index, size)
        index = broadcast_to(index, shape)
        if not in_range:
            bad = outside(index, size)
            invalid = bad if invalid is None else node(ops.ADD, (invalid, bad))
        flat = index if flat is None else add(mul(flat, size), index)
    neighbours = axes == list(range(axes[0], axes[0] + len(axes)))
    first = axes[0] if neighbours else 0
    x = movedim(x, axes, list(range(first, first + len(axes))))
    merged = (*x.shape[:first], numel(sizes), *x.shape[first + len(axes) :])
    if flat is None:
        return x
    result = take(reshape(x, merged), first, flat, in_range=True)
    if invalid is None:
        return result
    spread = reshape(invalid, (*(1,) * first, *shape, *(1,) * (result.ndim - first - len(shape))))
    return poisoned(result, spread)
