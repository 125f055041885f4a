"""Arguments as PyTorch's methods take them, in the terms of ``lazygrad.lang``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lazygrad import dtype as dt, ops, tensor_data as host
from lazygrad.dtype import BOOL, FLOAT, DType
from lazygrad.errors import ArgumentError, ShapeError
from lazygrad.graph import Node, toposort
from lazygrad.shape import Shape, whole


def category(dtype: DType) -> int:
    """bool, integer, float: an in-place operation cannot leave it upwards."""
    return {BOOL: 0, FLOAT: 2}.get(dtype.kind, 1)


def dims(dim: Any) -> Any:
    """PyTorch takes an empty tuple of dims as all of them."""
    return None if isinstance(dim, tuple | list) and not dim else dim


def dtype(dtype: Any) -> DType | None:
    return None if dtype is None else dt.of(dtype)


def correction(unbiased: bool, correction: float | None) -> float:
    if correction is not None:
        return correction
    return 1 if unbiased else 0


def pads(pad: Sequence[Any], ndim: int) -> list[tuple[int, int]]:
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


def as_tuple(key: Any) -> tuple[Any, ...]:
    return key if isinstance(key, tuple) else (key,)


def check_items(items: tuple[Any, ...], shape: Shape) -> bool:
    """Whether all integer tensors of a key are known to be in range."""
    used = sum(1 for item in items if item is not None and item is not Ellipsis)
    axis, known = 0, True
    for item in items:
        if item is Ellipsis:
            axis += len(shape) - used
        elif item is not None:
            if isinstance(item, Node) and axis < len(shape) and item.dtype.is_integer:
                known = host.check_indices("getitem", item, shape[axis]) and known
            axis += 1
    return known


def variables_below(roots: Iterable[Node]) -> list[Node]:
    """The VARIABLE nodes that ``roots`` depend on."""
    tracked = toposort(roots, lambda n: [s for s in n.src if s.tracked])
    return [n for n in tracked if n.op is ops.VARIABLE]
