"""What is made by moving elements: padded, turned, repeated, copied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lazygrad import element_types as dt, host
from lazygrad.aliases import is_contiguous, layout
from lazygrad.arguments import require_range
from lazygrad.bridge import read, wrap
from lazygrad.errors import ArgumentError, ShapeError, ValueRangeError, WriteError
from lazygrad.functional.arguments import Dims, Number, Sizes
from lazygrad.lang import (
    creation,
    elementwise,
    indexing,
    join,
    movement,
    padding,
)
from lazygrad.public import public
from lazygrad.shape import as_shape, normalize_axis, whole

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def as_strided(
    input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int = 0
) -> Tensor:
    """Element ``(i, j, ..)`` is element ``storage_offset + i * stride[0] + j * stride[1] ..`` of
    the values in row-major order: memory here has no other. To read only.

    Raises:
        ShapeError: for sizes and strides that do not pair up, or reach beyond the values.
        WriteError: for a view, which in PyTorch would look at other memory.

    >>> lazygrad.arange(6).as_strided((2, 2), (1, 2), 1).tolist()
    [[1, 3], [2, 4]]
    """
    found = layout(input)
    if found is None or found.offset or not found.is_contiguous(input.shape):
        raise WriteError(
            f"[as_strided] this tensor of shape {input.shape} is a view of others' memory, which "
            "PyTorch would look at; use contiguous() or clone() first"
        )
    return wrap(indexing.as_strided(read(input), tuple(size), tuple(stride), storage_offset))


@public
def pad(
    input: Tensor, pad: Sequence[int] | Sequence[tuple[int, int]], mode: str = "constant",
    value: Number | None = 0,
) -> Tensor:  # fmt: skip
    """``value`` around the tensor, as torch.nn.functional.pad: ``(left, right, top, bottom,
    ...)`` from the last dim on; or one (before, after) pair for each dim. Negative ones cut.

    Args:
        mode: "constant"; or "reflect", which mirrors at the outermost element, "replicate", which
            repeats it, "circular", which goes on at the other end.

    >>> F.pad(Tensor([[1, 2, 3]]), (1, 0, 0, 1)).tolist()
    [[0, 1, 2, 3], [0, 0, 0, 0]]
    >>> F.pad(Tensor([[1, 2, 3]]), (2, 2), mode="reflect").tolist()
    [[3, 2, 1, 2, 3, 2, 1]]
    """
    if mode != "constant":
        return wrap(padding.pad_with(read(input), _pads(pad, input.ndim), mode))
    filler = value or 0
    dt.require_fit("pad", filler, input.dtype)
    return wrap(movement.pad(read(input), _pads(pad, input.ndim), filler))


def _pads(pad: Sequence[Any], ndim: int) -> list[tuple[int, int]]:
    """(left, right, top, bottom ...) from the last dim on, as pairs from the first dim on.

    Raises:
        ArgumentError: for anything but integers or pairs of them.
        ShapeError: for integers that are not pairs, or more pairs than dims.
    """
    listed = list(pad)
    try:
        if listed and isinstance(listed[0], Iterable):
            return [(whole(before), whole(after)) for before, after in listed]
        widths = [whole(width) for width in listed]
    except (TypeError, ValueError):
        raise ArgumentError(f"[pad] pad must be integers or pairs of them, got {pad!r}") from None
    if len(widths) % 2 or len(widths) > 2 * ndim:
        raise ShapeError(f"[pad] {tuple(widths)} are not pairs for at most {ndim} dims")
    pairs = [(widths[i], widths[i + 1]) for i in range(0, len(widths), 2)]
    return [(0, 0)] * (ndim - len(pairs)) + pairs[::-1]


@public
def flip(input: Tensor, *dims: Any) -> Tensor:
    """The order along ``dims`` reversed.

    >>> Tensor([[1, 2], [3, 4]]).flip(0, 1).tolist()
    [[4, 3], [2, 1]]
    """
    return wrap(movement.flip(read(input), as_shape("flip", dims)))


@public
def fliplr(input: Tensor) -> Tensor:
    """The order of columns (dim 1) reversed.

    >>> Tensor([[1, 2], [3, 4]]).fliplr().tolist()
    [[2, 1], [4, 3]]
    """
    if input.ndim < 2:
        raise ShapeError(f"[fliplr] needs 2 dims, got shape {input.shape}")
    return wrap(movement.flip(read(input), 1))


@public
def flipud(input: Tensor) -> Tensor:
    """The order of rows (dim 0) reversed.

    >>> Tensor([[1, 2], [3, 4]]).flipud().tolist()
    [[3, 4], [1, 2]]
    """
    if not input.ndim:
        raise ShapeError("[flipud] needs a dim, got a scalar")
    return wrap(movement.flip(read(input), 0))


@public
def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Turned ``k`` times by a quarter, from the first of ``dims`` towards the second.

    >>> Tensor([[1, 2], [3, 4]]).rot90().tolist()
    [[2, 4], [1, 3]]
    """
    return wrap(movement.rot90(read(input), k, dims))


@public
def roll(input: Tensor, shifts: Sizes, dims: Dims = None) -> Tensor:
    """Elements moved forward along ``dims``, around the end.

    >>> Tensor([1, 2, 3]).roll(1).tolist(), Tensor([[1, 2], [3, 4]]).roll(1, 0).tolist()
    ([3, 1, 2], [[3, 4], [1, 2]])
    """
    return wrap(join.roll(read(input), shifts, dims))


@public
def repeat(input: Tensor, *repeats: Any) -> Tensor:
    """Tiled along each dim.

    >>> Tensor([1, 2]).repeat(2, 2).tolist()
    [[1, 2, 1, 2], [1, 2, 1, 2]]
    """
    return wrap(movement.repeat(read(input), as_shape("repeat", repeats)))


@public
def tile(input: Tensor, *dims: Any) -> Tensor:
    """Tiled along the last dims.

    >>> Tensor([[1], [2]]).tile(2).tolist()
    [[1, 1], [2, 2]]
    """
    return wrap(movement.tile(read(input), as_shape("tile", dims)))


@public
def repeat_interleave(
    input: Tensor, repeats: int | Tensor, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element (or slice along ``dim``) repeated, one after the other.

    Args:
        repeats: how often; a tensor says it for each of them, and is read now.
        output_size: how many there will be: accepted as PyTorch's, and held against ``repeats``.

    Raises:
        ShapeError: for ``repeats`` of another length than the dim.
        ValueRangeError: for a negative number.

    >>> Tensor([1, 2]).repeat_interleave(2).tolist()
    [1, 1, 2, 2]
    >>> Tensor([1, 2]).repeat_interleave(Tensor([0, 3])).tolist()
    [2, 2, 2]
    """
    own = movement.flatten(read(input)) if dim is None or not input.ndim else read(input)
    axis = normalize_axis("repeat_interleave", dim or 0, own.ndim)
    if isinstance(repeats, int):
        require_range("repeat_interleave", 0, repeats=repeats)
        return wrap(movement.repeat_each(own, repeats, axis))
    counts = repeats.numpy().reshape(-1)
    if counts.size not in (1, own.shape[axis]) or repeats.dtype.kind in (dt.BOOL, dt.FLOAT):
        raise ShapeError(
            f"[repeat_interleave] repeats must be {own.shape[axis]} integers, one for each slice "
            f"of dim {axis}, got {repeats.dtype.name} {repeats.shape}"
        )
    if counts.min(initial=0) < 0:
        raise ValueRangeError(f"[repeat_interleave] repeats are negative: {counts.min()}")
    places = np.repeat(np.arange(own.shape[axis]), counts)
    if output_size not in (None, len(places)):
        raise ShapeError(f"[repeat_interleave] repeats give {len(places)}, not {output_size}")
    index = host.leaf_of(places, dt.default_int, own.device)
    return wrap(indexing.take(own, axis, index, in_range=True))


@public
def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """Zeros above a diagonal of the last two dims.

    >>> lazygrad.ones(2, 3).tril().tolist()
    [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]]
    """
    return wrap(creation.tril(read(input), diagonal))


@public
def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """Zeros below a diagonal of the last two dims.

    >>> lazygrad.ones(2, 3).triu(1).tolist()
    [[0.0, 1.0, 1.0], [0.0, 0.0, 1.0]]
    """
    return wrap(creation.triu(read(input), diagonal))


@public
def contiguous(input: Tensor) -> Tensor:
    """The same value, to be written to memory of its own.

    >>> x = lazygrad.zeros(2, 3).t()
    >>> x.is_contiguous(), x.contiguous().is_contiguous()
    (False, True)
    """
    return input if is_contiguous(input) else wrap(elementwise.contiguous(read(input)))


@public
def clone(input: Tensor) -> Tensor:
    """A copy: in-place operations on it leave this tensor as it is.

    >>> x = Tensor([1.0, 2.0])
    >>> _ = x.clone().zero_()
    >>> x.tolist()
    [1.0, 2.0]
    """
    return wrap(elementwise.contiguous(read(input)))
