"""Which kernels can run in one launch: the calls of a plan, put together as far as they allow.

A launch costs as much as a small kernel, and a program with fewer entry points compiles faster.
Kernels that do not depend on each other run side by side, as work-items of one launch. Kernels of a
single work-item that do depend on each other run in turn in that work-item. Where the work-items of
a launch can wait for each other, whole batches run in turn.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lazygrad.kernel.plan import NO_PIECES, Piece

ALL = 1 << 62  # bytes


@dataclass
class Track:
    """Calls that the same ``items`` work-items make in turn; more than one only where that is a
    single work-item."""

    calls: list[int]
    items: int


@dataclass
class Batch:
    """One launch: tracks side by side, none of which reads or writes what another one writes."""

    tracks: list[Track] = field(default_factory=list)
    memory: set[int] = field(default_factory=set)
    alone: bool = False
    apart: bool = False

    @property
    def counts(self) -> list[int]:
        """The work-items of each track."""
        return [track.items for track in self.tracks]

    @property
    def items(self) -> int:
        return sum(self.counts)


@dataclass(frozen=True)
class Work:
    """A call as batching sees it: the memory it writes, how much of it and of how many elements,
    and the memory it reads; its work-items; ``alone`` if they need groups of their own, ``apart``
    if nothing else runs beside them, but may in turn."""

    writes: Mapping[int, tuple[int, int]]
    reads: frozenset[int]
    items: int
    alone: bool = False
    apart: bool = False


def alone(number: int) -> Batch:
    """One call by itself."""
    return Batch([Track([number], 0)], alone=True)


def batches(
    calls: Sequence[Work], most: int, pieces: Mapping[int, Piece] = NO_PIECES
) -> list[Batch]:
    """Every call as early as what it depends on allows; of several calls, a launch is given at most
    ``most`` pieces of memory. ``pieces`` of one are one."""
    made: list[Batch] = []
    batch_of: list[int] = []
    for number, waits_for in enumerate(_dependencies(calls, pieces)):
        call = calls[number]
        used = {pieces[m].of if m in pieces else m for m in (*call.reads, *call.writes)}
        position = max((batch_of[other] for other in waits_for), default=0)
        while position < len(made):
            if _place(made[position], number, call, used, waits_for, most):
                break
            position += 1
        else:
            made.append(Batch(alone=call.alone, apart=call.apart))
            _place(made[position], number, call, used, waits_for, most)
        batch_of.append(position)
    return made


def in_turn(made: Sequence[Batch], most: int) -> list[list[Batch]]:
    """Batches that can be one launch, one after the other, with ``most`` pieces of memory."""
    found: list[list[Batch]] = []
    memory: set[int] = set()
    for batch in made:
        wider = memory | batch.memory
        if not found or batch.alone or found[-1][-1].alone or len(wider) > most:
            found.append([])
            wider = batch.memory
        found[-1].append(batch)
        memory = wider
    return found


def _dependencies(calls: Sequence[Work], pieces: Mapping[int, Piece] = NO_PIECES) -> list[set[int]]:
    """For each call the earlier ones that must have ended: those that wrote what it reads, and
    those that read or wrote before what it writes, or what lies on the same bytes. Several may
    write parts of one value."""
    values: dict[int, _Written] = {}
    # Of memory that has pieces, and may hold a value of its own after them.
    tenants: dict[int, _Tenants] = {piece.of: _Tenants() for piece in pieces.values()}

    def began(memory: int, value: _Written) -> _Written:
        """``memory`` holds a value, after all that was there before."""
        piece = Piece(memory, 0, ALL) if memory in tenants else pieces.get(memory)
        if piece is not None:
            whole = tenants[piece.of]
            for other in whole.replaced(piece.start, piece.start + piece.nbytes, memory):
                value.after |= values[other].users
        values[memory] = value
        return value

    found = []
    for number, call in enumerate(calls):
        waits_for: set[int] = set()
        for memory in call.reads:
            if memory in values:
                waits_for.update(values[memory].writers)
        for memory, (part, size) in call.writes.items():
            now = values.get(memory)
            if now is None or now.readers or now.left < part or now.size != size:
                now = began(memory, _Written(size, size, now.users if now else set()))
            now.left -= part
            waits_for |= now.after
            now.writers.add(number)
        for memory in call.reads:
            held = values.get(memory) or began(memory, _Written(0, 0, set()))
            held.readers.add(number)
        waits_for.discard(number)
        found.append(waits_for)
    return found


@dataclass
class _Written:
    """The value that memory holds: of ``size`` elements, of which ``left`` are not written yet,
    once the calls ``after`` which it is there have ended."""

    size: int
    left: int
    after: set[int]
    writers: set[int] = field(default_factory=set)
    readers: set[int] = field(default_factory=set)

    @property
    def users(self) -> set[int]:
        return self.writers | self.readers


class _Tenants:
    """Whose bytes those of a piece of memory are: from each cut to the next those of one piece, or
    of none."""

    def __init__(self) -> None:
        self._cuts: list[int] = [0]
        self._pieces: list[int | None] = [None]

    def replaced(self, start: int, end: int, piece: int) -> set[int]:
        """The pieces whose bytes these were, which are those of ``piece`` from now on."""
        first, last = self._cut(start), self._cut(end)
        found = {other for other in self._pieces[first:last] if other is not None}
        self._cuts[first:last] = [start]
        self._pieces[first:last] = [piece]
        return found

    def _cut(self, at: int) -> int:
        """The number of the cut at a byte, which is made unless there is one."""
        number = bisect_right(self._cuts, at)
        if self._cuts[number - 1] == at:
            return number - 1
        self._cuts.insert(number, at)
        self._pieces.insert(number, self._pieces[number - 1])
        return number


def _place(
    batch: Batch, number: int, call: Work, used: set[int], waits_for: set[int], most: int
) -> bool:
    """Adds a call to a batch, if it may be there; a launch is given the memory ``used`` for it."""
    memory = batch.memory | used
    shared = not (batch.alone or call.alone or batch.apart or call.apart)
    if batch.tracks and (not shared or len(memory) > most):
        return False
    before = [track for track in batch.tracks if not waits_for.isdisjoint(track.calls)]
    if before and any(items != 1 for items in (call.items, *(track.items for track in before))):
        return False
    joined = sorted([number, *(other for track in before for other in track.calls)])
    batch.tracks = [track for track in batch.tracks if track not in before]
    batch.tracks.append(Track(joined, call.items))
    batch.memory = memory
    return True
