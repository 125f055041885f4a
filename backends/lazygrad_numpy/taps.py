"""Loads that read the same memory in the same steps from different places, as the taps of a
convolution that is written out: one copy, with zeros around, is enough for all of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from lazygrad.plugin import Expr, Kernel, expr as ex
from lazygrad_numpy.access import Boxed, Part, classify, is_inside


@dataclass(frozen=True)
class Tap:
    """Where in a copied box a load finds its element: each coordinate of ``box`` is ``shift``
    further than that of the load."""

    box: Boxed
    shifts: tuple[int, ...]


def taps_of(kernel: Kernel, values: Iterable[Expr]) -> dict[Expr, Tap]:
    """The boxes of the loads among ``values`` that need one."""
    alike: dict[Hashable, list[tuple[Expr, Boxed]]] = {}
    for e in values:
        access = classify(e, kernel.buffers[e.arg.slot].size) if e.op is ex.LOAD else None
        if isinstance(access, Boxed):
            steps = tuple((dim.steps, tuple(p.stride for p in dim.parts)) for dim in access.dims)
            alike.setdefault((e.arg.slot, steps), []).append((e, access))
    found: dict[Expr, Tap] = {}
    for loads in alike.values():
        size = kernel.buffers[loads[0][0].arg.slot].size
        while loads:
            together = _together(dict(loads), size)
            found |= together
            loads = [pair for pair in loads if pair[0] not in together]
    return found


def _together(loads: Mapping[Expr, Boxed], size: int) -> dict[Expr, Tap]:
    """The first of ``loads``, and those that share its box."""
    (first, box), *_ = loads.items()
    alone = {first: Tap(box, (0,) * len(box.dims))}
    if any(len(dim.parts) > 1 for dim in box.dims) or not box.reads:
        return alone
    shifts: dict[Expr, tuple[int, ...]] = {}
    for e, other in loads.items():
        found = _shifts(box, other) if other.reads else None
        if found is not None:
            shifts[e] = found
    whole = _around(box, [(loads[e], shift) for e, shift in shifts.items()])
    shifts = {e: shift for e, shift in shifts.items() if _fits(loads[e], shift, whole)}
    saved = sum(_volume(loads[e]) for e in shifts) - _volume(whole)
    if first not in shifts or saved < 0 or not is_inside(whole, size):
        return alone
    return {e: Tap(whole, shift) for e, shift in shifts.items()}


def _shifts(box: Boxed, other: Boxed) -> tuple[int, ...] | None:
    """How much further ``other`` reads, by dim; None if that is no whole number of steps, or more
    than half of a dim."""
    rest = _start(other) - _start(box)
    found = []
    for dim in box.dims:
        (part,) = dim.parts
        shift = _nearest(rest, part.stride)
        if 2 * abs(shift) > part.size:
            return None
        rest -= shift * part.stride
        found.append(shift)
    return tuple(found) if not rest else None


def _start(box: Boxed) -> int:
    """The element at coordinate 0 of each dim, inside or not."""
    return box.offset - sum(part.first * part.stride for part in box.parts)


def _nearest(rest: int, stride: int) -> int:
    """The number of strides that comes nearest to ``rest``; of two the smaller."""
    if not stride:
        return 0
    whole, left = divmod(abs(rest), abs(stride))
    steps = whole + (2 * left > abs(stride))
    return steps if (rest < 0) == (stride < 0) else -steps


def _around(box: Boxed, members: Sequence[tuple[Boxed, tuple[int, ...]]]) -> Boxed:
    """The box that holds those of all members."""
    parts = []
    for position in range(len(box.dims)):
        moved = [_moved(b.parts[position], shifts[position]) for b, shifts in members]
        parts.append(
            Part(
                min(part.low for part in moved),
                max(part.high for part in moved),
                min(part.first for part in moved),
                max(part.last for part in moved),
                box.parts[position].stride,
            )
        )
    dims = tuple(replace(d, parts=(p,)) for d, p in zip(box.dims, parts, strict=True))
    return Boxed(dims, _start(box) + sum(part.first * part.stride for part in parts))


def _moved(part: Part, shift: int) -> Part:
    ends = (part.low + shift, part.high + shift, part.first + shift, part.last + shift)
    return Part(*ends, part.stride)


def _fits(box: Boxed, shifts: Sequence[int], whole: Boxed) -> bool:
    """Whether ``whole`` holds zeros where the box does, and nowhere else."""
    for part, shift, around in zip(box.parts, shifts, whole.parts, strict=True):
        moved = _moved(part, shift)
        if moved.ends != (max(around.first, moved.low), min(around.last, moved.high)):
            return False
    return True


def _volume(box: Boxed) -> int:
    return prod(part.size for part in box.parts)
