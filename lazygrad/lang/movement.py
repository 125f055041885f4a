"""Views: reshape, permute, expand, pad, shrink, flip and what is made of them.

They move no data. A step that changes nothing returns its operand.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from lazygrad import ops
from lazygrad.element_types import bool_
from lazygrad.errors import AxisError, ShapeError
from lazygrad.graph import Node, Scalar, const, node
from lazygrad.ops import Shear
from lazygrad.shape import (
    Shape,
    broadcast,
    checked_shape,
    infer_reshape,
    normalize_axes,
    normalize_axis,
)

Pads = Sequence[tuple[int, int]]


def reshape(x: Node, sizes: Sequence[int]) -> Node:
    """The elements of ``x`` in row-major order in another shape; one size may be -1."""
    target = infer_reshape("reshape", x.shape, tuple(sizes))
    return x if target == x.shape else node(ops.RESHAPE, (x,), target)


def permute(x: Node, axes: Sequence[int]) -> Node:
    """Dim ``i`` of the result is dim ``axes[i]`` of ``x``."""
    order = tuple(normalize_axis("permute", axis, x.ndim) for axis in axes)
    if sorted(order) != list(range(x.ndim)):
        raise AxisError(
            f"[permute] {tuple(axes)} is not an order of the {x.ndim} dims of {x.shape}"
        )
    return x if order == tuple(range(x.ndim)) else node(ops.PERMUTE, (x,), order)


def transpose(x: Node, dim0: int, dim1: int) -> Node:
    """Two dims exchanged."""
    order = list(range(x.ndim))
    first = normalize_axis("transpose", dim0, x.ndim)
    second = normalize_axis("transpose", dim1, x.ndim)
    if not order:
        return x
    order[first], order[second] = order[second], order[first]
    return permute(x, order)


def movedim(x: Node, source: int | Sequence[int], destination: int | Sequence[int]) -> Node:
    """Dims ``source`` moved to ``destination``; the others keep their order."""
    sources = [source] if isinstance(source, int) else list(source)
    targets = [destination] if isinstance(destination, int) else list(destination)
    sources = [normalize_axis("movedim", axis, x.ndim) for axis in sources]
    targets = [normalize_axis("movedim", axis, x.ndim) for axis in targets]
    distinct = len(set(sources)) == len(sources) and len(set(targets)) == len(targets)
    if len(sources) != len(targets) or not distinct:
        raise AxisError(f"[movedim] source {source} and destination {destination} do not pair up")
    placed = dict(zip(targets, sources, strict=True))
    others = iter(axis for axis in range(x.ndim) if axis not in sources)
    return permute(x, [placed[i] if i in placed else next(others) for i in range(x.ndim)])


def broadcast_to(x: Node, sizes: Sequence[int]) -> Node:
    """``x`` repeated to a shape that it broadcasts to."""
    target = tuple(sizes)
    if target == x.shape:
        return x
    if len(target) < x.ndim or broadcast("expand", x.shape, target) != target:
        raise ShapeError(f"[expand] cannot expand shape {x.shape} to {target}")
    aligned = reshape(x, (1,) * (len(target) - x.ndim) + x.shape)
    return aligned if aligned.shape == target else node(ops.EXPAND, (aligned,), target)


def expand(x: Node, sizes: Sequence[int]) -> Node:
    """As ``broadcast_to``; a size of -1 keeps that dim, as in PyTorch."""
    target = tuple(sizes)
    if -1 in target:
        kept = (1,) * (len(target) - x.ndim) + x.shape
        new = len(target) - x.ndim
        if len(kept) != len(target) or any(size == -1 for size in target[:new]):
            raise ShapeError(f"[expand] cannot expand shape {x.shape} to {target}")
        target = tuple(old if size == -1 else size for old, size in zip(kept, target, strict=True))
    return broadcast_to(x, checked_shape("expand", target))


def pad(x: Node, pads: Pads, value: Scalar = 0) -> Node:
    """``value`` around ``x``: one (before, after) pair a dim; negative pairs cut off."""
    widths = tuple((int(before), int(after)) for before, after in pads)
    if len(widths) != x.ndim:
        raise ShapeError(f"[pad] {widths} does not have one pair for each dim of shape {x.shape}")
    if any(before < 0 or after < 0 for before, after in widths):
        x = _cut(x, widths)
        widths = tuple((max(before, 0), max(after, 0)) for before, after in widths)
    if all(width == (0, 0) for width in widths):
        return x
    padded = node(ops.PAD, (x,), widths)
    if value == 0 and math.copysign(1.0, value) > 0:
        return padded
    inside = node(ops.PAD, (const(True, bool_, x.shape, x.device),), widths)
    filler = const(value, x.dtype, padded.shape, x.device)
    return node(ops.WHERE, (inside, padded, filler))


def _cut(x: Node, widths: Pads) -> Node:
    """What negative pads leave of ``x``."""
    bounds = []
    for size, (before, after) in zip(x.shape, widths, strict=True):
        start, stop = max(-before, 0), size - max(-after, 0)
        if start > stop:
            raise ShapeError(f"[pad] {tuple(widths)} cuts off more than shape {x.shape} has")
        bounds.append((start, stop))
    return shrink(x, bounds)


def shrink(x: Node, bounds: Pads) -> Node:
    """The part from ``start`` to before ``stop`` of each dim, all inside ``x``."""
    listed = tuple((int(start), int(stop)) for start, stop in bounds)
    unchanged = tuple((0, size) for size in x.shape)
    return x if listed == unchanged else node(ops.SHRINK, (x,), listed)


def narrow(x: Node, dim: int, start: int, length: int) -> Node:
    """``length`` elements of dim ``dim`` from ``start`` on."""
    axis = normalize_axis("narrow", dim, x.ndim)
    size = x.shape[axis] if x.shape else 1
    first = start + size if start < 0 else start
    if x.ndim == 0 or not (first >= 0 and length >= 0 and first + length <= size):
        raise AxisError(
            f"[narrow] start {start} and length {length} do not lie in dim {dim} of shape {x.shape}"
        )
    return shrink(x, [
        (first, first + length) if i == axis else (0, n) for i, n in enumerate(x.shape)
    ])  # fmt: skip


def flip(x: Node, dims: int | Sequence[int]) -> Node:
    """The order of dims ``dims`` reversed."""
    axes = normalize_axes("flip", dims, x.ndim)
    axes = tuple(axis for axis in axes if x.shape[axis] > 1)
    return node(ops.FLIP, (x,), axes) if axes else x


def shear(x: Node, axis: int, by: int, factor: int, offset: int, size: int) -> Node:
    """``out[..i..k..] = x[.. i + factor*k + offset ..k..]``, 0 where that is outside.

    ``i`` runs over ``size`` positions of dim ``axis``, ``k`` over dim ``by``.
    """
    return node(ops.SHEAR, (x,), Shear(axis, by, factor, offset, size))


def squeeze(x: Node, dims: int | Sequence[int] | None = None) -> Node:
    """Without the dims ``dims`` (default: all) that have size 1."""
    axes = normalize_axes("squeeze", dims, x.ndim)
    return reshape(x, [n for axis, n in enumerate(x.shape) if n != 1 or axis not in axes])


def unsqueeze(x: Node, dim: int | Sequence[int]) -> Node:
    """A new dim of size 1 before dim ``dim``; -1 puts it last. Of several, each where it stands in
    the result."""
    if isinstance(dim, int):
        axis = normalize_axis("unsqueeze", dim, x.ndim + 1)
        return reshape(x, (*x.shape[:axis], 1, *x.shape[axis:]))
    axes = normalize_axes("unsqueeze", dim, x.ndim + len(dim))
    kept = iter(x.shape)
    return reshape(x, [1 if d in axes else next(kept) for d in range(x.ndim + len(axes))])


def flatten(x: Node, start_dim: int = 0, end_dim: int = -1) -> Node:
    """Dims ``start_dim`` to ``end_dim`` as one; a scalar becomes shape (1,)."""
    if x.ndim == 0:
        return reshape(x, (1,))
    start = normalize_axis("flatten", start_dim, x.ndim)
    end = normalize_axis("flatten", end_dim, x.ndim)
    if start > end:
        raise AxisError(f"[flatten] start_dim {start_dim} comes after end_dim {end_dim}")
    merged = 1
    for size in x.shape[start : end + 1]:
        merged *= size
    return reshape(x, (*x.shape[:start], merged, *x.shape[end + 1 :]))


def unflatten(x: Node, dim: int, sizes: Sequence[int]) -> Node:
    """Dim ``dim`` split into ``sizes``, one of which may be -1."""
    axis = normalize_axis("unflatten", dim, x.ndim)
    parts = infer_reshape("unflatten", x.shape[axis : axis + 1], tuple(sizes))
    return reshape(x, (*x.shape[:axis], *parts, *x.shape[axis + 1 :]))


def split(x: Node, split_size: int | Sequence[int], dim: int = 0) -> tuple[Node, ...]:
    """Pieces along ``dim``: of ``split_size`` each (the last may be smaller), or of these sizes."""
    axis = normalize_axis("split", dim, x.ndim)
    if x.ndim == 0:
        raise ShapeError("[split] a scalar has no dim to split")
    total = x.shape[axis]
    if isinstance(split_size, int):
        if split_size < 0 or (split_size == 0 and total):
            raise ShapeError(f"[split] split_size must be at least 1, got {split_size}")
        sizes = [min(split_size, total - at) for at in range(0, total, split_size or 1)] or [0]
    else:
        sizes = list(split_size)
        if sum(sizes) != total or min(sizes, default=0) < 0:
            raise ShapeError(f"[split] sizes {sizes} do not add up to the {total} of dim {dim}")
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    return tuple(narrow(x, axis, at, size) for at, size in zip(starts, sizes, strict=True))


def chunk(x: Node, chunks: int, dim: int = 0) -> tuple[Node, ...]:
    """At most ``chunks`` pieces of equal size (the last may be smaller)."""
    if chunks < 1:
        raise ShapeError(f"[chunk] chunks must be at least 1, got {chunks}")
    axis = normalize_axis("chunk", dim, x.ndim)
    if x.ndim == 0:
        raise ShapeError("[chunk] a scalar has no dim to split")
    if x.shape[axis] == 0:
        return split(x, [0] * chunks, axis)
    return split(x, -(-x.shape[axis] // chunks), axis)


def tensor_split(x: Node, sections: int | Sequence[int], dim: int = 0) -> tuple[Node, ...]:
    """So many pieces, of which the first ones may be longer by one; or cut at these positions."""
    axis = normalize_axis("tensor_split", dim, x.ndim)
    if x.ndim == 0:
        raise ShapeError("[tensor_split] a scalar has no dim to split")
    size = x.shape[axis]
    if isinstance(sections, int):
        if sections < 1:
            raise ShapeError(f"[tensor_split] needs at least one section, got {sections}")
        least, longer = divmod(size, sections)
        return split(x, [least + (i < longer) for i in range(sections)], axis)
    cuts = [0, *(min(max(at + size if at < 0 else at, 0), size) for at in sections), size]
    parts = pairwise(cuts)
    return tuple(narrow(x, axis, start, max(stop - start, 0)) for start, stop in parts)


def repeat(x: Node, repeats: Sequence[int]) -> Node:
    """``x`` tiled ``repeats[i]`` times along each dim; more repeats than dims add dims."""
    counts = checked_shape("repeat", tuple(repeats))
    if len(counts) < x.ndim:
        raise ShapeError(f"[repeat] {counts} has fewer numbers than shape {x.shape} has dims")
    shape = (1,) * (len(counts) - x.ndim) + x.shape
    spread: list[int] = []
    full: list[int] = []
    for count, size in zip(counts, shape, strict=True):
        spread += [1, size]
        full += [count, size]
    tiled = broadcast_to(reshape(x, spread), full)
    return reshape(tiled, [count * size for count, size in zip(counts, shape, strict=True)])


def tile(x: Node, repeats: Sequence[int]) -> Node:
    """As ``repeat``; missing repeats count as 1."""
    return repeat(x, (1,) * (x.ndim - len(repeats)) + tuple(repeats))


def repeat_each(x: Node, count: int, axis: int) -> Node:
    """Each slice along ``axis`` ``count`` times, one after the other."""
    before, size, after = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
    spread = broadcast_to(reshape(x, (*before, size, 1, *after)), (*before, size, count, *after))
    return reshape(spread, (*before, size * count, *after))


def rot90(x: Node, k: int = 1, dims: Sequence[int] = (0, 1)) -> Node:
    """``x`` turned ``k`` times by a quarter, from the first of ``dims`` towards the second.

    Raises:
        AxisError: unless ``dims`` are two dims.
    """
    axes = tuple(normalize_axis("rot90", dim, x.ndim) for dim in dims)
    if len(axes) != 2 or axes[0] == axes[1] or x.ndim < 2:
        raise AxisError(f"[rot90] turns in a plane of two dims, got {tuple(dims)} of {x.shape}")
    turns = k % 4
    if turns == 2:
        return flip(x, axes)
    if turns:
        x = transpose(x, *axes)
    return x if not turns else flip(x, axes[0] if turns == 1 else axes[1])


def aligned(x: Node, axis: int, ndim: int) -> Node:
    """A one-dim ``x`` as dim ``axis`` of ``ndim``, to broadcast along the others."""
    shape: Shape = (1,) * axis + x.shape + (1,) * (ndim - axis - 1)
    return reshape(x, shape)
