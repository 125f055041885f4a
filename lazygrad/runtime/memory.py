"""Device memory with a pool: freed memory is kept for the next request of the same size."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from lazygrad.errors import DeviceError
from lazygrad.locks import pooling
from lazygrad.runtime import registry

GRANULE = 256  # sizes are rounded up to this, so that near-equal sizes share
KEEP = 1 << 30  # bytes kept for reuse on a device; beyond that, memory is given back


class Pool:
    """Free memory of one device, by size.

    Memory is given back by whichever thread drops the last reference, at any point of its code,
    even while it takes some: into a queue, which whoever finds the pool free takes over.
    """

    def __init__(self, device: str) -> None:
        self.device = device
        # here, because memory is given back while modules are taken apart, too
        self.keep, self._lock = KEEP, pooling
        self.free: dict[int, list[Any]] = {}
        self.kept = 0
        self.in_use = 0
        self.peak = 0
        self._returned: deque[tuple[Any, int]] = deque()

    def take(self, nbytes: int) -> Any:
        """Raw memory of ``nbytes`` (already rounded)."""
        with self._lock:
            self._take_over()
            self.in_use += nbytes
            self.peak = max(self.peak, self.in_use)
            listed = self.free.get(nbytes)
            if listed:
                self.kept -= nbytes
                return listed.pop()
        try:
            return self._allocate(nbytes)
        except BaseException:
            with self._lock:
                self.in_use -= nbytes
            raise

    def _allocate(self, nbytes: int) -> Any:
        backend = registry.backend(self.device)
        try:
            return backend.allocate(nbytes)
        except DeviceError:
            self.clear()  # what was kept for reuse may be what is missing
            scratchpad.arenas.pop(self.device, None)
            return backend.allocate(nbytes)

    def give_back(self, raw: Any, nbytes: int) -> None:
        """``nbytes`` are not in use any more; others may have ``raw``, unless it is None."""
        self._returned.append((raw, nbytes))
        if self._lock.acquire(blocking=False):  # or else the next one to take finds it
            try:
                self._take_over()
            finally:
                self._lock.release()

    def _take_over(self) -> None:
        """What was given back is free; more than what is kept goes back to the device."""
        while self._returned:
            raw, nbytes = self._returned.popleft()
            self.in_use -= nbytes
            if raw is not None and self.kept + nbytes <= self.keep:
                self.kept += nbytes
                self.free.setdefault(nbytes, []).append(raw)

    def clear(self) -> None:
        """Give everything that is not in use back to the device."""
        with self._lock:
            self._take_over()
            self.free.clear()
            self.kept = 0


_pools: dict[str, Pool] = {}


def pool(device: str) -> Pool:
    """The pool of a device."""
    found = _pools.get(device)
    return _pools.setdefault(device, Pool(device)) if found is None else found


class Memory:
    """Device memory that goes back to its pool with its last reference. Never written again once
    it holds a value that someone can see, so it can be shared freely."""

    __slots__ = ("_pool", "nbytes", "raw")

    def __init__(self, device: str, nbytes: int) -> None:
        self._pool = pool(device)
        self.nbytes = -(-max(nbytes, 1) // GRANULE) * GRANULE
        self.raw = self._pool.take(self.nbytes)

    def __del__(self) -> None:
        if hasattr(self, "raw"):  # absent where allocation failed
            self._pool.give_back(self.raw, self.nbytes)


class Part(Memory):
    """A part of other memory, which it keeps alive."""

    __slots__ = ("start", "whole")

    def __init__(self, whole: Memory, start: int, nbytes: int, raw: Any) -> None:
        self.whole, self.start = whole, start
        self.nbytes = nbytes
        self.raw = raw

    def __del__(self) -> None:
        """It goes back with the whole."""


def part(whole: Memory, start: int, nbytes: int, device: str) -> Memory:
    """``nbytes`` of memory from byte ``start`` on: shared where the device can, or else copied."""
    if isinstance(whole, Part):
        start += whole.start
        whole = whole.whole
    backend = registry.backend(device)
    raw = backend.part(whole.raw, start, nbytes)
    if raw is not None:
        return Part(whole, start, nbytes, raw)
    copy = Memory(device, nbytes)
    backend.copy(whole.raw, start, copy.raw, nbytes)
    return copy


class Arena(Memory):
    """Memory for temporaries, which is not kept for others in the end: nobody asks for as much."""

    __slots__ = ()

    def __del__(self) -> None:
        if hasattr(self, "raw"):
            self._pool.give_back(None, self.nbytes)


class Scratchpad:
    """Memory for the temporaries of whichever plan runs next, by device. Plans run one after the
    other, on whatever thread, so they share it, and find it where it was."""

    def __init__(self) -> None:
        self.arenas: dict[str, list[Arena]] = {}

    def reserve(self, device: str, sizes: Sequence[int]) -> list[Arena]:
        """An arena for each of ``sizes`` (bytes), at least as large. More than what is kept for
        reuse stays as long as plans need as much."""
        arenas = self.arenas.setdefault(device, [])
        if sizes and sum(sizes) <= KEEP < sum(arena.nbytes for arena in arenas):
            arenas.clear()
        for number, nbytes in enumerate(sizes):
            if number < len(arenas) and arenas[number].nbytes < nbytes:
                del arenas[number:]  # before there is a larger one
            if number == len(arenas):
                arenas.append(Arena(device, nbytes))
        return arenas[: len(sizes)]


scratchpad = Scratchpad()
