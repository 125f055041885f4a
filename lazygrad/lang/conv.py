"""Convolution: ONE sum of a product with broadcast operands, the form that kernels recognise."""

from __future__ import annotations

from collections.abc import Sequence

from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.graph import Node
from lazygrad.lang.elementwise import add
from lazygrad.lang.linalg import contract
from lazygrad.lang.movement import aligned, flip, movedim, pad, reshape, shrink, unsqueeze
from lazygrad.lang.windows import Sizes, Window, sizes_of, spaced, windows


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


# -- transposed ------------------------------------------------------------------------------------


def conv_transpose(
    op: str,
    x: Node,
    weight: Node,
    bias: Node | None,
    spatial: int,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Node:
    """The transpose of ``conv``: x (N, C, ..) or (C, ..), weight (C, out / groups, ..).

    It is computed as a convolution of stride 1 that gives ``stride`` neighbours at a time, so that
    nothing is multiplied by the zeros between the strides.

    Raises:
        ShapeError: where the shapes do not fit, or nothing is left of the padded result.
    """
    if x.ndim == spatial + 1:
        arguments = (spatial, stride, padding, output_padding, groups, dilation)
        batched = conv_transpose(op, unsqueeze(x, 0), weight, bias, *arguments)
        return reshape(batched, batched.shape[1:])
    _check_transposed(op, x, weight, bias, spatial, groups)
    steps = sizes_of(op, "stride", stride, spatial, 1)
    dilations = sizes_of(op, "dilation", dilation, spatial, 1)
    sizes = transposed_sizes(op, x.shape[2:], weight.shape[2:], steps, padding, output_padding,
                             dilations)  # fmt: skip
    cut = sizes_of(op, "padding", padding, spatial, 0)
    batch, channels = x.shape[:2]
    out, per_group = weight.shape[1], channels // groups

    spans: list[Window] = []
    filters = reshape(weight, (groups, per_group, out, *weight.shape[2:]))
    for i, (step, gap, size) in enumerate(zip(steps, dilations, sizes, strict=True)):
        filters, taps = _in_phases(filters, 3 + 2 * i, step, gap)
        spans.append(_seen_backwards(taps, gap if step == 1 else 1, x.shape[2 + i],
                                     cut[i] // step, (cut[i] + size - 1) // step))  # fmt: skip
    seen = windows(op, x, spans)
    places, kernels = seen.shape[2 : 2 + spatial], [span.kernel for span in spans]
    # N, G, out, (position, phase).., C / G, kernels..
    spread = [n for place in places for n in (place, 1)]
    grouped = movedim(reshape(seen, (batch, groups, per_group, *places, *kernels)), 2, 2 + spatial)
    grouped = reshape(grouped, (batch, groups, 1, *spread, per_group, *kernels))
    summed = [1, *range(3, 3 + 2 * spatial, 2)]  # of groups, C / G, out, (kernel, phase)..
    filters = movedim(filters, summed, list(range(2 + spatial, 3 + 2 * spatial)))
    across = [n for step in steps for n in (1, step)]
    filters = reshape(filters, (1, groups, out, *across, per_group, *kernels))
    axes = range(3 + 2 * spatial, 4 + 3 * spatial)
    result = contract(grouped, filters, axes)
    wide = [place * step for place, step in zip(places, steps, strict=True)]
    result = reshape(result, (batch, groups * out, *wide))
    starts = [n % step for n, step in zip(cut, steps, strict=True)]
    bounds = [(at, at + size) for at, size in zip(starts, sizes, strict=True)]
    result = shrink(result, [(0, batch), (0, groups * out), *bounds])
    return result if bias is None else add(result, aligned(bias, 1, result.ndim))


def _in_phases(filters: Node, axis: int, step: int, dilation: int) -> tuple[Node, int]:
    """Dim ``axis`` of kernels as (taps, phases), the taps in reverse order: what strides put on
    each place of a result, by its place in the stride. And the number of taps."""
    if step > 1 and dilation > 1:
        filters = spaced(filters, axis, dilation)
    size = filters.shape[axis]
    taps = -(-size // step)
    filters = pad(filters, [(0, taps * step - size if d == axis else 0)
                            for d in range(filters.ndim)])  # fmt: skip
    split = (*filters.shape[:axis], taps, step, *filters.shape[axis + 1 :])
    return flip(reshape(filters, split), axis), taps


def _seen_backwards(taps: int, dilation: int, size: int, first: int, last: int) -> Window:
    """The window over a dim of ``size`` whose positions are ``first`` to ``last``, each of which
    sees that element and the ``taps - 1`` before it."""
    before = dilation * (taps - 1) - first
    return Window(taps, 1, dilation, before, last + 1 - size)


def transposed_sizes(
    op: str,
    shape: Sequence[int],
    kernel: Sequence[int],
    stride: Sizes,
    padding: Sizes,
    output_padding: Sizes,
    dilation: Sizes,
) -> list[int]:
    """Sizes of the spatial dims of a transposed convolution's result.

    Raises:
        ValueRangeError: for ``output_padding`` that is not less than stride or dilation.
        ShapeError: if a size would be less than 1.
    """
    count = len(kernel)
    steps = sizes_of(op, "stride", stride, count, 1)
    gaps = sizes_of(op, "dilation", dilation, count, 1)
    cut = sizes_of(op, "padding", padding, count, 0)
    more = sizes_of(op, "output_padding", output_padding, count, 0)
    if any(m >= max(s, d) for m, s, d in zip(more, steps, gaps, strict=True)):
        raise ValueRangeError(
            f"[{op}] output_padding {more} must be less than stride {steps} or dilation {gaps}"
        )
    sizes = [
        (n - 1) * s - 2 * p + d * (k - 1) + m + 1
        for n, k, s, p, m, d in zip(shape, kernel, steps, cut, more, gaps, strict=True)
    ]
    if any(size < 1 for size in sizes):
        raise ShapeError(f"[{op}] nothing is left of a result of spatial sizes {tuple(sizes)}")
    return sizes


def _check_transposed(
    op: str, x: Node, weight: Node, bias: Node | None, spatial: int, groups: int
) -> None:
    expected = None
    if x.ndim != spatial + 2:
        expected = f"input of {spatial + 1} or {spatial + 2} dims"
    elif weight.ndim != spatial + 2:
        expected = f"weight of {spatial + 2} dims"
    elif x.shape[1] != weight.shape[0]:
        expected = f"input with {weight.shape[0]} channels"
    elif groups < 1 or x.shape[1] % groups:
        expected = f"channels {x.shape[1]} that divide by groups={groups}"
    elif bias is not None and bias.shape != (weight.shape[1] * groups,):
        expected = f"bias of shape {(weight.shape[1] * groups,)}, not {bias.shape}"
    if expected is not None:
        raise ShapeError(
            f"[{op}] input of shape {x.shape} and weight of shape {weight.shape}: expected "
            f"{expected}"
        )
