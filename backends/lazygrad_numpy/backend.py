"""NumpyBackend: the device CPU."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from lazygrad.plugin import Backend, Call, Code, Kernel, Program, Target
from lazygrad_numpy.blas import BlasThreads
from lazygrad_numpy.generate import generate
from lazygrad_numpy.program import Memory, NumpyProgram, Running, aligned, code_of
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
    suffix = ".py"

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

    def generate(self, calls: Sequence[Call]) -> list[Code]:
        members = self._team.members
        return [code_of(number, call, members) for number, call in enumerate(calls)]

    def load(self, codes: Sequence[Code]) -> list[Program]:
        return [NumpyProgram(code, self._team, self._blas) for code in codes]

    def describe(self, kernel: Kernel) -> str:
        return generate(kernel, self._team.members).nest

    @property
    def fingerprint(self) -> str:
        return f"{self.target}, {self._team.members} threads"

    def running(self) -> Running:
        return Running(self._blas)

    def synchronize(self) -> None:
        """Nothing runs in the background."""
