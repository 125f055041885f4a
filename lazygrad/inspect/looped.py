"""Loops by themselves: the kernels of their bodies, one by one, step by step. The interpreter runs
no loops, so each is held against what its kernels make, and those against the interpreter."""

from __future__ import annotations

from collections.abc import Container, Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from lazygrad.inspect import check
from lazygrad.inspect.alone import Ran, Work, download, forget, in_order, recipe_of, upload
from lazygrad.kernel.plan import Copy, LoopCall
from lazygrad.runtime import compare, loops, registry
from lazygrad.runtime.backend import Backend
from lazygrad.runtime.loops import TURNS
from lazygrad.runtime.memory import Memory
from lazygrad.runtime.plan_format import kernel_key
from lazygrad.runtime.program import Binding, CompiledPlan

Array = np.ndarray[Any, Any]


class Inner(NamedTuple):
    """A kernel of a loop's body, by itself.

    Attributes:
        moving: for each slot whether launches are told where its buffer starts.
        key: as of ``StepKernel``.
    """

    kernel: Work
    moving: tuple[bool, ...]
    key: str


def inner(call: LoopCall, outside: Sequence[bool] = ()) -> list[Inner]:
    """The kernels of the body, in order; in the slots ``outside``, the loop's own memory moves."""
    memory = range(len(outside))
    moved = loops.moved(call, memory, {n for n in memory if outside[n]})
    found = []
    for kernel, numbers in loops.steps_of(call):
        moving = tuple(number in moved for number in numbers)
        found.append(Inner(kernel, moving, kernel_key(kernel, moving)))
    return found


def difference(
    ran: Ran,
    compiled: Mapping[str, CompiledPlan] | None = None,
    outside: Sequence[bool] = (),
) -> str | None:
    """Where a kernel, or a loop, that has run alone has not computed what it should, in words. The
    kernels of a loop that are ``compiled`` already, by key, run with that code; ``outside`` as of
    ``inner``."""
    if not isinstance(ran.kernel, LoopCall):
        return check.difference(ran.kernel, ran.inputs, ran.outputs)
    call, device = ran.kernel, ran.binding.plan.device
    looked_at = {*range(TURNS), call.length - 1}  # each turn works on other memory
    steps = run_loop(call, ran.inputs, device, compiled or {}, outside, looked_at)
    while True:
        try:
            count, moving, each = next(steps)
        except StopIteration as end:
            results: list[Array] = end.value
            break
        problem = difference(each, compiled, moving)
        if problem:
            return f"step {count}, kernel {each.number} {each.kernel.name}: {problem}"
    for slot, (found, right) in enumerate(zip(ran.outputs, results, strict=True)):
        problem = compare.difference(f"buffer {slot}", found, right, call.results[slot].dtype)
        if problem:
            return f"beside its kernels one by one, {problem}"
    return None


def run_loop(
    call: LoopCall,
    inputs: Sequence[Array],
    device: str,
    compiled: Mapping[str, CompiledPlan],
    outside: Sequence[bool] = (),
    looked_at: Container[int] | None = None,
) -> Generator[tuple[int, tuple[bool, ...], Ran], None, list[Array]]:
    """Runs the kernels of a loop's body, each in a launch of its own, on flat arrays: the number of
    the step, what moves there, and what ran, of the steps that are ``looked_at`` (None: of all).
    Returns the results."""
    backend, known = registry.backend(device), dict(compiled)
    sizes = [spec.nbytes for spec in call.results] + [array.nbytes for array in inputs]
    sizes += loops.own_bytes(call)
    held = [Memory(device, nbytes) for nbytes in sizes]
    for memory, nbytes in zip(held, sizes, strict=True):
        forget(device, memory, nbytes)
    for memory, array in zip(held[len(call.results) :], inputs, strict=False):
        upload(device, memory, array)
    reaches = dict(enumerate(loops.reaches(call)))
    for number, piece in loops.pieces(call).items():
        reaches[number] = replace(reaches[piece.of], start=piece.start)
    steps = zip(inner(call, outside), loops.steps_of(call), strict=True)
    works = [_Alone(each, on, device, known) for each, (_, on) in steps]
    _copy(call.before, 0, held, backend)
    for count in range(call.length):
        is_looked_at = looked_at is None or count in looked_at
        for number, work in enumerate(works):
            if not call.turns_of(number).take(count):
                continue
            places = [reaches[place].at(count) for place in work.numbers]
            arrays = work.run([(held[slot], start) for slot, start in places], is_looked_at)
            if arrays is not None:
                yield count, work.each.moving, Ran(number, work.kernel, *arrays, work.binding)
        _copy(call.each, count, held, backend)
    _copy(call.after, 0, held, backend)
    return [
        download(device, memory, spec.size, spec.dtype.numpy)
        for memory, spec in zip(held, call.results, strict=False)
    ]


class _Alone:
    """A kernel of a loop's body, on memory of its own: as large as what it may reach."""

    def __init__(
        self, each: Inner, numbers: Sequence[int], device: str, known: dict[str, CompiledPlan]
    ) -> None:
        self.each, self.kernel, self._device = each, each.kernel, device
        self._backend = registry.backend(device)
        self._writes = len(self.kernel.written)
        self.numbers = numbers[: len(self.kernel.buffers)]
        if each.key not in known:
            moving = each.moving[: len(self.kernel.buffers)]
            known[each.key] = CompiledPlan(recipe_of(self.kernel, self._backend, moving), device)
        plan = known[each.key]
        self._memory = [Memory(device, spec.nbytes) for spec in self.kernel.buffers]
        self._own = plan.arenas()
        own = [memory.raw for memory in self._own]
        self.binding = Binding(plan, [*in_order(self._memory, self._writes), *own])

    def run(
        self, places: Sequence[tuple[Memory, int]], is_looked_at: bool
    ) -> tuple[list[Array], list[Array]] | None:
        """On what begins at places in memory, where it leaves what it writes; what it read and
        wrote, if somebody looks at it."""
        around = [*zip(self._memory, self.kernel.buffers, places, strict=True)]
        for memory, spec, (held, start) in around:
            if spec.nbytes:
                self._backend.copy(held.raw, start, memory.raw, spec.nbytes)
        inputs = self._read(self._writes, None) if is_looked_at else []
        self.binding.run()
        for memory, spec, (held, start) in around[: self._writes]:
            if spec.nbytes:
                self._backend.copy(memory.raw, 0, held.raw, spec.nbytes, start)
        return (inputs, self._read(0, self._writes)) if is_looked_at else None

    def _read(self, start: int, stop: int | None) -> list[Array]:
        slots = [*zip(self._memory, self.kernel.buffers, strict=True)][start:stop]
        return [download(self._device, m, spec.size, spec.dtype.numpy) for m, spec in slots]


def _copy(copies: Sequence[Copy], count: int, held: Sequence[Memory], backend: Backend) -> None:
    for copy in copies:
        (source, start), (to, there) = copy.source.at(count), copy.to.at(count)
        backend.copy(held[source].raw, start, held[to].raw, copy.nbytes, there)
