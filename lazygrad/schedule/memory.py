"""Memory planning: where in an arena each temporary lies, or in memory for a result that is not
written yet. Those that are never alive together may lie at the same place."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from lazygrad.kernel.plan import Piece
from lazygrad.kernel.target import Target

TRIES = 16  # orders in which temporaries are placed: three times as many save 2 % at most
EFFORT = 100_000  # pairs that are looked at in all tries, which takes 20 ms
ROOMS = 32  # results in which temporaries lie, at most: a launch is given the memory of each
CLOSE = 256  # a try is good enough that takes but one part in so many more than is alive at once


class Lifetime(NamedTuple):
    """A temporary of ``nbytes``, written first at step ``first`` and read last at ``last``."""

    nbytes: int
    first: int
    last: int


class Room(NamedTuple):
    """Memory of ``nbytes`` for a result, which is empty before step ``until``."""

    nbytes: int
    until: int


class Spot(NamedTuple):
    """Where a temporary starts, in a room or behind its multiples of the limit in the arenas."""

    room: int | None
    start: int


def assign(
    lifetimes: Sequence[Lifetime], target: Target, rooms: Sequence[Room] = ()
) -> tuple[list[Piece], list[int]]:
    """The place of each temporary, and the bytes of each arena: one, unless the device allocates
    no more at a time. Pieces are of arenas, by their numbers, or of ``rooms``, behind them.

    Large temporaries come first, each as low as it can lie; what would lie above the mark, what is
    alive at once and has no room, lies in a room if it can. As long as that takes more than the
    mark, the first that does not lie below it comes twice as early in another try.

    Of the bench's vgg, 66 MB are alive at once. They take 68 MB so, 78 in one try, and 106 where
    only whole allocations are shared.
    """
    unit = target.alignment
    sizes = [max(1, -(-each.nbytes // unit)) * unit for each in lifetimes]
    wide = sorted(range(len(rooms)), key=lambda n: -rooms[n].nbytes)[:ROOMS]
    chosen = {n: rooms[n] for n in wide if rooms[n].nbytes >= unit}
    mark = _alive_at_once(sizes, lifetimes, chosen.values())
    order = sorted(range(len(sizes)), key=[each.first for each in lifetimes].__getitem__)
    near = _together(lifetimes, order)
    tries = min(TRIES, 1 + EFFORT // (1 + sum(map(len, near))))
    order.sort(key=sizes.__getitem__, reverse=True)
    placing = _Placing(sizes, lifetimes, near, chosen, mark, target.allocation // unit * unit)
    best: list[Spot] = []
    least = 0
    for _ in range(tries):
        spots = placing.placed(order)
        ends = [
            0 if room is not None else start + size
            for (room, start), size in zip(spots, sizes, strict=True)
        ]
        top = max(ends, default=0)
        if not best or top < least:
            best, least = spots, top
        if top <= mark + mark // CLOSE:
            break
        late = next(rank for rank, i in enumerate(order) if ends[i] > mark)
        order.insert(late // 2, order.pop(late))
    return _cut([max(1, each.nbytes) for each in lifetimes], best, placing.limit)


def _alive_at_once(
    sizes: Sequence[int], lifetimes: Sequence[Lifetime], rooms: Collection[Room]
) -> int:
    """Bytes, at most, without as many of those that fit in rooms as these hold."""
    steps = 1 + max([each.last for each in lifetimes], default=0)
    alive, fitting, held = ([0] * (steps + 1) for _ in range(3))
    widest = [0] * steps  # of the rooms that are empty while a step runs
    for nbytes, until in rooms:
        end = min(until, steps)
        held[0] += nbytes
        held[end] -= nbytes
        widest[:end] = [wide if wide > nbytes else nbytes for wide in widest[:end]]
    for size, each in zip(sizes, lifetimes, strict=True):
        for changes in (alive, fitting)[: 1 + (each.nbytes <= widest[each.last])]:
            changes[each.first] += size
            changes[each.last + 1] -= size
    at_once = zip(*map(accumulate, (alive, fitting, held)), strict=True)
    return max(whole - min(some, room) for whole, some, room in at_once)


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


@dataclass(frozen=True)
class _Placing:
    """How temporaries of these ``sizes`` are placed, each as low as it fits among those ``near`` in
    time: across no multiple of ``limit``, unless it is larger, and not above the ``mark`` if there
    is a room for it."""

    sizes: Sequence[int]
    lifetimes: Sequence[Lifetime]
    near: Sequence[Sequence[int]]
    rooms: Mapping[int, Room]
    mark: int
    limit: int

    def placed(self, order: Sequence[int]) -> list[Spot]:
        """Where each of them starts that is placed in this order."""
        found: list[Spot | None] = [None] * len(self.sizes)
        for i in order:
            taken: dict[int | None, list[tuple[int, int]]] = {}
            for j in self.near[i]:
                spot = found[j]
                if spot is not None:
                    taken.setdefault(spot.room, []).append((spot.start, spot.start + self.sizes[j]))
            spot = Spot(None, _lowest(taken.get(None, []), self.sizes[i], self.limit))
            if spot.start + self.sizes[i] > self.mark:
                spot = self._in_room(i, taken) or spot
            found[i] = spot
        return [spot for spot in found if spot is not None]

    def _in_room(self, i: int, taken: Mapping[int | None, list[tuple[int, int]]]) -> Spot | None:
        nbytes, _, last = self.lifetimes[i]
        for number, room in self.rooms.items():
            if last < room.until and nbytes <= room.nbytes:
                start = _lowest(taken.get(number, []), self.sizes[i], self.limit)
                if start + nbytes <= room.nbytes:
                    return Spot(number, start)
        return None


def _lowest(taken: list[tuple[int, int]], size: int, limit: int) -> int:
    """Where so many bytes lie lowest between those that are ``taken``, from start to end."""
    at = 0
    taken.sort()
    for start, end in taken:
        if start - at >= size:
            break
        if end > at:
            at = end
            if at % limit + size > limit:
                at += -at % limit
    return at


def _cut(sizes: Sequence[int], spots: Sequence[Spot], limit: int) -> tuple[list[Piece], list[int]]:
    """Arenas begin at multiples of ``limit``."""
    cuts = sorted({start // limit for room, start in spots if room is None})
    numbers = {cut: number for number, cut in enumerate(cuts)}
    arenas = [0] * len(numbers)
    pieces = []
    for size, (room, start) in zip(sizes, spots, strict=True):
        if room is not None:
            pieces.append(Piece(len(arenas) + room, start, size))
            continue
        arena = numbers[start // limit]
        pieces.append(Piece(arena, start % limit, size))
        arenas[arena] = max(arenas[arena], start % limit + size)
    return pieces, arenas
