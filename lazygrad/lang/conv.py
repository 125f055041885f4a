"""Sliding windows, and what is computed on them: convolution and pooling.

A convolution is ONE sum of a product with broadcast operands, the form that kernels recognise.
Spatial arguments are one number for all dims or one a dim.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lazygrad import ops
from lazygrad.dtype import bool_, int32, int64
from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.graph import Node, Scalar, node
from lazygrad.lang.creation import iota
from lazygrad.lang.elementwise import add, div, mul, surrogate
from lazygrad.lang.indexing import every
from lazygrad.lang.linalg import contract
from lazygrad.lang.movement import (
    aligned,
    broadcast_to,
    movedim,
    pad,
    reshape,
    shear,
    shrink,
    unsqueeze,
)
from lazygrad.lang.operands import cast, full_like, to_float, widened
from lazygrad.lang.reduce import first_maximum, select_first, sum as sum_over

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


def conv(
    op: str,
    x: Node,
    weight: Node,
    bias: Node | None,
    spatial: int,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Node:
    """Convolution over ``spatial`` dims: x (N, C, ..) or (C, ..), weight (out, C / groups, ..).

    Raises:
        ShapeError: where the shapes do not fit; the message says what was expected.
    """
    if x.ndim == spatial + 1:
        batched = conv(
            op, unsqueeze(x, 0), weight, bias, spatial, stride, padding, dilation, groups
        )
        return reshape(batched, batched.shape[1:])
    _check_conv(op, x, weight, bias, spatial, groups)
    kernel = weight.shape[2:]
    spans = conv_spans(op, kernel, stride, padding, dilation)
    seen = windows(op, x, spans)
    batch, channels = x.shape[:2]
    out, per_group = weight.shape[0] // groups, channels // groups
    places = seen.shape[2 : 2 + spatial]
    # N, G, out / G, positions.., C / G, kernels..
    grouped = reshape(seen, (batch, groups, 1, per_group, *seen.shape[2:]))
    grouped = movedim(grouped, 3, 3 + spatial)
    filters = reshape(weight, (1, groups, out, *(1,) * spatial, per_group, *kernel))
    axes = range(3 + spatial, 4 + 2 * spatial)
    result = reshape(contract(grouped, filters, axes), (batch, groups * out, *places))
    if bias is None:
        return result
    return add(result, aligned(bias, 1, result.ndim))


def _check_conv(
    op: str, x: Node, weight: Node, bias: Node | None, spatial: int, groups: int
) -> None:
    expected = None
    if x.ndim != spatial + 2:
        expected = f"input of {spatial + 1} or {spatial + 2} dims"
    elif weight.ndim != spatial + 2:
        expected = f"weight of {spatial + 2} dims"
    elif groups < 1 or x.shape[1] % groups or weight.shape[0] % groups:
        expected = f"channels {x.shape[1]} and {weight.shape[0]} that divide by groups={groups}"
    elif weight.shape[1] * groups != x.shape[1]:
        expected = f"input with {weight.shape[1]} * {groups} channels (groups={groups})"
    elif bias is not None and bias.shape != weight.shape[:1]:
        expected = f"bias of shape {weight.shape[:1]}, not {bias.shape}"
    if expected is not None:
        raise ShapeError(
            f"[{op}] input of shape {x.shape} and weight of shape {weight.shape}: expected "
            f"{expected}"
        )


def conv_spans(
    op: str, kernel: Sequence[int], stride: Sizes, padding: Sizes | str, dilation: Sizes
) -> list[Window]:
    """One Window a dim; ``padding`` may be "same" or "valid" as in PyTorch."""
    strides = sizes_of(op, "stride", stride, len(kernel), 1)
    dilations = sizes_of(op, "dilation", dilation, len(kernel), 1)
    if isinstance(padding, str):
        pads = _named_padding(op, padding, kernel, strides, dilations)
    else:
        listed = sizes_of(op, "padding", padding, len(kernel), 0)
        pads = [(size, size) for size in listed]
    return [
        Window(k, s, d, before, after)
        for k, s, d, (before, after) in zip(kernel, strides, dilations, pads, strict=True)
    ]


def _named_padding(
    op: str, name: str, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> list[tuple[int, int]]:
    if name == "valid":
        return [(0, 0)] * len(kernel)
    if name != "same":
        raise ValueRangeError(f'[{op}] padding must be numbers, "same" or "valid", got {name!r}')
    if any(step != 1 for step in strides):
        raise ValueRangeError(f'[{op}] padding="same" needs stride 1, got {tuple(strides)}')
    totals = [d * (k - 1) for k, d in zip(kernel, dilations, strict=True)]
    return [(total // 2, total - total // 2) for total in totals]


def sizes_of(op: str, name: str, value: Sizes, count: int, least: int) -> tuple[int, ...]:
    """An argument as one number a dim, each at least ``least``."""
    sizes = (value,) * count if isinstance(value, int) else tuple(value)
    if len(sizes) == 1:
        sizes = sizes * count
    if len(sizes) != count or any(not isinstance(n, int) or n < least for n in sizes):
        raise ValueRangeError(
            f"[{op}] {name} must be one or {count} integers of at least {least}, got {value!r}"
        )
    return sizes


# -- pooling -----------------------------------------------------------------------------------


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
    lowest = x.dtype.min
    seen = windows(op, x, spans, fill=lowest)
    outer = seen.shape[: x.ndim]
    flat = reshape(seen, (*outer, _elements(spans)))
    axis = flat.ndim - 1
    inside: Node | None = None
    if any(window.before > 0 or window.after > 0 for window in spans):
        # padding is no element, even where all elements are as low
        inside = reshape(windows(op, full_like(x, True, bool_), spans), flat.shape)
    first = first_maximum(flat, axis, inside)
    largest = node(ops.REDUCE_MAX, (flat,), (axis,))  # the node that first_maximum compares with
    value = reshape(largest, outer)
    value = surrogate(value, reshape(select_first(flat, first, axis), outer))
    return value, first, outer[x.ndim - len(spans) :]


def _elements(spans: Sequence[Window]) -> int:
    count = 1
    for window in spans:
        count *= window.kernel
    return count


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
