"""How much of the machine others are using while a contender runs.

A busy neighbour does not slow all contenders alike: two threads that wait for each other at every
barrier lose far more to a third than two that share out their work. So the bench watches, repeats
busy rounds, and says what it saw.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

QUIET = 0.1  # cores; less than that and a round counts as undisturbed


class Watch:
    """The processor time that other processes take while this one is looked at."""

    def __init__(self) -> None:
        self.wall = self.others = 0.0

    def start(self) -> None:
        self._began, self._busy = time.perf_counter(), _busy_seconds()

    def stop(self, own: float) -> None:
        """`own` is the processor time that the contender itself used since `start`."""
        self.wall += time.perf_counter() - self._began
        self.others += max(0.0, _busy_seconds() - self._busy - own)

    @property
    def cores(self) -> float:
        return self.others / self.wall if self.wall else 0.0


def _busy_seconds() -> float:
    """Of all processors since boot, time stolen by the hypervisor included; 0 where unknown."""
    try:
        with open("/proc/stat") as stat:
            user, nice, system, _idle, _iowait, *others = map(int, stat.readline().split()[1:9])
    except (OSError, ValueError):
        return 0.0
    ticks: int = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + sum(others)) / ticks


def quietest(cores: Sequence[float], count: int) -> list[int]:
    """The numbers of the `count` rounds that were disturbed least, in their order."""
    return sorted(sorted(range(len(cores)), key=lambda number: cores[number])[:count])
