"""Memory planning: where in an arena each temporary lies. Those that are never alive together may
lie at the same place."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from lazygrad.kernel.plan import Piece
from lazygrad.kernel.target import Target

TRIES = 16  # orders in which temporaries are placed: three times as many save 2 % at most
EFFORT = 100_000  # pairs that are looked at in all tries, which takes 20 ms
CLOSE = 256  # a try is good enough that takes but one part in so many more than is alive at once


class Lifetime(NamedTuple):
    """A temporary of ``nbytes``, written first at step ``first`` and read last at ``last``."""

    nbytes: int
    first: int
    last: int


def assign(lifetimes: Sequence[Lifetime], target: Target) -> tuple[list[Piece], list[int]]:
    """The place of each temporary, and the bytes of each arena: one, unless the device allocates
    no more at a time.

    Large temporaries come first, each as low as it can lie. As long as that takes more than what is
    alive at once, the first that does not lie below that mark comes twice as early in another try.

    Of the bench's vgg, 66 MB are alive at once. They take 68 MB so, 78 in one try, and 106 where
    only whole allocations are shared.
    """
    unit = target.alignment
    sizes = [max(1, -(-each.nbytes // unit)) * unit for each in lifetimes]
    limit = target.allocation // unit * unit
    mark = _alive_at_once(sizes, lifetimes)
    order = sorted(range(len(sizes)), key=[each.first for each in lifetimes].__getitem__)
    near = _together(lifetimes, order)
    tries = min(TRIES, 1 + EFFORT // (1 + sum(map(len, near))))
    order.sort(key=sizes.__getitem__, reverse=True)
    best: list[int] = []
    least = 0
    for _ in range(tries):
        starts = _placed(order, sizes, near, limit)
        ends = [start + size for start, size in zip(starts, sizes, strict=True)]
        top = max(ends, default=0)
        if not best or top < least:
            best, least = starts, top
        if top <= mark + mark // CLOSE:
            break
        late = next(rank for rank, i in enumerate(order) if ends[i] > mark)
        order.insert(late // 2, order.pop(late))
    return _cut([max(1, each.nbytes) for each in lifetimes], best, limit)


def _alive_at_once(sizes: Sequence[int], lifetimes: Sequence[Lifetime]) -> int:
    """Bytes, at most."""
    changes = [0] * (2 + max([each.last for each in lifetimes], default=0))
    for size, (_, first, last) in zip(sizes, lifetimes, strict=True):
        changes[first] += size
        changes[last + 1] -= size
    return max(accumulate(changes))


def _together(lifetimes: Sequence[Lifetime], order: Sequence[int]) -> list[list[int]]:
    """For each temporary those that are alive while it is; in ``order`` they are written."""
    near: list[list[int]] = [[] for _ in lifetimes]
    alive: list[int] = []
    for i in order:
        first = lifetimes[i].first
        alive = [other for other in alive if lifetimes[other].last >= first]
        for other in alive:
            near[other].append(i)
        near[i] += alive
        alive.append(i)
    return near


def _placed(
    order: Sequence[int], sizes: Sequence[int], near: Sequence[Sequence[int]], limit: int
) -> list[int]:
    """Where each temporary starts that is placed in this order, as low as it fits; across no
    multiple of ``limit``, unless it is larger."""
    starts = [-1] * len(sizes)
    for i in order:
        size, at = sizes[i], 0
        taken = [(starts[j], starts[j] + sizes[j]) for j in near[i] if starts[j] >= 0]
        taken.sort()
        for start, end in taken:
            if start - at >= size:
                break
            if end > at:
                at = end
                if at % limit + size > limit:
                    at += -at % limit
        starts[i] = at
    return starts


def _cut(sizes: Sequence[int], starts: Sequence[int], limit: int) -> tuple[list[Piece], list[int]]:
    """Arenas begin at multiples of ``limit``."""
    cuts = sorted({start // limit for start in starts})
    numbers = {cut: number for number, cut in enumerate(cuts)}
    arenas = [0] * len(numbers)
    pieces = []
    for size, start in zip(sizes, starts, strict=True):
        arena = numbers[start // limit]
        pieces.append(Piece(arena, start % limit, size))
        arenas[arena] = max(arenas[arena], start % limit + size)
    return pieces, arenas
