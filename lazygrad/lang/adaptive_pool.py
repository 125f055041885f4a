"""Pooling to sizes given: windows that cover a dim evenly, and are of different sizes."""

from __future__ import annotations

from collections.abc import Sequence

from lazygrad.element_types import bool_, int32, int64
from lazygrad.errors import ShapeError
from lazygrad.graph import Node
from lazygrad.lang.comparison import logical_and, lt
from lazygrad.lang.creation import iota
from lazygrad.lang.elementwise import add, div, mul, where
from lazygrad.lang.indexing import take
from lazygrad.lang.movement import broadcast_to, movedim, reshape
from lazygrad.lang.operands import cast, full_like, to_float, widened
from lazygrad.lang.pool import avg_pool, largest_of, max_pool_with_indices
from lazygrad.lang.reduce import select_first, sum as sum_over
from lazygrad.lang.rounding import floor_divide
from lazygrad.lang.windows import sizes_of
from lazygrad.shape import numel


def adaptive_sizes(
    op: str, x: Node, spatial: int, output_size: int | Sequence[int | None] | None
) -> tuple[int, ...]:
    """The sizes of the result's spatial dims; None keeps that of the input.

    Raises:
        ShapeError: for an input of other dims, or one that holds nothing.
        ValueRangeError: for sizes that are not as many integers of at least 0.
    """
    if x.ndim not in (spatial + 1, spatial + 2) or 0 in x.shape[-spatial:]:
        raise ShapeError(
            f"[{op}] needs {spatial + 1} or {spatial + 2} dims, none of the last {spatial} empty, "
            f"got shape {x.shape}"
        )
    listed = [output_size] if isinstance(output_size, int | None) else list(output_size)
    wanted = listed * spatial if len(listed) == 1 else listed
    inner = dict(enumerate(x.shape[-spatial:]))
    found = [inner.get(i, 0) if size is None else size for i, size in enumerate(wanted)]
    return sizes_of(op, "output_size", found, spatial, 0)


def adaptive_avg_pool(op: str, x: Node, sizes: Sequence[int]) -> Node:
    """The mean over ``sizes`` windows that cover the last dims evenly."""
    if (kernel := _even(x, sizes)) is not None:
        return avg_pool(op, x, len(sizes), kernel)
    result = widened(x)
    for axis, size in enumerate(sizes, x.ndim - len(sizes)):
        index, inside = _cover(x.shape[axis], size, x.device)
        seen = take(result, axis, index, in_range=True)
        shape = (*index.shape, *(1,) * (x.ndim - axis - 1))
        counts = sum_over(cast(inside, result.dtype), 1, keepdim=True)
        share = div(where(inside, 1.0, 0.0), counts)
        result = sum_over(mul(seen, reshape(cast(share, result.dtype), shape)), axis + 1)
    return cast(result, to_float(x).dtype)


def adaptive_max_pool(op: str, x: Node, sizes: Sequence[int]) -> tuple[Node, Node]:
    """The largest of each of ``sizes`` windows that cover the last dims evenly, and its int64 place
    in these dims, flattened."""
    spatial, first = len(sizes), x.ndim - len(sizes)
    if (kernel := _even(x, sizes)) is not None:
        return max_pool_with_indices(op, x, spatial, kernel)
    seen, inner = x, x.shape[first:]
    places = reshape(iota(numel(inner), x.device, int32), inner)
    inside = full_like(places, True, bool_)
    for i, size in enumerate(sizes):
        index, held = _cover(inner[i], size, x.device)
        seen, places = _covered(seen, first + i, index), _covered(places, i, index)
        inside = logical_and(_covered(inside, i, index), _along(held, i, spatial))
    kept = broadcast_to(inside, seen.shape)
    value, at = largest_of(where(kept, seen, x.dtype.min), x.ndim, kept)
    flat = reshape(broadcast_to(places, seen.shape), (*value.shape, -1))
    return value, cast(reshape(select_first(flat, at, x.ndim), value.shape), int64)


def _along(held: Node, i: int, spatial: int) -> Node:
    """What ``_cover`` says of dim ``i``, to broadcast along the windows of the dims up to it."""
    shape = [1] * (spatial + i + 1)
    shape[i], shape[-1] = held.shape
    return reshape(held, shape)


def _covered(x: Node, axis: int, index: Node) -> Node:
    """Dim ``axis`` as windows; their elements are a new last dim."""
    return movedim(take(x, axis, index, in_range=True), axis + 1, -1)


def _even(x: Node, sizes: Sequence[int]) -> list[int] | None:
    """The kernel, where windows are all alike."""
    pairs = list(zip(x.shape[x.ndim - len(sizes) :], sizes, strict=True))
    return [n // size for n, size in pairs] if all(s and n % s == 0 for n, s in pairs) else None


def _cover(size: int, count: int, device: str) -> tuple[Node, Node]:
    """For ``count`` windows from ``i * size // count`` to before ``ceil((i + 1) * size / count)``
    of a dim: the elements of each (count, longest), int32, and which of them it has."""
    longest = max(
        [-(-(i + 1) * size // count) - i * size // count for i in range(count)], default=1
    )
    number = reshape(iota(count, device), (count, 1))
    start = floor_divide(mul(number, size), max(count, 1))
    end = floor_divide(add(mul(number, size), size + count - 1), max(count, 1))
    index = add(start, reshape(iota(longest, device), (1, longest)))
    inside = lt(index, end)
    return where(inside, index, 0), inside
