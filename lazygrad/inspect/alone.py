"""Kernels of a plan by themselves, one after the other, each with what it reads and writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lazygrad.element_types import BY_NAME, bool_
from lazygrad.inspect.read import step_of
from lazygrad.inspect.step import Step
from lazygrad.kernel import plan as planned
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.plan import INPUT, OUTPUT, TEMPORARY, LoopCall, Piece, Place, Plan
from lazygrad.kernel.routine import RoutineCall
from lazygrad.runtime import loops, registry
from lazygrad.runtime.backend import Backend
from lazygrad.runtime.memory import Memory
from lazygrad.runtime.program import Binding, CompiledPlan, Recipe

Array = np.ndarray[Any, Any]
REPEATS, LONG = 20, 0.3  # runs of which the fastest counts, and seconds after which it is enough


Work = Kernel | RoutineCall | LoopCall


def plan_of(kernel: Work) -> Plan:
    """The plan that runs one kernel: what it reads is given, what it writes is asked for."""
    written = len(kernel.written)
    places = tuple(
        Place(OUTPUT, slot) if slot < written else Place(INPUT, slot - written)
        for slot in range(len(kernel.buffers))
    )
    outputs = tuple(spec.nbytes for spec in kernel.buffers[:written])
    own = loops.own_bytes(kernel) if isinstance(kernel, LoopCall) else ()
    places += tuple(Place(TEMPORARY, number) for number in range(len(own)))
    pieces = tuple(Piece(number, 0, nbytes) for number, nbytes in enumerate(own))
    return Plan((planned.Step(kernel, places),), places[:written], outputs, own, pieces)


def recipe_of(kernel: Work, backend: Backend, moving: Sequence[bool] = ()) -> Recipe:
    """That of ``plan_of``; launches are told where the buffers start in the slots that are
    ``moving``."""
    written = len(kernel.written)
    inputs = len(kernel.buffers) - written
    numbers = [slot + inputs if slot < written else slot - written for slot in range(len(moving))]
    moved = {number for number, moves in zip(numbers, moving, strict=True) if moves}
    return Recipe.of(plan_of(kernel), backend, moving=moved)


@dataclass(frozen=True)
class Ran:
    """A kernel that has run alone, with the arrays that it read and wrote, flat and as stored, and
    its plan on its memory."""

    number: int
    kernel: Work
    inputs: list[Array]
    outputs: list[Array]
    binding: Binding


def run_alone(
    plan: CompiledPlan, inputs: Sequence[Array], compiled: Mapping[str, CompiledPlan] | None = None
) -> Iterator[Ran]:
    """Runs the kernels of a plan in order, each in a launch of its own, on flat arrays; those that
    are ``compiled`` already, by key, with that code."""
    step = step_of(plan)
    backend = registry.backend(plan.device)
    memory: dict[int, Memory] = {}
    known = dict(compiled or {})
    for number, (row, kernel) in enumerate(
        zip(step.kernels, [each.kernel for each in plan.plan.steps], strict=True)
    ):
        if row.key not in known:
            known[row.key] = CompiledPlan(recipe_of(kernel, backend), plan.device)
        for value in row.buffers:
            held = step.buffers[value]
            if value not in memory:
                memory[value] = Memory(plan.device, held.nbytes)
                if held.role == INPUT:
                    upload(plan.device, memory[value], inputs[held.memory])
                else:
                    forget(plan.device, memory[value], held.nbytes)
        pieces = [memory[value] for value in row.buffers]
        own = [piece.raw for piece in known[row.key].arenas()]
        binding = Binding(known[row.key], [*in_order(pieces, row.writes), *own])
        binding.run()
        arrays = [
            download(plan.device, piece, spec.size, spec.dtype.numpy)
            for piece, spec in zip(pieces, kernel.buffers, strict=True)
        ]
        yield Ran(number, kernel, arrays[row.writes :], arrays[: row.writes], binding)
        for value in {*row.buffers}:
            held = step.buffers[value]
            if max((*held.read_by, *held.written_by), default=0) <= number:
                del memory[value]


def inputs_of(step: Step, memory: Sequence[Any]) -> list[Array]:
    """What lies in the ``memory`` of a plan's inputs, flat and as stored; nothing for those that no
    kernel reads."""
    held = {value.memory: value for value in step.buffers if value.role == INPUT}
    found = []
    for number, piece in enumerate(memory):
        value = held.get(number)
        dtype = BY_NAME[value.dtype] if value else bool_
        array = np.empty(value.nbytes // dtype.itemsize if value else 0, dtype.numpy)
        if array.size:
            registry.backend(step.device).download(piece, array)
        found.append(array)
    return found


def in_order(pieces: Sequence[Memory], writes: int) -> list[Any]:
    """The memory of a kernel's slots in the order of the plan that runs it alone."""
    return [piece.raw for piece in (*pieces[writes:], *pieces[:writes])]


def upload(device: str, memory: Memory, array: Array) -> None:
    if array.size:
        registry.backend(device).upload(memory.raw, np.ascontiguousarray(array))


def forget(device: str, memory: Memory, nbytes: int) -> None:
    """Fills memory with what nobody computes, so that what is not written shows."""
    upload(device, memory, np.full(nbytes, 0xFF, np.uint8))


def download(device: str, memory: Memory, size: int, dtype: np.dtype[Any]) -> Array:
    array = np.empty(size, dtype)
    if size:
        registry.backend(device).download(memory.raw, array)
    return array


def seconds(binding: Binding) -> float:
    """What a plan takes on its memory, at best."""
    spent: list[float] = []
    while len(spent) < REPEATS and sum(spent) < LONG:
        spent.append(sum(run_timed(binding)))
    return min(spent)


def run_timed(binding: Binding) -> list[float]:
    """Runs the launches of a plan part by part; the seconds that each part took."""
    found: list[float] = []
    for program in binding.plan.programs:
        found += program.launch_timed(binding.memory(program))
    return found
