"""LAZYGRAD_REPORT: all that a program runs, on a page that is written when it ends."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from weakref import WeakKeyDictionary

from lazygrad.config import config
from lazygrad.graph import Node
from lazygrad.inspect.asked import Asked
from lazygrad.inspect.reporting.gather import gathered
from lazygrad.inspect.reporting.measure import times_of
from lazygrad.inspect.reporting.page import libraries, page
from lazygrad.inspect.reporting.shown import Shown
from lazygrad.runtime.program import Binding, CompiledPlan


class Recorder:
    """What a program runs. A plan is measured, and names are found, when it first runs: later the
    values may be gone that they are of."""

    def __init__(self, path: Path) -> None:
        libraries()  # which are missing now, not at the end
        path.parent.mkdir(parents=True, exist_ok=True)  # now, not at the end
        self.path, self.process = path, os.getpid()
        self.seen: dict[CompiledPlan, Shown] = {}
        self.graphs: WeakKeyDictionary[CompiledPlan, Sequence[Node]] = WeakKeyDictionary()

    def planned(self, roots: Sequence[Node], plan: CompiledPlan) -> None:
        """A graph was planned."""
        self.graphs[plan] = roots

    def runs(self, binding: Binding, asked: object) -> None:
        """A plan is about to run."""
        plan = binding.plan
        if plan not in self.seen:
            with config(debug=0, dump=None, report=None):  # what runs for it is not recorded
                roots, times = self.graphs.pop(plan, None), times_of(binding)
                self.seen[plan] = gathered(Asked(plan, asked), roots, times)
        self.seen[plan].runs += 1

    def write(self) -> None:
        """The page; only in the process that began it."""
        if os.getpid() != self.process:
            return
        with config(debug=0, dump=None, report=None):
            self.path.write_text(page(list(self.seen.values())), encoding="utf-8")
        print(f"[lazygrad] {self.path} shows what ran", file=sys.stderr)


_recorders: dict[str, Recorder] = {}


def recorder(path: str) -> Recorder:
    """That of a file, which is written when the program ends."""
    key = os.path.abspath(path)
    if key not in _recorders:
        _recorders[key] = Recorder(Path(key))
        atexit.register(_recorders[key].write)
    return _recorders[key]
