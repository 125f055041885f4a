"""Where those who look inside are told of what is planned and run. The rest of the runtime knows
nothing of them, and reads a few attributes for them when a plan runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Protocol

from lazygrad.graph import Node

if TYPE_CHECKING:
    from lazygrad.runtime.differences import Change
    from lazygrad.runtime.history import Line
    from lazygrad.runtime.program import Binding, CompiledPlan


class Watcher:
    """Is told; this one does nothing about it."""

    def differs(self, line: Line | None, change: Change | None, numbers: Sequence[str]) -> None:
        """A graph is about to be planned: what tells it from the one that was planned before for
        the same line, or from one that differs in ``numbers`` only."""

    def planned(self, roots: Sequence[Node], plan: CompiledPlan) -> None:
        """A graph was planned, on leaves that stand for its inputs."""

    def runs(self, binding: Binding, asked: object) -> bool:
        """A plan is about to run while someone looks. ``asked``: who asks for it, a
        ``replay.Capture``, or the requested nodes and the leaves. True: it has run, part by
        part."""
        return False


class Observer(Protocol):
    """Looks at what a thread runs.

    Attributes:
        times: it wants to know the seconds that each part took, so each is waited for.
    """

    times: bool

    def ran(self, binding: Binding, asked: object, start: float, seconds: Sequence[float]) -> None:
        """A plan has run since ``start`` (of ``time.perf_counter``), or is about to if nobody
        wants the seconds."""


class Observing(threading.local):
    """The observers of a thread."""

    observers: tuple[Observer, ...] = ()


observing = Observing()
makers: list[Callable[[], Watcher]] = [Watcher]  # the last one makes what is told


@cache
def watcher() -> Watcher:
    """The one that is told."""
    return makers[-1]()
