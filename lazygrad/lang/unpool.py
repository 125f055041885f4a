"""Undoing max pooling: each maximum back at its place."""

from __future__ import annotations

from collections.abc import Sequence

from lazygrad import ops
from lazygrad.element_types import FLOAT
from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.graph import Node
from lazygrad.lang.elementwise import surrogate
from lazygrad.lang.indexing import scatter
from lazygrad.lang.movement import reshape
from lazygrad.lang.pool import pool_sizes
from lazygrad.lang.windows import Sizes
from lazygrad.shape import numel


def max_unpool(op: str, x: Node, indices: Node, spatial: int, sizes: Sequence[int]) -> Node:
    """Zeros of spatial ``sizes`` with each element of ``x`` at its place in them, flattened.

    Raises:
        ShapeError: if indices and values differ in shape.
    """
    if x.ndim not in (spatial + 1, spatial + 2) or indices.shape != x.shape:
        raise ShapeError(
            f"[{op}] needs values of {spatial + 1} or {spatial + 2} dims and as many indices, got "
            f"shapes {x.shape} and {indices.shape}"
        )
    outer = x.shape[: x.ndim - spatial]
    flat, places = reshape(x, (*outer, -1)), reshape(indices, (*outer, -1))
    axis, size = len(outer), numel(sizes)
    placed = scatter(places, flat, axis, size, None)
    if x.dtype.kind == FLOAT:  # as in PyTorch all that are put at one place get its gradient
        placed = surrogate(placed, scatter(places, flat, axis, size, ops.ADD))
    return reshape(placed, (*outer, *sizes))


def unpooled_sizes(
    op: str,
    shape: Sequence[int],
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    output_size: Sequence[int] | None,
) -> tuple[int, ...]:
    """The spatial sizes that pooling brought to ``shape``; of several, ``output_size`` chooses.

    Raises:
        ValueRangeError: for an ``output_size`` that is none of them.
    """
    count = len(shape)
    spans = pool_sizes(op, count, kernel_size, stride, padding)
    sizes = [(n - 1) * w.stride - 2 * w.before + w.kernel
             for n, w in zip(shape, spans, strict=True)]  # fmt: skip
    if output_size is None:
        return tuple(sizes)
    wanted = tuple(output_size)[-count:]
    pairs = zip(wanted, sizes, spans, strict=False)
    far = [abs(want - size) >= window.stride for want, size, window in pairs]
    if len(wanted) != count or any(far):
        raise ValueRangeError(
            f"[{op}] output_size {tuple(output_size)} must be less than a stride away from "
            f"{tuple(sizes)}"
        )
    return wanted
