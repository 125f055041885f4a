"""What is to be launched: the calls of a plan with the code of their kernels, before it is known
which of them share launches."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lazygrad.plugin import Batch, Call, LoopCall, LoopNest, Work, batches, pieces_of


@dataclass(frozen=True)
class Called:
    """A call of a plan by its number."""

    number: int
    call: Call

    @property
    def moving(self) -> tuple[int, ...]:
        """The slots of buffers of which a launch is told where they start."""
        return tuple(slot for slot, moves in enumerate(self.call.moving) if moves)

    def _work(self, items: int, *, alone: bool = False, apart: bool = False) -> Work:
        """What it does to memory, which behind its buffers is its own."""
        kernel, memory = self.call.kernel, self.call.memory
        written, buffers = kernel.written, kernel.buffers
        writes = {memory[slot]: (n, buffers[slot].size) for slot, n in written.items()}
        own = dict.fromkeys(memory[len(buffers) :], (1, 1))
        reads = frozenset(memory[len(written) : len(buffers)])
        return Work(writes | own, reads, items, alone, apart)


@dataclass(frozen=True)
class Job(Called):
    """That of a kernel, and its loop nest, whose buffers begin at ``starts``."""

    nest: LoopNest
    starts: tuple[int, ...] = ()

    @property
    def work(self) -> Work:
        return self._work(self.nest.items, alone=self.nest.group > 1)


@dataclass(frozen=True)
class Looped(Called):
    """That of a loop, and what a step of it consists of: jobs on the body's memory."""

    loop: LoopCall
    inside: tuple[Job, ...]


@dataclass(frozen=True)
class Sections(Looped):
    """One whose steps, sections, do not depend on each other; each job is for a whole section."""

    @property
    def work(self) -> Work:
        return self._work(self.loop.length)


@dataclass(frozen=True)
class Repeated(Looped):
    """One whose steps follow each other. All who work take turns in it, and do nothing else."""

    @property
    def work(self) -> Work:
        return self._work(1, apart=True)

    @property
    def turns(self) -> list[Batch]:
        """What a step does, one after the other; calls by their numbers in ``inside``."""
        works = [job.work for job in self.inside]
        return batches(works, sys.maxsize, pieces_of(self.loop))


AnyJob = Job | Sections | Repeated


class At(NamedTuple):
    """Where a buffer begins: ``byte`` behind the start of a memory, or behind a ``start`` in it,
    bytes that the code knows; "": none."""

    memory: str
    start: str
    byte: int


def single(jobs: Sequence[AnyJob]) -> Iterator[Job]:
    """Jobs, and those that others consist of."""
    for job in jobs:
        yield from job.inside if isinstance(job, Looped) else (job,)
