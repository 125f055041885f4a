"""Convolutions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lazygrad.element_types import int32
from lazygrad.nn import functional as F
from lazygrad.onnx.operators.frames import SPATIAL, Frame, pad
from lazygrad.onnx.operators.operator import Operator, Operators, plain
from lazygrad.onnx.types import Array
from lazygrad.tensor_class import Tensor

# by the number of dims that windows move along
CONVOLUTIONS: dict[int, Callable[..., Tensor]] = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED: dict[int, Callable[..., Tensor]] = {
    1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d,
}  # fmt: skip


def conv(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, *, auto_pad: str = "NOTSET",
    dilations: Sequence[int] | None = None, group: int = 1,
    kernel_shape: Sequence[int] | None = None, pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    frame = Frame.of(x.shape[SPATIAL:], weight.shape[SPATIAL:], strides, dilations, pads, auto_pad)
    padding = frame.starts
    if frame.starts != frame.ends:
        x, padding = frame.padded(x), (0,) * len(padding)
    convolve = CONVOLUTIONS[x.ndim - SPATIAL]
    return convolve(x, weight, bias, frame.strides, padding, frame.dilations, group)


def conv_transpose(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, *, auto_pad: str = "NOTSET",
    dilations: Sequence[int] | None = None, group: int = 1,
    kernel_shape: Sequence[int] | None = None, output_padding: Sequence[int] | None = None,
    output_shape: Sequence[int] | None = None, pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    """The whole of what the windows write, of which pads are cut off."""
    sizes = x.shape[SPATIAL:]
    frame = Frame.of(sizes, weight.shape[SPATIAL:], strides, dilations, pads, "NOTSET")
    more = tuple(output_padding or (0,) * len(sizes))
    whole = [
        (n - 1) * s + span + o
        for n, s, span, o in zip(sizes, frame.strides, frame.spans, more, strict=True)
    ]
    starts, ends = frame.starts, frame.ends
    if auto_pad.startswith("SAME") and output_shape is None:
        output_shape = [n * s for n, s in zip(sizes, frame.strides, strict=True)]
    if output_shape is not None:
        cut = [w - n for w, n in zip(whole, output_shape[-len(sizes) :], strict=True)]
        less, rest = tuple(c // 2 for c in cut), tuple(c - c // 2 for c in cut)
        starts, ends = (less, rest) if auto_pad == "SAME_UPPER" else (rest, less)
    transposed = TRANSPOSED[len(sizes)]
    small = all(o < s for o, s in zip(more, frame.strides, strict=True))
    if starts == ends and min(starts) >= 0 and small:
        return transposed(x, weight, bias, frame.strides, starts, more, group, frame.dilations)
    found = transposed(x, weight, None, frame.strides, 0, 0, group, frame.dilations)
    ends = tuple(e - o for e, o in zip(ends, more, strict=True))
    found = pad(found, [-s for s in starts], [-e for e in ends])
    return found if bias is None else found + bias.reshape(-1, *(1,) * len(sizes))


def conv_integer(
    x: Tensor, weight: Tensor, x_zero: Tensor | None = None, weight_zero: Tensor | None = None,
    **options: object,
) -> Tensor:  # fmt: skip
    """In int32, of integers less their zero points."""
    x, weight = x.cast(int32), weight.cast(int32)
    if x_zero is not None:
        x = x - x_zero.cast(int32)
    if weight_zero is not None:
        zero = weight_zero.cast(int32)
        weight = weight - zero.reshape(-1, *(1,) * (weight.ndim - 1 if zero.ndim else 0))
    return conv(x, weight, **options)  # type: ignore[arg-type]


def col2im(
    x: Tensor, image_shape: Array, block_shape: Array, *, dilations: Sequence[int] | None = None,
    pads: Sequence[int] | None = None, strides: Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    sizes, kernel = tuple(map(int, image_shape)), tuple(map(int, block_shape))
    frame = Frame.of(sizes, kernel, strides, dilations, pads, "NOTSET")
    whole = tuple(n + s + e for n, s, e in zip(sizes, frame.starts, frame.ends, strict=True))
    found = F.fold(x, whole, kernel, frame.dilations, 0, frame.strides)
    return pad(found, [-s for s in frame.starts], [-e for e in frame.ends])


OPERATORS: Operators = {
    **plain(Conv=conv, ConvTranspose=conv_transpose, ConvInteger=conv_integer),
    "Col2Im": (Operator(col2im, host=(1, 2)),),
}
