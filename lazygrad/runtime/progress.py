"""A line on the terminal that says how far compiling is, where it takes longer than a second.

Nothing runs in the background: whoever compiles reports what is done, and the line is drawn when it
does. A stage that is one long call shows where it began.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TextIO

from lazygrad.config import settings

PATIENCE = 1.0  # seconds without a line
PAUSE = 0.1  # seconds between two drawings of the same stage
CLEAR = "\r\033[K"


class Line:
    """What is compiled now, on a stream that is a terminal."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = perf_counter) -> None:
        self._stream, self._clock = stream, clock
        self._began = clock()
        self._next = self._began + PATIENCE  # when it may be drawn
        self._shown = False
        self._stage, self._done, self._total = "", 0, 0

    def stage(self, name: str, total: int) -> None:
        self._stage, self._done, self._total = name, 0, total
        self._draw(self._began + PATIENCE)

    def advance(self, count: int) -> None:
        self._done += count
        self._draw(self._next)

    def vanish(self) -> None:
        if self._shown:
            self._write(CLEAR)

    def _draw(self, earliest: float) -> None:
        now = self._clock()
        if now < earliest:
            return
        self._shown, self._next = True, now + PAUSE
        counted = f": {self._done} of {self._total} kernels" if self._total else ""
        self._write(f"{CLEAR}[lazygrad] {self._stage}{counted}")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


_line: Line | None = None


@contextmanager
def compiling() -> Iterator[None]:
    """Around whatever reports its progress; inside another one it is part of that."""
    global _line
    if _line is not None or not _is_looked_at():
        yield
        return
    _line = line = Line(sys.stderr)
    try:
        yield
    finally:
        _line = None
        line.vanish()


def stage(name: str, total: int = 0) -> None:
    """What begins now (``plan``, ``generate``, ``compile``), for how many kernels. For backends
    too, on the thread that they were called on."""
    if _line is not None:
        _line.stage(name, total)


def advance(count: int = 1) -> None:
    """So many more kernels went through the stage."""
    if _line is not None:
        _line.advance(count)


def _is_looked_at() -> bool:
    return settings.progress and sys.stderr is not None and sys.stderr.isatty()
