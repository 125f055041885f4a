"""Sliding windows: what convolutions, pools and unfolding look at.

Spatial arguments are one number for all dims or one a dim.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.graph import Node, Scalar
from lazygrad.lang.indexing import every
from lazygrad.lang.movement import broadcast_to, movedim, pad, reshape, shear, shrink, unsqueeze

Sizes = int | Sequence[int]


class Window(NamedTuple):
    """How a window of ``kernel`` elements, ``dilation`` apart, slides over a padded dim."""

    kernel: int
    stride: int
    dilation: int
    before: int
    after: int

    @property
    def strides(self) -> int:
        """Over how many strides it reaches, the last one maybe not to its end: no place is seen by
        more windows. 0 if nothing overlaps, or there is no stride."""
        overlaps = self.dilation == 1 and self.kernel > self.stride > 1
        return -(-self.kernel // self.stride) if overlaps else 0

    def positions(self, op: str, size: int) -> int:
        """How many windows fit a dim of ``size``."""
        reach = self.dilation * (self.kernel - 1) + 1
        room = size + self.before + self.after - reach
        if room < 0:
            raise ShapeError(
                f"[{op}] a window of {reach} elements does not fit a dim of size {size} padded by "
                f"{self.before} and {self.after}"
            )
        return room // self.stride + 1


def windows(op: str, x: Node, spans: Sequence[Window], fill: Scalar = 0) -> Node:
    """All windows over the last ``len(spans)`` dims: shape (.., positions.., kernels..).

    Outside of ``x`` they see ``fill``.
    """
    first = x.ndim - len(spans)
    counts = [w.positions(op, x.shape[first + i]) for i, w in enumerate(spans)]
    if fill != 0:
        x = pad(x, [*[(0, 0)] * first, *((w.before, w.after) for w in spans)], fill)
        spans = [w._replace(before=0, after=0) for w in spans]
    x, spans = _in_strides(x, first, spans, counts)
    for i, (window, count) in enumerate(zip(spans, counts, strict=True)):
        x = _windows_along(x, first + i, window, count)
    return x


def unfold(x: Node, axis: int, size: int, step: int) -> Node:
    """All slices of length ``size`` along ``axis``, ``step`` apart, as a new last dim."""
    if size > (x.shape[axis] if x.ndim else 1):
        raise ShapeError(f"[unfold] no {size} elements along dim {axis} of shape {x.shape}")
    if not x.ndim:
        return reshape(x, (size,)) if size else pad(reshape(x, (1,)), [(0, -1)])
    if not size:
        count = x.shape[axis] // step + 1
        kept = [(0, 0 if d == axis else n) for d, n in enumerate(x.shape)]
        rest = (*x.shape[:axis], count, *x.shape[axis + 1 :], 0)
        return reshape(shrink(x, kept), rest)
    window = Window(size, step, 1, 0, 0)
    found = windows("unfold", movedim(x, axis, -1), [window])
    return movedim(found, -2, axis)


def _in_strides(
    x: Node, first: int, spans: Sequence[Window], counts: Sequence[int]
) -> tuple[Node, list[Window]]:
    """Dims whose windows are a few strides long, padded to whole strides: all of them at once, so
    that the transpose cuts only what it has summed over all dims."""
    edges = [(0, 0)] * x.ndim
    found = list(spans)
    for i, (window, count) in enumerate(zip(spans, counts, strict=True)):
        if window.strides:
            size = (count - 1 + window.strides) * window.stride
            edges[first + i] = window.before, size - window.before - x.shape[first + i]
            found[i] = window._replace(before=0, after=0)
    return pad(x, edges), found


def _windows_along(x: Node, axis: int, window: Window, count: int) -> Node:
    """Dim ``axis`` becomes ``count`` positions; the window's elements are a new last dim."""
    size, (kernel, stride, dilation, before, _) = x.shape[axis], window
    end = (count - 1) * stride + dilation * (kernel - 1) + 1 - before  # behind the last read
    if kernel == 1 or (stride == kernel and dilation == 1):  # windows that share no element
        reach = count * stride - before
        x = pad(x, [(before, reach - size) if d == axis else (0, 0) for d in range(x.ndim)])
        split = (*x.shape[:axis], count, stride, *x.shape[axis + 1 :])
        x = reshape(x, split)
        if kernel < stride:
            x = shrink(x, [(0, kernel if d == axis + 1 else n) for d, n in enumerate(split)])
        return movedim(x, axis + 1, -1)
    if window.strides:
        return _windows_in_strides(x, axis, window, count)
    if before == 0 and end < size:
        x = shrink(x, [(0, end if d == axis else n) for d, n in enumerate(x.shape)])
    x = broadcast_to(unsqueeze(x, -1), (*x.shape, kernel))
    starts = (count - 1) * stride + 1
    x = shear(x, axis, x.ndim - 1, dilation, -before, starts)
    return every(x, axis, stride)


def _windows_in_strides(x: Node, axis: int, window: Window, count: int) -> Node:
    """Windows of a few whole strides: of a dim of strides they are windows that move by one. So the
    transpose is one contraction, with the places inside a stride as a dim of its results."""
    stride, strides = window.stride, window.strides
    total = count - 1 + strides
    x = reshape(x, (*x.shape[:axis], total, stride, *x.shape[axis + 1 :]))
    x = movedim(x, axis + 1, -1)
    x = unsqueeze(x, -2)
    x = broadcast_to(x, (*x.shape[:-2], strides, stride))
    x = shear(x, axis, x.ndim - 2, 1, 0, count)
    x = reshape(x, (*x.shape[:-2], strides * stride))
    return shrink(x, [*((0, n) for n in x.shape[:-1]), (0, window.kernel)])


def sizes_of(op: str, name: str, value: Sizes, count: int, least: int) -> tuple[int, ...]:
    """An argument as one number a dim, each at least ``least``."""
    sizes = (value,) * count if isinstance(value, int) else tuple(value)
    if len(sizes) == 1:
        sizes = sizes * count
    if len(sizes) != count or any(not isinstance(n, int) or not least <= n < 2**63 for n in sizes):
        raise ValueRangeError(
            f"[{op}] {name} must be one or {count} integers of at least {least} and "
            f"below 2**63, got {value!r}"
        )
    return sizes


def spaced(x: Node, axis: int, step: int) -> Node:
    """The elements of dim ``axis``, ``step`` apart, with zeros between them."""
    apart = unsqueeze(x, axis + 1)
    apart = pad(apart, [(0, step - 1 if d == axis + 1 else 0) for d in range(apart.ndim)])
    merged = reshape(apart, (*x.shape[:axis], -1, *x.shape[axis + 1 :]))
    size = step * (x.shape[axis] - 1) + 1
    return shrink(merged, [(0, size if d == axis else n) for d, n in enumerate(merged.shape)])
