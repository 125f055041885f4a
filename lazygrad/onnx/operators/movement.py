"""Operators that move elements: other shapes, orders, parts, and pads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.nn import functional as F
from lazygrad.onnx.operators.operator import Operator, Operators, plain
from lazygrad.onnx.types import Array, dtype_of
from lazygrad.tensor_class import Tensor


def shape(x: Tensor, *, start: int = 0, end: int | None = None) -> Array:
    return np.array(x.shape[start:end], np.int64)


def size(x: Tensor) -> Array:
    return np.array(x.numel(), np.int64)


def reshape(x: Tensor, shape: Array, *, allowzero: int = 0) -> Tensor:
    """0 stands for the size that was there, unless ``allowzero``."""
    sizes = [int(n) for n in shape]
    if not allowzero:
        sizes = [x.shape[axis] if n == 0 else n for axis, n in enumerate(sizes)]
    return x.reshape(sizes)


def flatten(x: Tensor, *, axis: int = 1) -> Tensor:
    axis = axis + x.ndim if axis < 0 else axis
    return x.reshape(prod(x.shape[:axis]), prod(x.shape[axis:]))


def transpose(x: Tensor, *, perm: Sequence[int] | None = None) -> Tensor:
    return x.permute(*(reversed(range(x.ndim)) if perm is None else perm))


def squeeze(x: Tensor, axes: Array | Sequence[int] | None = None) -> Tensor:
    if axes is None:
        return x.squeeze()
    dims = [int(axis) % x.ndim for axis in np.ravel(axes)]
    if any(x.shape[dim] != 1 for dim in dims):
        raise ShapeError(f"[Squeeze] dims {dims} of shape {x.shape} are not all of size 1")
    return x.reshape([n for dim, n in enumerate(x.shape) if dim not in dims])


def unsqueeze(x: Tensor, axes: Array | Sequence[int]) -> Tensor:
    given = np.ravel(axes)
    rank = x.ndim + len(given)
    dims = {int(axis) % rank for axis in given}
    left = iter(x.shape)
    return x.reshape([1 if axis in dims else next(left) for axis in range(rank)])


def expand(x: Tensor, shape: Array) -> Tensor:
    return x.broadcast_to(np.broadcast_shapes(x.shape, tuple(map(int, shape))))


def tile(x: Tensor, repeats: Array) -> Tensor:
    return x.repeat(*map(int, repeats))


def concat(*inputs: Tensor, axis: int) -> Tensor:
    return Tensor.cat(list(inputs), axis)


def parts(
    x: Tensor, sizes: Array | Sequence[int] | None = None, *, axis: int = 0,
    num_outputs: int | None = None, outputs: int = 1,
) -> tuple[Tensor, ...]:  # fmt: skip
    """In parts of these sizes, or of equal ones, the last of which may be smaller."""
    if sizes is None:
        each = -(-x.shape[axis] // (num_outputs or outputs))
        return x.split(each, axis)
    return x.split([int(n) for n in sizes], axis)


def slice_of(
    x: Tensor, starts: Array, ends: Array, axes: Array | None = None, steps: Array | None = None
) -> Tensor:
    index: list[Any] = [slice(None)] * x.ndim
    dims = range(len(starts)) if axes is None else axes
    strides = [1] * len(starts) if steps is None else steps
    for start, end, axis, step in zip(starts, ends, dims, strides, strict=True):
        index[int(axis)] = _slice(int(start), int(end), int(step), x.shape[int(axis)])
    return x[tuple(index)]


def _slice(start: int, end: int, step: int, size: int) -> slice:
    """Places are cut to what there is; going back, an end before the first is one of none."""
    if step < 0 and end < -size:
        return slice(start, None, step)
    return slice(start, end, step)


def pad(
    x: Tensor, pads: Array | Sequence[int], value: Array | None = None, axes: Array | None = None,
    *, mode: str = "constant",
) -> Tensor:  # fmt: skip
    """Before and after each of ``axes``; negative pads cut off."""
    chosen = list(range(x.ndim)) if axes is None else [int(axis) % x.ndim for axis in axes]
    pairs = {axis: (int(pads[i]), int(pads[i + len(chosen)])) for i, axis in enumerate(chosen)}
    filled = 0 if value is None else value.item()
    if mode == "constant":
        flat = [n for axis in reversed(range(x.ndim)) for n in pairs.get(axis, (0, 0))]
        return F.pad(x, flat, value=bool(filled) if x.dtype.name == "bool" else filled)
    for axis, (before, after) in pairs.items():
        x = x.index_select(axis, _around(mode, before, after, x.shape[axis], x.device))
    return x


def _around(mode: str, before: int, after: int, size: int, device: str) -> Tensor:
    """Which elements lie where an axis goes on beyond its ends."""
    places = np.arange(-before, size + after)
    if mode == "edge":
        places = places.clip(0, size - 1)
    elif mode == "wrap":
        places = places % size
    elif mode == "reflect":
        around = max(2 * (size - 1), 1)
        places = (size - 1) - np.abs((size - 1) - places % around)
    else:
        raise ValueRangeError(f"[Pad] knows no mode {mode!r}; known: constant, edge, reflect, wrap")
    return Tensor(places, device=device)


def pad_2(x: Tensor, *, pads: Sequence[int], mode: str = "constant", value: float = 0.0) -> Tensor:
    return pad(x, pads, np.array(value), mode=mode)


def center_crop_pad(x: Tensor, shape: Array, *, axes: Sequence[int] | None = None) -> Tensor:
    chosen = list(range(x.ndim)) if axes is None else [axis % x.ndim for axis in axes]
    before, after = [0] * x.ndim, [0] * x.ndim
    for axis, wanted in zip(chosen, map(int, shape), strict=True):
        more = wanted - x.shape[axis]
        before[axis] = -(-more // 2) if more < 0 else more // 2
        after[axis] = more - before[axis]
    return pad(x, [*before, *after])


def depth_to_space(x: Tensor, *, blocksize: int, mode: str = "DCR") -> Tensor:
    n, c, h, w = x.shape
    b = blocksize
    if mode == "DCR":
        parts = x.reshape(n, b, b, c // b**2, h, w).permute(0, 3, 4, 1, 5, 2)
    else:
        parts = x.reshape(n, c // b**2, b, b, h, w).permute(0, 1, 4, 2, 5, 3)
    return parts.reshape(n, c // b**2, h * b, w * b)


def space_to_depth(x: Tensor, *, blocksize: int) -> Tensor:
    n, c, h, w = x.shape
    b = blocksize
    parts = x.reshape(n, c, h // b, b, w // b, b).permute(0, 3, 5, 1, 2, 4)
    return parts.reshape(n, c * b**2, h // b, w // b)


def trilu(x: Tensor, k: Array | None = None, *, upper: int = 1) -> Tensor:
    diagonal = 0 if k is None else int(k.item())
    return x.triu(diagonal) if upper else x.tril(diagonal)


def eye_like(x: Tensor, *, dtype: int | None = None, k: int = 0) -> Tensor:
    chosen = x.dtype if dtype is None else dtype_of(dtype)
    ones = Tensor.ones(x.shape, dtype=chosen, device=x.device)
    return ones.triu(k).tril(k)


def range_of(start: Tensor, limit: Tensor, delta: Tensor) -> Tensor:
    numbers = (number.item() for number in (start, limit, delta))
    return Tensor.arange(*numbers, dtype=start.dtype, device=start.device)


def reverse_sequence(
    x: Tensor, lengths: Tensor, *, batch_axis: int = 1, time_axis: int = 0
) -> Tensor:
    """The first elements of each sequence backwards, the others as they are."""
    times = Tensor.arange(x.shape[time_axis], device=x.device)
    rows = lengths.reshape(-1, 1)
    index = (rows - 1 - times).where(times < rows, times)  # (batch, time)
    ordered = x.movedim((batch_axis, time_axis), (0, 1))
    index = index.reshape(*index.shape, *(1,) * (x.ndim - 2)).expand(ordered.shape)
    return ordered.gather(1, index).movedim((0, 1), (batch_axis, time_axis))


def named(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """As long as what is an input later was the attribute ``name``."""
    return lambda x, **options: function(x, options.pop(name, None), **options)


def slice_1(
    x: Tensor, *, starts: Sequence[int], ends: Sequence[int], axes: Sequence[int] | None = None
) -> Tensor:
    return slice_of(x, np.array(starts), np.array(ends), None if axes is None else np.array(axes))


def split_2(
    x: Tensor, *, axis: int = 0, split: Sequence[int] | None = None, outputs: int = 1
) -> tuple[Tensor, ...]:
    return parts(x, split, axis=axis, outputs=outputs)


OPERATORS: Operators = {
    **plain(
        Shape=shape, Size=size, Flatten=flatten, Transpose=transpose, Concat=concat,
        DepthToSpace=depth_to_space, SpaceToDepth=space_to_depth, EyeLike=eye_like,
        Range=range_of, ReverseSequence=reverse_sequence,
    ),
    "Reshape": (Operator(reshape, since=5, host=(1,)),),
    "Squeeze": (Operator(named(squeeze, "axes")), Operator(squeeze, since=13, host=(1,))),
    "Unsqueeze": (Operator(named(unsqueeze, "axes")), Operator(unsqueeze, since=13, host=(1,))),
    "Expand": (Operator(expand, host=(1,)),),
    "Tile": (Operator(tile, since=6, host=(1,)),),
    "Split": (Operator(split_2), Operator(parts, since=13, host=(1,))),
    "Slice": (Operator(slice_1), Operator(slice_of, since=10, host=(1, 2, 3, 4))),
    "Pad": (Operator(pad_2), Operator(pad, since=11, host=(1, 2, 3))),
    "CenterCropPad": (Operator(center_crop_pad, host=(1,)),),
    "Trilu": (Operator(trilu, host=(1,)),),
}  # fmt: skip
