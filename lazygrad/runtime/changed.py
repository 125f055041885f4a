"""Kernels whose source somebody has changed (see ``overrides``): before one runs, its results are
held against those of the generated code, on the memory that it first runs on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lazygrad.errors import DeviceError, OverrideError
from lazygrad.kernel.kernel import BufferSpec
from lazygrad.runtime import compare
from lazygrad.runtime.backend import Backend, Code, Program
from lazygrad.runtime.memory import Memory
from lazygrad.units import duration

REPEATS = 5  # runs of which the fastest counts


@dataclass(frozen=True)
class Changed:
    """What a launch of changed code is made of, as plain data.

    Attributes:
        code: that of the dump, for memory in the order of the kernel's slots; so is ``generated``.
        text, path: the changed source, and where it lies.
        specs, writes: of the kernel's buffers, and how many of them it writes.
    """

    code: Code
    generated: Code
    text: str
    path: str
    specs: tuple[BufferSpec, ...]
    writes: int


class ChangedProgram(Program):
    """Runs changed code, once it was found to be right."""

    def __init__(self, code: Code, backend: Backend) -> None:
        super().__init__(code)
        self._data: Changed = code.data
        self._backend = backend
        try:
            (self._program,) = backend.load_texts([self._data.code], [self._data.text])
        except DeviceError as error:
            raise OverrideError(f"[override] {self._data.path} does not compile\n{error}") from None

    def bind(self, memory: Sequence[Any], starts: Sequence[int] = ()) -> Callable[[], None]:
        call = self._program.bind(*_in_order(self._data.code, memory, starts))

        def checked() -> None:
            self._check(memory, starts)
            call()

        return checked

    def launch_timed(self, memory: Sequence[Any], starts: Sequence[int] = ()) -> list[float]:
        self._check(memory, starts)
        return self._program.launch_timed(*_in_order(self._data.code, memory, starts))

    def _check(self, memory: Sequence[Any], starts: Sequence[int]) -> None:
        """Runs it once beside the generated code, on outputs of their own.

        Raises:
            OverrideError: they differ.
        """
        data = self._data
        known = (data.path, data.text, self._backend.name)
        if known in _right:
            return
        (generated,) = self._backend.load([data.generated])
        right = self._tried(generated, data.generated, memory, starts)
        try:
            found = self._tried(self._program, data.code, memory, starts)
        except Exception as error:  # whatever the code of others raises
            raise OverrideError(f"[override] {data.path} fails: {error!r}") from error
        for slot, spec in enumerate(data.specs[: data.writes]):
            problem = compare.difference(
                f"buffer {slot}", found.outputs[slot], right.outputs[slot], spec.dtype
            )
            if problem:
                raise OverrideError(
                    f"[override] {data.path} does not compute what the kernel computes that it "
                    f"replaces: {problem}"
                )
        _right.add(known)
        ratio = found.seconds / right.seconds
        print(
            f"[lazygrad] {data.path} is right, and takes {duration(found.seconds)} instead of "
            f"{duration(right.seconds)} ({ratio:.2f} of the time)",
            file=sys.stderr,
        )

    def _tried(
        self, program: Program, code: Code, memory: Sequence[Any], starts: Sequence[int]
    ) -> _Tried:
        """What a program writes, and the seconds that it takes, on the same inputs."""
        data, backend = self._data, self._backend
        own = [Memory(backend.name, spec.nbytes) for spec in data.specs[: data.writes]]
        for piece, spec in zip(own, data.specs, strict=False):
            if spec.size:
                backend.upload(piece.raw, np.full(spec.nbytes, 0xFF, np.uint8))
        slots = [*(piece.raw for piece in own), *memory[data.writes :]]
        given = _in_order(code, slots, starts and (*[0] * data.writes, *starts[data.writes :]))
        spent = min(sum(program.launch_timed(*given)) for _ in range(REPEATS))
        arrays = [np.empty(spec.size, spec.dtype.numpy) for spec in data.specs[: data.writes]]
        for piece, array in zip(own, arrays, strict=True):
            if array.size:
                backend.download(piece.raw, array)
        return _Tried(arrays, spent)


@dataclass(frozen=True)
class _Tried:
    outputs: list[np.ndarray[Any, Any]]
    seconds: float


_right: set[tuple[str, str, str]] = set()  # paths, texts and devices that were checked


def _in_order(
    code: Code, slots: Sequence[Any], starts: Sequence[int]
) -> tuple[list[Any], list[int]]:
    """The memory of a kernel's slots in the order in which ``code`` is bound to it, and where the
    buffers start there."""
    return [slots[n] for n in code.memory], [starts[n] for n in code.memory] if starts else []
