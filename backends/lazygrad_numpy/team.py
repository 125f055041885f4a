"""Threads that share the blocks of one launch. NumPy releases the interpreter lock in its loops,
so they run side by side as long as blocks are large."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any

import numpy as np

# NumPy copies what an operation repeats, or what lies in shorter runs, in chunks of this many elements
# instead of reading it where it is. With its own 8192 that takes half as long again as the operation,
# and twice as long for a view of a padded image; below 1024, casts take longer.
CHUNK = 1024
MOST_MEMBERS = 16  # more would wait for the interpreter lock


class Launch:
    """What the members of a team know of a launch.

    Attributes:
        size, block: of the range whose blocks are shared.
        members: how many threads take part.
        sums: each member adds up its own blocks; they are merged in the end.
    """

    def __init__(self, size: int, block: int, members: int, *, sums: bool) -> None:
        self.size = size
        self.block = block
        self.members = members
        self.sums = sums
        self.queue = iter(range(0, size, block))
        self.lock = threading.Lock()
        self.parts: list[tuple[np.ndarray[Any, Any], ...] | None] = [None] * members
        self.finished = 0


class Member:
    """One thread's part in a launch; generated code calls it ``team``."""

    def __init__(self, launch: Launch, number: int) -> None:
        self.launch = launch
        self.number = number

    def blocks(self) -> Iterator[int]:
        """Where this member's blocks start: whichever are left; of a sum always the same ones, so
        that it rounds in the same way each time."""
        job = self.launch
        if job.sums:
            return iter(range(self.number * job.block, job.size, job.members * job.block))
        return job.queue

    def merge(self, *totals: tuple[np.ufunc, np.ndarray[Any, Any]]) -> bool:
        """Hands in this member's totals. True for the last member, whose totals are then those
        of all."""
        job = self.launch
        if job.members == 1:
            return True
        with job.lock:
            job.parts[self.number] = tuple(array for _, array in totals)
            job.finished += 1
            if job.finished < job.members:
                return False
        for position, (step, mine) in enumerate(totals):
            arrays = [part[position] for part in job.parts if part is not None]
            whole = arrays[0]
            for other in arrays[1:]:
                whole = step(whole, other)
            np.copyto(mine, whole)
        return True


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

    def run(self, size: int, block: int, work: Callable[[Member], object], *, sums: bool) -> None:
        """Calls ``work`` on each member of a launch, and waits for all of them."""
        members = min(self.members, -(-size // block))
        if members < 2 or not self._busy.acquire(blocking=False):
            work(Member(Launch(size, block, 1, sums=sums), 0))
            return
        try:
            self._run_together(Launch(size, block, members, sums=sums), work)
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
    except BaseException as error:
        return error
    return None
