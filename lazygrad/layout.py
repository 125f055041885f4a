"""Where the elements of a view lie in the memory that it shows: strides, as PyTorch has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from lazygrad import ops
from lazygrad.graph import Node
from lazygrad.ops import Op
from lazygrad.shape import Shape, strides_of


class Layout(NamedTuple):
    """Steps in elements from one index to the next, and where the first element lies."""

    strides: Shape
    offset: int

    def is_contiguous(self, shape: Shape) -> bool:
        """Whether the elements lie in row-major order, one beside the other."""
        pairs = zip(shape, self.strides, strides_of(shape), strict=True)
        return 0 in shape or all(size == 1 or own == dense for size, own, dense in pairs)


def layout_of(shown: Node, memory: Node) -> Layout | None:
    """The layout of a view made by movements of ``memory``, which is dense; None if it has none:
    to be shown so, the elements would have to be copied."""
    way: list[Node] = []
    current = shown
    while current is not memory:
        if current.op not in STEPS:
            return None
        way.append(current)
        current = current.src[0]
    found: Layout | None = Layout(strides_of(memory.shape), 0)
    for step in reversed(way):
        found = STEPS[step.op](found, step.src[0].shape, step.arg) if found is not None else None
    return found


def _permuted(layout: Layout, shape: Shape, axes: Shape) -> Layout:
    return Layout(tuple([layout.strides[axis] for axis in axes]), layout.offset)


def _expanded(layout: Layout, shape: Shape, target: Shape) -> Layout:
    sizes = zip(shape, target, layout.strides, strict=True)
    return Layout(tuple([s if old == new else 0 for old, new, s in sizes]), layout.offset)


def _shrunk(layout: Layout, shape: Shape, bounds: Any) -> Layout:
    starts = sum(start * s for (start, _), s in zip(bounds, layout.strides, strict=True))
    return Layout(layout.strides, layout.offset + starts)


def _padded(layout: Layout, shape: Shape, widths: Any) -> Layout:
    """A view selects what was there only; padding is a step on the way to every nth element."""
    before = sum(low * s for (low, _), s in zip(widths, layout.strides, strict=True))
    return Layout(layout.strides, layout.offset - before)


def _reshaped(layout: Layout, shape: Shape, target: Shape) -> Layout | None:
    """Each run of dims that lie in each other is split anew; None where a new dim would need two of
    them."""
    if 0 in shape:
        return Layout(strides_of(target), layout.offset)
    runs: list[tuple[int, int]] = []  # elements, and the stride of the innermost, from the right
    for size, stride in zip(reversed(shape), reversed(layout.strides), strict=True):
        if size == 1:
            continue
        if runs and stride == runs[-1][0] * runs[-1][1]:
            runs[-1] = (runs[-1][0] * size, runs[-1][1])
        else:
            runs.append((size, stride))
    strides: list[int] = []
    left, step = runs.pop(0) if runs else (1, 1)
    for size in reversed(target):
        if left == 1 and size != 1 and runs:
            left, step = runs.pop(0)
        if left % size:
            return None
        strides.append(step)
        left, step = left // size, step * size
    return Layout(tuple(reversed(strides)), layout.offset)


STEPS: Mapping[Op, Callable[[Layout, Shape, Any], Layout | None]] = {
    ops.RESHAPE: _reshaped,
    ops.PERMUTE: _permuted,
    ops.EXPAND: _expanded,
    ops.SHRINK: _shrunk,
    ops.PAD: _padded,
}
