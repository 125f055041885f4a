"""How calls of routines run: on the host, in NumPy, unless the backend has a routine of its own.
And how code is made and loaded where a plan has more than generated code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from lazygrad.errors import LinAlgError
from lazygrad.kernel.routine import RoutineCall
from lazygrad.routines import ROUTINES
from lazygrad.runtime import progress
from lazygrad.runtime.backend import Backend, Code, Part, Program


def code(number: int, call: RoutineCall, memory: tuple[int, ...]) -> Code:
    """The code of call ``number`` of a plan."""
    results = ", ".join(map(str, call.wanted))
    source = f"{call.routine}{call.operands}, options {call.options}: results {results}"
    part = Part(call.name, (number,), 0, call.nbytes, source)
    progress.advance()
    return Code((part,), memory, "on the host", call)


class HostProgram(Program):
    """A routine on the host. Operands are copied there and results back, in order with all that the
    device does."""

    def __init__(self, code: Code, backend: Backend) -> None:
        super().__init__(code)
        self._call: RoutineCall = code.data
        self._compute = ROUTINES[self._call.routine].compute
        self._backend = backend

    def bind(self, memory: Sequence[Any], starts: Sequence[int] = ()) -> Callable[[], None]:
        return partial(self._run, memory, starts or (0,) * len(memory))

    def _run(self, memory: Sequence[Any], starts: Sequence[int]) -> None:
        call, dtype = self._call, self._call.dtype.numpy
        operands = [np.empty(shape, dtype) for shape in call.operands]
        first = len(call.results)
        for array, piece, start in zip(operands, memory[first:], starts[first:], strict=True):
            self._download(piece, start, array)
        with np.errstate(all="ignore"):
            found = self._computed(operands)
        for number, piece, start in zip(call.wanted, memory, starts, strict=False):
            self._upload(piece, start, np.ascontiguousarray(found[number], dtype))

    def _download(self, piece: Any, start: int, array: np.ndarray[Any, Any]) -> None:
        """What lies in ``piece`` from byte ``start`` on."""
        if start:
            whole, piece = piece, self._backend.allocate(array.nbytes)
            self._backend.copy(whole, start, piece, array.nbytes)
        self._backend.download(piece, array)

    def _upload(self, piece: Any, start: int, array: np.ndarray[Any, Any]) -> None:
        """To ``piece``, from byte ``start`` on."""
        if not start:
            self._backend.upload(piece, array)
            return
        aside = self._backend.allocate(array.nbytes)
        self._backend.upload(aside, array)
        self._backend.copy(aside, 0, piece, array.nbytes, start)

    def _computed(self, operands: Sequence[np.ndarray[Any, Any]]) -> Sequence[Any]:
        """All results, by their numbers.

        Raises:
            LinAlgError: there are none for some matrix; names the user's operation and line.
        """
        call = self._call
        try:
            return self._compute(frozenset(call.wanted), *operands, *call.options)
        except LinAlgError as error:
            origin = next(iter(call.origins), call.routine)
            label, _, line = origin.partition(" ")
            where = f"; from {label} {line}" if line else ""
            raise LinAlgError(f"[{label}] {error}{where}") from None

    def launch_timed(self, memory: Sequence[Any], starts: Sequence[int] = ()) -> list[float]:
        self._backend.synchronize()
        start = perf_counter()
        self._run(memory, starts or (0,) * len(memory))
        return [perf_counter() - start]
