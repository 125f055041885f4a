"""Compiled kernels: the generated functions, and the scratch memory that they work in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from operator import mul
from threading import get_ident
from time import perf_counter
from typing import Any

import numpy as np

from lazygrad.plugin import Call, Code, DeviceError, Part, Program
from lazygrad_numpy.blas import BlasThreads
from lazygrad_numpy.code import ALIGNMENT
from lazygrad_numpy.compiled import functions
from lazygrad_numpy.generate import Source
from lazygrad_numpy.team import CHUNK, Member, Team

Memory = np.ndarray[Any, np.dtype[np.uint8]]


def aligned(nbytes: int) -> Memory:
    """Uninitialised bytes that start at a multiple of ALIGNMENT.

    Raises:
        DeviceError: out of memory.
    """
    try:
        raw = np.empty(nbytes + ALIGNMENT, np.uint8)
    except (MemoryError, ValueError):
        raise DeviceError(
            f"[allocate] no memory for {nbytes} bytes ({nbytes / 2**30:.2f} GiB) on CPU; "
            "free tensors that are not needed, or use smaller batches"
        ) from None
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + nbytes]


class Arena(threading.local):
    """Scratch memory, one piece a thread, shared by all programs: they run one after another, and
    find it still in cache."""

    def __init__(self) -> None:
        self.memory = np.empty(0, np.uint8)

    def of(self, nbytes: int) -> Memory:
        """At least ``nbytes`` of scratch."""
        if self.memory.size < nbytes:
            self.memory = aligned(max(nbytes, 2 * self.memory.size))
        return self.memory


ARENA = Arena()


def code_of(number: int, call: Call, made: Source, units: int, starts: Sequence[int] = ()) -> Code:
    """The code of one call, whose kernel ``made`` was generated from, for ``units`` threads; its
    buffers begin at these elements."""
    geometry = f"{made.scratch_bytes} bytes of scratch"
    if any(starts):
        sizes = [spec.dtype.itemsize for spec in call.kernel.buffers]
        made = replace(made, starts=tuple(map(mul, starts, sizes)))
        geometry += f", buffers from elements {', '.join(map(str, starts))}"
    if made.shared:
        geometry += f", {' and '.join(loop.range.name for loop in made.shared)} shared by "
        geometry += f"{units} threads"
    return Code((Part.of({number: call}, made.text),), call.memory, geometry, made)


class Running:
    """What must hold while generated code runs, once for all launches of a plan: overflow and
    division by zero have defined results, of which NumPy would warn; BLAS has one thread; ufuncs
    take what does not lie in one piece in chunks of ``CHUNK``."""

    def __init__(self, blas: BlasThreads) -> None:
        self._blas = blas if blas.known else None
        self._errors = np.errstate(all="ignore")

    def __enter__(self) -> None:
        self._errors.__enter__()
        self._chunk = np.setbufsize(CHUNK)
        if self._blas is not None:
            self._threads = self._blas.limit()

    def __exit__(self, *error: object) -> None:
        if self._blas is not None:
            self._blas.restore(self._threads)
        np.setbufsize(self._chunk)
        self._errors.__exit__(None, None, None)


class NumpyProgram(Program):
    """One kernel as NumPy code; ``changed``: ``prepare`` of somebody's own."""

    def __init__(self, code: Code, team: Team, blas: BlasThreads, changed: Any = None) -> None:
        super().__init__(code)
        made: Source = code.data
        self._shared, self._sums, self._team = made.shared, made.sums, team
        self._blas = blas
        self._scratch_bytes = made.scratch_bytes
        (part,) = code.parts
        self._make = changed or functions(part.name, made.text, made.constants)
        self._starts = made.starts
        self._local = threading.local()

    def bind(self, memory: Sequence[Memory], starts: Sequence[int] = ()) -> Callable[[], None]:
        return self._bound(memory, starts)[1]

    def _bound(
        self, memory: Sequence[Memory], starts: Sequence[int]
    ) -> tuple[Callable[[], object], Callable[[], None]]:
        """What makes every thread ready for the call, and the call, which would do so itself."""
        if any(starts):
            memory = [whole[start:] for whole, start in zip(memory, starts, strict=True)]
        if self._starts:
            memory = [whole[start:] for whole, start in zip(memory, self._starts, strict=True)]
        if not self._shared:
            run: Callable[[], None] = self._prepared()(*memory)
            return self._prepared, run
        runs: dict[int, Callable[[Member], None]] = {}  # by thread, each with scratch of its own

        def ready(member: Member) -> Callable[[Member], None]:
            own = runs.get(get_ident())
            if own is None:
                own = runs[get_ident()] = self._prepared()(*memory)
            return own

        def work(member: Member) -> None:
            ready(member)(member)

        loops = [(loop.range.size, loop.block) for loop in self._shared]
        share = partial(self._team.run, loops, sums=self._sums)
        return partial(share, ready), partial(share, work)

    def launch(self, memory: Sequence[Memory]) -> None:
        with Running(self._blas):
            super().launch(memory)

    def launch_timed(self, memory: Sequence[Memory], starts: Sequence[int] = ()) -> list[float]:
        prepare, call = self._bound(memory, starts)
        prepare()
        with Running(self._blas):
            start = perf_counter()
            call()
            return [perf_counter() - start]

    def _prepared(self) -> Callable[..., Any]:
        """What binds buffers, with scratch arrays and constants of this thread."""
        try:
            found: Callable[..., Any] = self._local.prepared
        except AttributeError:
            found = self._local.prepared = self._prepare()
        return found

    def _prepare(self) -> Callable[..., Any]:
        arena = ARENA.of(self._scratch_bytes)

        def scratch(
            shape: tuple[int, ...], dtype: Any, offset: int, strides: Any = None
        ) -> np.ndarray[Any, Any]:
            return np.ndarray(shape, dtype, arena, offset, strides)

        with np.errstate(all="ignore"):
            prepared: Callable[..., Any] = self._make(scratch)
        return prepared
