"""NumpyBackend: the device CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from lazygrad.plugin import (
    NO_PIECES,
    Backend,
    Call,
    Code,
    Kernel,
    Part,
    Piece,
    Program,
    Target,
    available_cores,
    best,
    is_worthwhile,
    progress,
    settings,
    without_starts,
)
from lazygrad_numpy.blas import BlasThreads
from lazygrad_numpy.generate import Generated, Source, generate, generated
from lazygrad_numpy.module import module_function, module_text
from lazygrad_numpy.program import Memory, NumpyProgram, Running, aligned, code_of
from lazygrad_numpy.team import Team

SCALES = (0.25, 0.5, 2.0, 4.0)  # of blocks, that a tuner tries


class NumpyBackend(Backend):
    """Runs kernels as generated NumPy code, contractions by the BLAS that NumPy was built with.

    Memory is an array of uint8. Nothing is asynchronous.
    """

    name = "CPU"
    suffix = ".py"
    records = (Source,)

    def __init__(self) -> None:
        units = available_cores()
        self.target = Target(units=units, lanes=1, blas=True, cache=1 << 20, throughput=6e9)
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

    def on_host(self, memory: Memory) -> Memory:
        return memory

    def part(self, memory: Memory, start: int, nbytes: int) -> Memory:
        return memory[start : start + nbytes]

    def copy(self, source: Memory, start: int, memory: Memory, nbytes: int, to: int = 0) -> None:
        memory[to : to + nbytes] = source[start : start + nbytes]

    def generate(
        self, calls: Sequence[Call], pieces: Mapping[int, Piece] = NO_PIECES
    ) -> list[Code]:
        members = self._team.members
        made = cache(self._generated)
        found = []
        for number, call in enumerate(calls):
            kernel, starts = without_starts(call.single)
            found.append(code_of(number, call, made(kernel).source, members, starts))
            progress.advance()
        return found

    def _generated(self, kernel: Kernel) -> Generated:
        return generated(kernel, self._team.members, self._scale(kernel))

    def _scale(self, kernel: Kernel) -> float:
        """Of the blocks of a kernel: 1, or what the tuner finds best."""
        if not settings.tune or not is_worthwhile(kernel):
            return 1.0
        key = (self.fingerprint, generate(kernel, self._team.members).text)
        return best(key, 1.0, [lambda _: SCALES], self._trial(kernel))

    def _trial(self, kernel: Kernel) -> Callable[[float], float]:
        """Seconds that a kernel takes with blocks of a scale."""
        call = Call(kernel, tuple(range(len(kernel.buffers))))
        memory = [aligned(max(1, spec.nbytes)) for spec in kernel.buffers]
        for piece in memory:
            piece.fill(0)

        @cache
        def program(scale: float) -> Program:
            made = generate(kernel, self._team.members, scale)
            return self._loaded(code_of(0, call, made, self._team.members))

        return lambda scale: sum(program(scale).launch_timed(memory))

    def load(self, codes: Sequence[Code]) -> list[Program]:
        found: list[Program] = []
        for code in codes:
            found.append(self._loaded(code))
            progress.advance(len(code.calls))
        return found

    def texts(self, codes: Sequence[Code]) -> list[str]:
        return [module_text(code.data.text, code.data.constants) for code in codes]

    def shown(self, code: Code, part: Part) -> str:
        return self.texts([code])[0] if isinstance(code.data, Source) else part.source

    def load_texts(self, codes: Sequence[Code], texts: Sequence[str]) -> list[Program]:
        return [
            NumpyProgram(code, self._team, self._blas, module_function(code.parts[0].name, text))
            for code, text in zip(codes, texts, strict=True)
        ]

    def _loaded(self, code: Code) -> Program:
        return NumpyProgram(code, self._team, self._blas)

    def describe(self, kernel: Kernel) -> str:
        return self._generated(without_starts(kernel)[0]).nest

    @property
    def fingerprint(self) -> str:
        return f"{self.target}, {self._team.members} threads"

    def running(self) -> Running:
        return Running(self._blas)

    def synchronize(self) -> None:
        """Nothing runs in the background."""
