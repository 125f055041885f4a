"""Loops inside of a launch: whoever works does all steps, in each of which they take turns.

A turn has a line of the counters, as a part of the launch has, but its counters go on from step to
step: the items of all steps are numbered, and those of a step are taken up to its last number.
So whoever comes late begins with the step that the others are in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from lazygrad.plugin import Batch, Copy, Reach, pieces_of, reaches
from lazygrad_opencl.jobs import At, Repeated
from lazygrad_opencl.shares import share_of
from lazygrad_opencl.turns import COPIED

Lines = Callable[[Batch, Sequence[At]], list[str]]  # the calls for an ``item`` of a turn

COUNT = "step"
BYTES = "__global uchar *"


class Repeating:
    """The code of a loop.

    Args:
        places: where the memory in its slots begins.
        first: the number of the first line of counters that are free.
        calls: spells those of a turn, on the memory of the body.
    """

    def __init__(self, job: Repeated, places: Sequence[At], first: int, calls: Lines) -> None:
        self._loop, self._turns, self._calls = job.loop, job.turns, calls
        self._places, self._first, self._free = places, first, first

    @property
    def counters(self) -> int:
        """How many lines of counters it takes, once it is spelled."""
        return self._free - self._first

    def lines(self, number: int) -> Iterator[str]:
        """Those of all that it does; ``number`` is that of the part that it is."""
        loop = self._loop
        yield "int done;"
        if loop.before:
            yield from self._once(loop.before)
        yield from self._steps()
        if loop.after:
            yield from self._once(loop.after)
        yield f"if (__sync_fetch_and_add(FINISHED({number}), 1) == 0) NOTE({number});"

    def _steps(self) -> Iterator[str]:
        loop, lines = self._loop, list[str]()
        for batch in self._turns:
            lines += self._turn(batch.counts, self._calls(batch, self._memory))
        if loop.each:
            lines += self._turn([_items(loop.each)], list(self._copies(loop.each)))
        if loop.going:
            lines += self._turn([1], self._look())
        if not lines:
            return
        last = self._free - 1
        items = 1 if loop.going else _items(loop.each) or self._turns[-1].items
        ends = f" && !*OVER({last})" if loop.going else ""
        begins = f"__atomic_load_n(FINISHED({last}), __ATOMIC_ACQUIRE) / {items}"
        yield f"for (long {COUNT} = {begins}; {COUNT} < {loop.length}{ends}; {COUNT}++) {{"
        for name, reach in enumerate(reaches(loop)):
            yield f"  {BYTES}const r{name} = {self._place(reach)};"
        yield from (f"  {line}" for line in lines)
        yield "}"

    @property
    def _memory(self) -> list[At]:
        """Where that of the body begins, by its numbers."""
        found = [At(f"r{number}", "", 0) for number in range(len(reaches(self._loop)))]
        return found + [At(f"r{p.of}", "", p.start) for p in pieces_of(self._loop).values()]

    def _turn(self, counts: Sequence[int], calls: Sequence[str]) -> list[str]:
        """One of each step, of tracks with so many items."""
        number, share = self._next(), share_of(counts)
        return [
            "done = 0;",
            f"SHARES for (int item; (item = TAKE_IN({number}, {COUNT}, {share})) >= 0; done++) {{",
            *(f"  {line}" for line in calls),
            "}",
            f"AWAIT({number}, done, ({COUNT} + 1) * {sum(counts)});",
        ]

    def _once(self, copies: Sequence[Copy]) -> Iterator[str]:
        """A turn before the first step, or after the last one."""
        number, items = self._next(), _items(copies)
        yield "done = 0;"
        yield f"SHARES for (int item; (item = TAKE({number}, {share_of([items])})) >= 0; done++) {{"
        yield from (f"  {line}" for line in self._copies(copies, 0))
        yield "}"
        yield f"AWAIT({number}, done, {items});"

    def _copies(self, copies: Sequence[Copy], count: int | None = None) -> Iterator[str]:
        """An ``item`` of them."""
        yield f"item += FIRST({_items(copies)});"
        start = 0
        for copy in copies:
            to, source = self._place(copy.to, count), self._place(copy.source, count)
            own, start = start, start + _items([copy])
            yield f"if ({own} <= item && item < {start})"
            yield f"  COPY({to}, {source}, item - {own}, {copy.nbytes}L);"

    def _look(self) -> list[str]:
        """Whether the steps to come would change nothing; where the run ends, carries that take
        turns lie where they do after all steps."""
        assert self._loop.going is not None
        flags, left = self._loop.going, f"({self._loop.length - 1} - {COUNT})"
        place = self._place(flags.place)
        return [f"if ({left} % 2 == 0) *OVER({self._free}) = NONE({place}, {flags.nbytes});"]

    def _place(self, reach: Reach, count: int | None = None) -> str:
        """A pointer to where it is in a step: the one after ``count`` others, or any."""
        if count is not None:
            slot, byte = reach.at(count)
            return self._start(slot, byte)
        *others, found = [self._start(slot, reach.start, reach.step) for slot in reach.slots]
        for turn, place in enumerate(others):
            found = f"{COUNT} % {len(reach.slots)} == {turn} ? {place} : {found}"
        if reach.first is None:
            return found
        return f"{COUNT} == 0 ? {self._start(reach.first, reach.start, reach.step)} : {found}"

    def _start(self, slot: int, byte: int, step: int = 0) -> str:
        memory, start, before = self._places[slot]
        terms = [f"({BYTES}){memory}", start, f"{before + byte}" * bool(before + byte)]
        terms.append(f"{COUNT} * {step}L" * bool(step))
        return " + ".join(filter(None, terms))

    def _next(self) -> int:
        self._free += 1
        return self._free - 1


def _items(copies: Sequence[Copy]) -> int:
    return sum(-(-copy.nbytes // COPIED) for copy in copies)
