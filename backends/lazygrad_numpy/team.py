"""Threads that share the blocks of one launch. NumPy releases the interpreter lock in its loops,
so they run side by side as long as blocks are large."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from itertools import chain, pairwise
from queue import SimpleQueue
from typing import Any

import numpy as np

# NumPy copies what an operation repeats, or what lies in shorter runs, in chunks of this many
# elements instead of reading it where it is. With its own 8192 that takes half as long again as the
# operation, and as long again for a view of a padded image; below 1024, casts take longer.
CHUNK = 1024
MOST_MEMBERS = 16  # more would wait for the interpreter lock

Array = np.ndarray[Any, Any]
Total = tuple[np.ufunc, Array]  # and what combines two of it


class Launch:
    """What the members of a team know of a launch.

    Attributes:
        loops: size and block of each range whose blocks are shared, one loop after the other.
        members: how many threads take part.
        sums: each member adds up its own blocks; they are merged after each loop.
    """

    def __init__(self, loops: Sequence[tuple[int, int]], members: int, *, sums: bool) -> None:
        self.loops = loops
        self.members = members
        self.sums = sums
        self._shares = [self._shared_out(*loop) for loop in loops]
        self._lock = threading.Lock()
        self._parts: dict[int, Sequence[Array]] = {}
        self._answers: list[SimpleQueue[Sequence[Array] | None]] = [
            SimpleQueue() for _ in range(members)
        ]

    def _shared_out(self, size: int, block: int) -> list[Iterator[int]]:
        """Where each member's own blocks of a loop start."""
        count = -(-size // block)
        ends = [count * number // self.members * block for number in range(self.members + 1)]
        return [iter(range(start, end, block)) for start, end in pairwise(ends)]

    def blocks(self, loop: int, number: int) -> Iterator[int]:
        """Where a member's blocks of a loop start: its own share, which it has in its caches as it
        had the same share of earlier loops, then what is left of the others'. Of a sum its own
        only, so that it rounds in the same way each time."""
        shares = self._shares[loop]
        own, *others = shares[number:] + shares[:number]
        return own if self.sums else chain(own, *others)

    def combined(self, number: int, totals: Sequence[Total]) -> Sequence[Array] | None:
        """Takes a member's totals; those of all, if it is the last one to hand them in."""
        with self._lock:
            self._parts[number] = [array for _, array in totals]
            if len(self._parts) < self.members:
                return None
            parts, self._parts = self._parts, {}
        in_order = [parts[i] for i in range(self.members)]
        return [
            reduce(step, [arrays[position] for arrays in in_order])
            for position, (step, _) in enumerate(totals)
        ]

    def answer(self, whole: Sequence[Array] | None) -> None:
        """Lets all who wait go on, with the totals of all; None: a member has failed."""
        for queue in self._answers:
            queue.put(whole)

    def wait(self, number: int) -> Sequence[Array]:
        """The totals of all, once each member has handed in its own.

        Raises:
            AbandonedError: a member has failed.
        """
        whole = self._answers[number].get()
        if whole is None:
            raise AbandonedError
        return whole


class AbandonedError(Exception):
    """What a member would wait for does not come; the one that failed tells why."""


class Member:
    """One thread's part in a launch; generated code calls it ``team``."""

    def __init__(self, launch: Launch, number: int) -> None:
        self.launch = launch
        self.number = number
        self._loop = 0

    def blocks(self) -> Iterator[int]:
        """This member's blocks of the next loop."""
        self._loop += 1
        return self.launch.blocks(self._loop - 1, self.number)

    def meet(self, *totals: Total) -> None:
        """Waits until all members are here. The totals are those of all then."""
        job = self.launch
        if job.members == 1:
            return
        whole = job.combined(self.number, totals)
        if whole is not None:
            job.answer(whole)
        for (_, mine), array in zip(totals, job.wait(self.number), strict=True):
            np.copyto(mine, array)

    def merge(self, *totals: Total) -> bool:
        """Hands in this member's totals. True for the last member, whose totals are then those
        of all."""
        job = self.launch
        if job.members == 1:
            return True
        whole = job.combined(self.number, totals)
        for (_, mine), array in zip(totals, whole or (), strict=whole is not None):
            np.copyto(mine, array)
        return whole is not None


Task = tuple[Callable[[Member], object], Member, "SimpleQueue[BaseException | None]"]


class Team:
    """Worker threads, started when first needed. The calling thread works too."""

    def __init__(self, members: int) -> None:
        self.members = min(members, MOST_MEMBERS)
        self._forget()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        """No threads: at the start, and in a child process."""
        self._busy = threading.Lock()
        self._inboxes: list[SimpleQueue[Task]] = []

    def run(
        self, loops: Sequence[tuple[int, int]], work: Callable[[Member], object], *, sums: bool
    ) -> None:
        """Calls ``work`` on each member of a launch, and waits for all of them."""
        members = min(self.members, max(-(-size // block) for size, block in loops))
        if members < 2 or not self._busy.acquire(blocking=False):
            work(Member(Launch(loops, 1, sums=sums), 0))
            return
        try:
            self._run_together(Launch(loops, members, sums=sums), work)
        finally:
            self._busy.release()

    def _run_together(self, launch: Launch, work: Callable[[Member], object]) -> None:
        while len(self._inboxes) < launch.members - 1:
            inbox: SimpleQueue[Task] = SimpleQueue()
            threading.Thread(target=_serve, args=(inbox,), daemon=True).start()
            self._inboxes.append(inbox)
        done: SimpleQueue[BaseException | None] = SimpleQueue()
        for number in range(1, launch.members):
            self._inboxes[number - 1].put((work, Member(launch, number), done))
        problem = _attempt(work, Member(launch, 0))
        waiting = launch.members - 1
        while waiting:
            try:
                problem = done.get() or problem
                waiting -= 1
            except KeyboardInterrupt as error:  # the others still write to the caller's memory
                problem = error
        if problem is not None:
            raise problem


def _serve(inbox: SimpleQueue[Task]) -> None:
    """What a worker thread does."""
    np.seterr(all="ignore")  # as around every launch, see Running
    np.setbufsize(CHUNK)
    while True:
        work, member, done = inbox.get()
        problem = _attempt(work, member)
        del work, member  # they hold the launch's memory
        done.put(problem)


def _attempt(work: Callable[[Member], object], member: Member) -> BaseException | None:
    try:
        work(member)
    except AbandonedError:
        return None
    except BaseException as error:
        member.launch.answer(None)
        return error
    return None
