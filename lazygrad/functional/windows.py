"""Convolutions, their transposes, and windows as columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lazygrad.bridge import optional, read, wrap
from lazygrad.functional.arguments import Sizes
from lazygrad.functional.maps import exemplified, titled
from lazygrad.lang import conv, fold as folding
from lazygrad.public import public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

SPATIAL = {1: "L", 2: "H, W", 3: "D, H, W"}  # names of the dims that windows slide over


def _convolution(spatial: int, call: str, gives: str) -> Callable[..., Tensor]:
    label = f"conv{spatial}d"

    def convolved(
        input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1,
        padding: Sizes | str = 0, dilation: Sizes = 1, groups: int = 1,
    ) -> Tensor:  # fmt: skip
        own, filters, shift = read(input), read(weight), optional(bias)
        return wrap(
            conv.conv(label, own, filters, shift, spatial, stride, padding, dilation, groups), label
        )

    dims = SPATIAL[spatial]
    text = f"""Convolution of (N, C, {dims}) or (C, {dims}) with weight (out, C / groups, *kernel).

    ``padding`` may be "same" or "valid".

    Raises:
        ShapeError: where the shapes do not fit; the message says what was expected.
    """
    return public(titled(convolved, label, exemplified(text, call, gives)))


def _transposed(spatial: int, call: str, gives: str) -> Callable[..., Tensor]:
    label = f"conv_transpose{spatial}d"

    def convolved(
        input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1,
        padding: Sizes = 0, output_padding: Sizes = 0, groups: int = 1, dilation: Sizes = 1,
    ) -> Tensor:  # fmt: skip
        own, filters, shift = read(input), read(weight), optional(bias)
        arguments = (spatial, stride, padding, output_padding, groups, dilation)
        return wrap(conv.conv_transpose(label, own, filters, shift, *arguments), label)

    dims = SPATIAL[spatial]
    text = f"""The transpose of a convolution: (N, C, {dims}) or (C, {dims}) with weight
    (C, out / groups, *kernel) to sizes ``(n - 1) * stride - 2 * padding + dilation * (kernel - 1)
    + output_padding + 1``.

    Raises:
        ShapeError: where the shapes do not fit, or nothing is left of the padded result.
        ValueRangeError: for ``output_padding`` that is not less than stride or dilation.
    """
    return public(titled(convolved, label, exemplified(text, call, gives)))


conv1d = _convolution(
    1, "F.conv1d(Tensor([[1.0, 2.0, 4.0]]), Tensor([[[-1.0, 1.0]]])).tolist()", "[[1.0, 2.0]]"
)
conv2d = _convolution(
    2,
    'F.conv2d(lazygrad.ones(1, 4, 5, 5), lazygrad.ones(6, 4, 3, 3), padding="same").shape',
    "(1, 6, 5, 5)",
)
conv3d = _convolution(
    3,
    "F.conv3d(lazygrad.zeros(4, 5, 5, 5), lazygrad.zeros(6, 4, 3, 3, 3), stride=2).shape",
    "(6, 2, 2, 2)",
)
conv_transpose1d = _transposed(
    1,
    "F.conv_transpose1d(Tensor([[1.0, 2.0]]), Tensor([[[1.0, 1.0]]]), stride=2).tolist()",
    "[[1.0, 1.0, 2.0, 2.0]]",
)
conv_transpose2d = _transposed(
    2,
    "F.conv_transpose2d(lazygrad.zeros(1, 4, 5, 5), lazygrad.zeros(4, 2, 3, 3), stride=2).shape",
    "(1, 2, 11, 11)",
)
conv_transpose3d = _transposed(
    3,
    "F.conv_transpose3d(lazygrad.zeros(4, 2, 2, 2), lazygrad.zeros(4, 6, 2, 2, 2), stride=2).shape",
    "(6, 4, 4, 4)",
)


@public
def unfold(
    input: Tensor, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
) -> Tensor:
    """Windows of images (N, C, H, W) or (C, H, W) as columns (N, C * kernel elements, positions).

    Raises:
        ShapeError: for another number of dims, or a window that does not fit.

    >>> F.unfold(lazygrad.arange(9).reshape(1, 1, 3, 3), kernel_size=2).tolist()
    [[[0, 1, 3, 4], [1, 2, 4, 5], [3, 4, 6, 7], [4, 5, 7, 8]]]
    """
    return wrap(folding.unfold(read(input), kernel_size, dilation, padding, stride))


@public
def fold(
    input: Tensor, output_size: Sizes, kernel_size: Sizes, dilation: Sizes = 1,
    padding: Sizes = 0, stride: Sizes = 1,
) -> Tensor:  # fmt: skip
    """Columns (N, C * kernel elements, positions) to images of ``output_size``, in which what
    overlaps adds up.

    Raises:
        ShapeError: for columns that ``unfold`` would not make of such images.

    >>> columns = F.unfold(lazygrad.ones(1, 1, 3, 3), kernel_size=2)
    >>> F.fold(columns, output_size=3, kernel_size=2).tolist()
    [[[[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]]]
    """
    own = read(input)
    return wrap(folding.fold(own, output_size, kernel_size, dilation, padding, stride))
