"""NumpyBackend: the device CPU."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from lazygrad.plugin import Backend, Kernel, Program, Target
from lazygrad_numpy.blas import BlasThreads
from lazygrad_numpy.program import Memory, NumpyProgram, aligned
from lazygrad_numpy.team import Team


def available_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


class NumpyBackend(Backend):
    """Runs kernels as generated NumPy code, contractions by the BLAS that NumPy was built with.

    Memory is an array of uint8. Nothing is asynchronous.
    """

    name = "CPU"

    def __init__(self) -> None:
        units = available_cores()
        self.target = Target(units=units, lanes=1, blas=True, cache=1 << 20)
        self._team = Team(units)
        self._blas = BlasThreads()

    def allocate(self, nbytes: int) -> Memory:
        return aligned(nbytes)

    def upload(self, memory: Memory, array: np.ndarray[Any, Any]) -> None:
        flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        memory[: flat.size] = flat

    def download(self, memory: Memory, array: np.ndarray[Any, Any]) -> None:
        flat = array.reshape(-1).view(np.uint8)
        flat[:] = memory[: flat.size]

    def compile(self, kernels: Sequence[Kernel]) -> list[Program]:
        return [NumpyProgram(kernel, self._team, self._blas) for kernel in kernels]

    def synchronize(self) -> None:
        """Nothing runs in the background."""
