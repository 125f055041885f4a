"""Pools."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, prod
from typing import Any

import numpy as np

from lazygrad.element_types import int64
from lazygrad.nn import functional as F
from lazygrad.onnx.operators.frames import SPATIAL, Frame
from lazygrad.onnx.operators.operator import Operator, Operators, plain
from lazygrad.onnx.operators.windows import CONVOLUTIONS
from lazygrad.onnx.types import Array
from lazygrad.tensor_class import Tensor

MAXIMA: dict[int, Callable[..., Any]] = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}


def max_pool(
    x: Tensor, *, kernel_shape: Sequence[int], auto_pad: str = "NOTSET", ceil_mode: int = 0,
    dilations: Sequence[int] | None = None, pads: Sequence[int] | None = None,
    storage_order: int = 0, strides: Sequence[int] | None = None, outputs: int = 1,
) -> Any:  # fmt: skip
    """Largest elements, and where they are in the whole of ``x``, which has been made flat."""
    sizes = x.shape[SPATIAL:]
    frame = Frame.of(sizes, kernel_shape, strides, dilations, pads, auto_pad)
    lowest = -inf if x.dtype.is_floating_point else x.dtype.min
    padded = frame.padded(x, lowest, frame.counts(sizes, bool(ceil_mode)))
    where = outputs > 1
    found = MAXIMA[len(sizes)](
        padded, frame.kernel, frame.strides, 0, frame.dilations, return_indices=where
    )
    if not where:
        return found
    values, flat = found
    return values, _position(flat, padded.shape[SPATIAL:], frame.starts, x.shape, storage_order)


def _position(
    flat: Tensor, padded: Sequence[int], starts: Sequence[int], shape: Sequence[int], order: int
) -> Tensor:
    """In a tensor of ``shape``, of positions in its padded planes; of a plane whose columns lie one
    after the other with ``order``."""
    sizes = shape[SPATIAL:]
    steps = [prod(sizes[axis + 1 :]) for axis in range(len(sizes))]
    if order:
        steps = [prod(sizes[:axis]) for axis in range(len(sizes))]
    found, rest = flat * 0, flat
    for axis in reversed(range(len(padded))):
        found = found + (rest % padded[axis] - starts[axis]) * steps[axis]
        rest = rest // padded[axis]
    planes = Tensor.arange(prod(shape[:SPATIAL]), device=flat.device) * prod(sizes)
    return (found + planes.reshape(*shape[:SPATIAL], *(1,) * len(sizes))).cast(int64)


def average_pool(
    x: Tensor, *, kernel_shape: Sequence[int], auto_pad: str = "NOTSET", ceil_mode: int = 0,
    count_include_pad: int = 0, dilations: Sequence[int] | None = None,
    pads: Sequence[int] | None = None, strides: Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    """Means over the elements of each window, with its pads if these count."""
    sizes = x.shape[SPATIAL:]
    frame = Frame.of(sizes, kernel_shape, strides, dilations, pads, auto_pad)
    counts = frame.counts(sizes, bool(ceil_mode))
    covered = np.ones((), np.float64)
    for axis, n in enumerate(sizes):
        along = _covered(frame, axis, n, counts[axis], count_include_pad)
        covered = np.multiply.outer(covered, along)
    total = _sums(frame.padded(x, counts=counts), frame)
    if np.all(covered == covered.flat[0]):
        return total / covered.flat[0].item()
    return total / Tensor(covered, dtype=x.dtype, device=x.device)


def _covered(frame: Frame, axis: int, size: int, count: int, pads_count: int) -> Array:
    """How many elements along an axis each of ``count`` windows has."""
    start, end = frame.starts[axis], frame.ends[axis]
    first, last = (-start, size + end) if pads_count else (0, size)
    windows = np.arange(count) * frame.strides[axis] - start
    places = windows[:, None] + np.arange(frame.kernel[axis]) * frame.dilations[axis]
    return ((first <= places) & (places < last)).sum(1).astype(np.float64)


def _sums(padded: Tensor, frame: Frame) -> Tensor:
    """Over windows, of each plane by itself."""
    planes = padded.reshape(-1, 1, *padded.shape[SPATIAL:])
    ones = Tensor.ones((1, 1, *frame.kernel), dtype=padded.dtype, device=padded.device)
    convolve = CONVOLUTIONS[len(frame.kernel)]
    found = convolve(planes, ones, None, frame.strides, 0, frame.dilations)
    return found.reshape(*padded.shape[:SPATIAL], *found.shape[SPATIAL:])


def lp_pool(
    x: Tensor, *, kernel_shape: Sequence[int], p: int = 2, auto_pad: str = "NOTSET",
    ceil_mode: int = 0, dilations: Sequence[int] | None = None, pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    sizes = x.shape[SPATIAL:]
    frame = Frame.of(sizes, kernel_shape, strides, dilations, pads, auto_pad)
    powers = frame.padded(x.abs() ** p, counts=frame.counts(sizes, bool(ceil_mode)))
    return _sums(powers, frame) ** (1 / p)


def globally(reduced: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Over all dims that windows move along."""
    return lambda x, **options: reduced(x, tuple(range(SPATIAL, x.ndim)), keepdim=True, **options)


def _norm(x: Tensor, dim: Sequence[int], keepdim: bool, p: int = 2) -> Tensor:
    return (x.abs() ** p).sum(dim, keepdim) ** (1 / p)


def max_unpool(
    x: Tensor, indices: Tensor, shape: Array | None = None, *, kernel_shape: Sequence[int],
    pads: Sequence[int] | None = None, strides: Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    """Zeros but where ``indices`` say, which are of the tensor that was pooled."""
    sizes = x.shape[SPATIAL:]
    frame = Frame.of(sizes, kernel_shape, strides, None, pads, "NOTSET")
    pooled = [
        (n - 1) * s + k - start - end
        for n, s, k, start, end in zip(
            sizes, frame.strides, frame.kernel, frame.starts, frame.ends, strict=True
        )
    ]
    # Indices are of these sizes, whatever shape is asked for.
    zeros = Tensor.zeros((prod(x.shape[:SPATIAL]) * prod(pooled),), dtype=x.dtype, device=x.device)
    found = zeros.scatter(0, indices.reshape(-1), x.reshape(-1))
    found = found.reshape(*x.shape[:SPATIAL], *pooled)
    if shape is None:
        return found
    wanted = tuple(map(int, shape))[SPATIAL:]
    ends = [w - n for w, n in zip(wanted, pooled, strict=True)]
    pairs = [number for end in reversed(ends) for number in (0, end)]
    return F.pad(found, pairs)


OPERATORS: Operators = {
    **plain(
        MaxPool=max_pool,
        AveragePool=average_pool,
        LpPool=lp_pool,
        GlobalAveragePool=globally(Tensor.mean),
        GlobalMaxPool=globally(Tensor.amax),
        GlobalLpPool=globally(_norm),
    ),
    "MaxUnpool": (Operator(max_unpool, host=(2,)),),
}
