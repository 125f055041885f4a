"""Windows as columns, and columns summed up where their windows lay."""

from __future__ import annotations

from lazygrad.errors import ShapeError
from lazygrad.graph import Node
from lazygrad.lang.movement import movedim, reshape, shear
from lazygrad.lang.reduce import sum as sum_over
from lazygrad.lang.windows import Sizes, Window, sizes_of, spaced, windows
from lazygrad.shape import numel


def _spans(
    op: str, kernel_size: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes, count: int
) -> list[Window]:
    named = (("kernel_size", kernel_size, 1), ("stride", stride, 1), ("dilation", dilation, 1),
             ("padding", padding, 0))  # fmt: skip
    listed = [sizes_of(op, name, value, count, least) for name, value, least in named]
    return [Window(k, s, d, p, p) for k, s, d, p in zip(*listed, strict=True)]


def unfold(
    x: Node, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
) -> Node:
    """Windows of images (N, C, H, W) or (C, H, W) as columns (N, C * kernel elements, positions).

    Raises:
        ShapeError: for another number of dims, or a window that does not fit.
    """
    if x.ndim == 3:
        batched = unfold(reshape(x, (1, *x.shape)), kernel_size, dilation, padding, stride)
        return reshape(batched, batched.shape[1:])
    if x.ndim != 4:
        raise ShapeError(f"[unfold] needs (N, C, H, W) or (C, H, W), got shape {x.shape}")
    spans = _spans("unfold", kernel_size, dilation, padding, stride, 2)
    seen = windows("unfold", x, spans)  # N, C, positions.., kernels..
    rows = movedim(seen, (4, 5), (2, 3))
    return reshape(rows, (x.shape[0], x.shape[1] * numel(rows.shape[2:4]), numel(rows.shape[4:])))


def fold(
    x: Node,
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Node:
    """The transpose of ``unfold``: columns (N, C * kernel elements, positions) or without N to
    images of ``output_size``, in which what overlaps adds up.

    Raises:
        ShapeError: for columns that ``unfold`` would not make of such images.
    """
    if x.ndim == 2:
        whole = fold(reshape(x, (1, *x.shape)), output_size, kernel_size, dilation, padding, stride)
        return reshape(whole, whole.shape[1:])
    sizes = sizes_of("fold", "output_size", output_size, 2, 1)
    spans = _spans("fold", kernel_size, dilation, padding, stride, 2)
    counts = [span.positions("fold", size) for span, size in zip(spans, sizes, strict=True)]
    kernels = [span.kernel for span in spans]
    if x.ndim != 3 or x.shape[1] % numel(kernels) or x.shape[2] != numel(counts):
        raise ShapeError(
            f"[fold] columns of shape {x.shape} do not fit: expected (N, C * {numel(kernels)}, "
            f"{numel(counts)}) for {tuple(counts)} windows of {tuple(kernels)} elements"
        )
    channels = x.shape[1] // numel(kernels)
    result = reshape(x, (x.shape[0], channels, *kernels, *counts))
    result = movedim(result, (2, 3), (4, 5))  # N, C, positions.., kernels..
    for axis, (span, size) in enumerate(zip(spans, sizes, strict=True), 2):
        by = result.ndim - 4 + axis  # the kernel's dim: two of them are there, then one
        placed = spaced(result, axis, span.stride)
        moved = shear(placed, axis, by, -span.dilation, span.before, size)
        result = sum_over(moved, by, dtype=x.dtype)
    return result
