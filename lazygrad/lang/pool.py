"""Pooling: one value of each window."""

from __future__ import annotations

from collections.abc import Sequence

from lazygrad import ops
from lazygrad.element_types import bool_, int32, int64
from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.graph import Node, node
from lazygrad.lang.comparison import gt
from lazygrad.lang.creation import iota
from lazygrad.lang.elementwise import add, div, mul, surrogate, where
from lazygrad.lang.movement import aligned, reshape
from lazygrad.lang.operands import cast, full_like, to_float, widened
from lazygrad.lang.reduce import first_maximum, select_first, sum as sum_over
from lazygrad.lang.transcendental import pow
from lazygrad.lang.windows import Sizes, Window, sizes_of, windows
from lazygrad.shape import numel


def _pool_spans(
    op: str,
    x: Node,
    spatial: int,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool,
) -> list[Window]:
    if x.ndim not in (spatial + 1, spatial + 2):
        raise ShapeError(f"[{op}] needs {spatial + 1} or {spatial + 2} dims, got shape {x.shape}")
    spans = pool_sizes(op, spatial, kernel_size, stride, padding, dilation)
    if not ceil_mode:
        return spans
    return [_with_ceil(op, w, n) for w, n in zip(spans, x.shape[-spatial:], strict=True)]


def pool_sizes(
    op: str,
    spatial: int,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    dilation: Sizes = 1,
) -> list[Window]:
    """One Window a dim; ``stride`` is ``kernel_size`` if not given."""
    kernel = sizes_of(op, "kernel_size", kernel_size, spatial, 1)
    strides = kernel if stride is None else sizes_of(op, "stride", stride, spatial, 1)
    pads = sizes_of(op, "padding", padding, spatial, 0)
    dilations = sizes_of(op, "dilation", dilation, spatial, 1)
    if any(2 * p > k for p, k in zip(pads, kernel, strict=True)):
        raise ValueRangeError(
            f"[{op}] padding {pads} must be at most half of kernel_size {kernel}, or a window "
            "would see nothing but padding"
        )
    listed = zip(kernel, strides, dilations, pads, strict=True)
    return [Window(k, s, d, p, p) for k, s, d, p in listed]


def require_divisor(op: str, divisor_override: int | None) -> None:
    if divisor_override == 0:
        raise ValueRangeError(f"[{op}] divisor_override must not be 0")


def _with_ceil(op: str, window: Window, size: int) -> Window:
    """Padded further behind, so that a last window that begins inside is not left out."""
    kernel, stride, dilation, before, after = window
    reach = dilation * (kernel - 1) + 1
    room = size + before + after - reach
    count = -(-room // stride) + 1
    if (count - 1) * stride >= size + before:
        count -= 1
    if count < 1:
        window.positions(op, size)  # raises
    return window._replace(after=max(after, (count - 1) * stride + reach - size - before))


def max_pool(
    op: str,
    x: Node,
    spatial: int,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> Node:
    """The largest value of each window; its gradient goes to the first of equals."""
    value, _, _ = _max_windows(
        op, x, _pool_spans(op, x, spatial, kernel_size, stride, padding, dilation, ceil_mode)
    )
    return value


def max_pool_with_indices(
    op: str,
    x: Node,
    spatial: int,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> tuple[Node, Node]:
    """As ``max_pool``, with the int64 place of each maximum in the flattened spatial dims."""
    spans = _pool_spans(op, x, spatial, kernel_size, stride, padding, dilation, ceil_mode)
    value, first, places = _max_windows(op, x, spans)
    first = reshape(first, value.shape)
    flat: Node | None = None
    inner = 1
    for window in spans:
        inner *= window.kernel
    for i, window in enumerate(spans):
        inner //= window.kernel
        row = node(ops.DIV, (first, full_like(first, inner)))
        k = node(ops.MOD, (row, full_like(row, window.kernel)))
        at = aligned(iota(places[i], x.device, int32), value.ndim - spatial + i, value.ndim)
        where_in_x = add(add(mul(at, window.stride), mul(k, window.dilation)), -window.before)
        size = x.shape[x.ndim - spatial + i]
        flat = where_in_x if flat is None else add(mul(flat, size), where_in_x)
    return value, cast(first if flat is None else flat, int64)


def _max_windows(op: str, x: Node, spans: Sequence[Window]) -> tuple[Node, Node, tuple[int, ...]]:
    """Maxima, the int32 place of the first in its flattened window, and the position counts."""
    seen = windows(op, x, spans, fill=x.dtype.min)
    inside: Node | None = None
    if any(window.before > 0 or window.after > 0 for window in spans):
        # padding is no element, even where all elements are as low
        inside = windows(op, full_like(x, True, bool_), spans)
    value, first = largest_of(seen, x.ndim, inside)
    return value, first, value.shape[x.ndim - len(spans) :]


def largest_of(seen: Node, outer: int, inside: Node | None) -> tuple[Node, Node]:
    """The largest of the elements of each window, and the int32 place of the first in it, kept with
    size 1. Dims from ``outer`` on are the windows'; ``inside`` says what counts."""
    places = seen.shape[:outer]
    flat = reshape(seen, (*places, numel(seen.shape[outer:])))
    allowed = None if inside is None else reshape(inside, flat.shape)
    first = first_maximum(flat, outer, allowed)
    largest = node(ops.REDUCE_MAX, (flat,), (outer,))  # the node that first_maximum compares with
    value = surrogate(reshape(largest, places), reshape(select_first(flat, first, outer), places))
    return value, first


def avg_pool(
    op: str,
    x: Node,
    spatial: int,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Node:
    """The mean of each window. Padding counts as zeros unless ``count_include_pad`` is False;
    what ``ceil_mode`` adds behind never counts."""
    require_divisor(op, divisor_override)
    spans = _pool_spans(op, x, spatial, kernel_size, stride, padding, 1, ceil_mode)
    pads = sizes_of(op, "padding", padding, spatial, 0)
    wide = widened(x)
    seen = windows(op, wide, spans)
    total = sum_over(seen, range(x.ndim, seen.ndim))
    borders = pads if count_include_pad else (0,) * spatial
    counts = divisor_override or _window_counts(x, total, spans, borders)
    return cast(div(total, counts), to_float(x).dtype)


def _window_counts(
    x: Node, total: Node, spans: Sequence[Window], borders: Sequence[int]
) -> Node | int:
    """How many elements each window averages over."""
    counts: Node | int = 1
    for i, (window, border) in enumerate(zip(spans, borders, strict=True)):
        axis = x.ndim - len(spans) + i
        along = _window_sizes(window, x.shape[axis], border, total.shape[axis])
        if len(set(along)) == 1:
            counts = mul(counts, along[0]) if isinstance(counts, Node) else counts * along[0]
        else:
            counts = mul(_window_size_node(window, x, axis, border, total), counts)
    return cast(counts, total.dtype) if isinstance(counts, Node) else counts


def _window_sizes(window: Window, size: int, border: int, count: int) -> list[int]:
    """How many elements of each window lie within ``border`` of a dim of ``size``."""
    starts = [i * window.stride - window.before for i in range(count)]
    return [min(at + window.kernel, size + border) - max(at, -border) for at in starts]


def _window_size_node(window: Window, x: Node, axis: int, border: int, total: Node) -> Node:
    """``_window_sizes`` as int32 arithmetic, aligned to ``axis`` of ``total``."""
    start = add(mul(iota(total.shape[axis], x.device), window.stride), -window.before)
    end = add(start, window.kernel)
    last = add(mul(start, 0), x.shape[axis] + border)
    end = node(ops.WHERE, (node(ops.LT, (last, end)), last, end))
    low = add(mul(start, 0), -border)
    start = node(ops.MAX, (start, low))
    return aligned(add(end, mul(start, -1)), axis, total.ndim)


def lp_pool(
    op: str,
    x: Node,
    spatial: int,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Node:
    """``sum(x ** p) ** (1 / p)`` over each window, 0 where the sum is negative, as PyTorch has it;
    where it is 0, so is its derivative."""
    if norm_type == 0:
        raise ValueRangeError(f"[{op}] norm_type must not be 0")
    spans = _pool_spans(op, x, spatial, kernel_size, stride, 0, 1, ceil_mode)
    wide = widened(x)
    seen = windows(op, pow(wide, norm_type), spans)
    total = sum_over(seen, range(x.ndim, seen.ndim))
    if ceil_mode:  # PyTorch sums the mean of the elements that are there
        counts = _window_counts(x, total, spans, (0,) * spatial)
        total = mul(div(total, counts), float(_elements(spans)))
    positive = gt(total, 0.0)
    powers = pow(where(positive, total, 1.0), 1.0 / norm_type)
    return cast(where(positive, powers, 0.0), to_float(x).dtype)


def _elements(spans: Sequence[Window]) -> int:
    return numel([window.kernel for window in spans])
