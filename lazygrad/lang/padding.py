"""Padding with what a tensor holds itself."""

from __future__ import annotations

from collections.abc import Callable

from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.graph import Node
from lazygrad.lang.join import cat
from lazygrad.lang.movement import Pads, broadcast_to, flip, narrow, pad

Edges = tuple[Node | None, Node | None]


def pad_with(x: Node, pads: Pads, mode: str) -> Node:
    """One (before, after) pair a dim, filled by ``mode``: "reflect" mirrors at the outermost
    element, "replicate" repeats it, "circular" goes on at the other end. Negative pairs cut off.

    Raises:
        ValueRangeError: for another mode.
        ShapeError: where a dim is too short to be reflected, or holds nothing to repeat.
    """
    if mode not in MODES:
        known = ", ".join(["constant", *MODES])
        raise ValueRangeError(f"[pad] mode must be one of {known}, got {mode!r}")
    for axis, (before, after) in enumerate(pads):
        if before > 0 or after > 0:
            _check(x, axis, max(before, after), mode)
            edges = MODES[mode](x, axis, max(before, 0), max(after, 0))
            x = cat([piece for piece in (edges[0], x, edges[1]) if piece is not None], axis)
    return pad(x, [(min(before, 0), min(after, 0)) for before, after in pads])


def _check(x: Node, axis: int, width: int, mode: str) -> None:
    size = x.shape[axis]
    most = {"reflect": size - 1, "circular": size, "replicate": width if size else 0}[mode]
    if width > most:
        raise ShapeError(
            f"[pad] {mode} padding of {width} at dim {axis} of shape {x.shape} needs at least "
            f"{width + (mode == 'reflect') if mode != 'replicate' else 1} elements"
        )


def _reflect(x: Node, axis: int, before: int, after: int) -> Edges:
    size = x.shape[axis]
    return (
        flip(narrow(x, axis, 1, before), axis) if before else None,
        flip(narrow(x, axis, size - 1 - after, after), axis) if after else None,
    )


def _replicate(x: Node, axis: int, before: int, after: int) -> Edges:
    def repeated(at: int, count: int) -> Node:
        shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
        return broadcast_to(narrow(x, axis, at, 1), shape)

    return (
        repeated(0, before) if before else None,
        repeated(x.shape[axis] - 1, after) if after else None,
    )


def _circular(x: Node, axis: int, before: int, after: int) -> Edges:
    return (
        narrow(x, axis, x.shape[axis] - before, before) if before else None,
        narrow(x, axis, 0, after) if after else None,
    )


MODES: dict[str, Callable[[Node, int, int, int], Edges]] = {
    "reflect": _reflect,
    "replicate": _replicate,
    "circular": _circular,
}
