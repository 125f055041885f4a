"""Compiled plans: the launches of a plan, ready to run on memory."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lazygrad.config import settings
from lazygrad.kernel import expr as ex
from lazygrad.kernel.kernel import Kernel
from lazygrad.runtime import registry, report
from lazygrad.runtime.backend import Backend, Call, Code, Part, Program
from lazygrad.runtime.memory import Memory, scratchpad
from lazygrad.schedule.plan import INPUT, OUTPUT, TEMPORARY, Plan


@dataclass(frozen=True)
class Recipe:
    """Everything that running a plan takes, as plain data: a disk cache keeps it.

    Memory is numbered: inputs, outputs, temporaries.

    Attributes:
        inputs: how many of the inputs are looked at.
        outputs, temporaries: bytes of each.
        results: the number of each requested value's memory.
        codes: the launches in order.
        pickled_plan: the Plan with its kernels, for those who want to look inside.
    """

    inputs: int
    outputs: tuple[int, ...]
    temporaries: tuple[int, ...]
    results: tuple[int, ...]
    codes: tuple[Code, ...]
    pickled_plan: bytes = b""

    @classmethod
    def of(cls, plan: Plan, backend: Backend) -> Recipe:
        places = [place for step in plan.steps for place in step.places]
        used = [p.index for p in (*places, *plan.results) if p.role == INPUT]
        inputs = 1 + max(used, default=-1)
        base = {INPUT: 0, OUTPUT: inputs, TEMPORARY: inputs + len(plan.outputs)}
        calls = [
            Call(step.kernel, tuple(base[p.role] + p.index for p in step.places))
            for step in plan.steps
        ]
        return cls(
            inputs=inputs,
            outputs=plan.outputs,
            temporaries=plan.allocations,
            results=tuple(base[place.role] + place.index for place in plan.results),
            codes=tuple(backend.generate(calls)),
        )


class CompiledPlan:
    """A plan ready to run: takes the inputs' memory and returns the results'."""

    def __init__(self, recipe: Recipe, device: str, plan: Plan | None = None) -> None:
        self.recipe = recipe
        self.device = device
        self.inputs, self.results = recipe.inputs, recipe.results
        self.programs = registry.backend(device).load(recipe.codes)
        self._plan = plan

    @property
    def plan(self) -> Plan:
        """The plan with its kernels."""
        if self._plan is None:
            self._plan = unpickled(self.recipe.pickled_plan)
        return self._plan

    def kernels(self, part: Part) -> list[Kernel]:
        """What a part of a launch computes."""
        return [self.plan.steps[number].kernel for number in part.calls]

    def run(self, inputs: Sequence[Memory]) -> list[Memory]:
        """Launches everything, waits for nothing; results are memory of their own, or inputs."""
        memory = [*inputs[: self.inputs], *self.outputs(), *self.temporaries()]
        Binding(self, [m.raw for m in memory]).run()
        return [memory[number] for number in self.results]

    def outputs(self) -> list[Memory]:
        return [Memory(self.device, nbytes) for nbytes in self.recipe.outputs]

    def temporaries(self) -> list[Memory]:
        return scratchpad.reserve(self.device, self.recipe.temporaries)


def pickled(plan: Plan) -> bytes:
    """A plan as bytes. Expressions come first, operands before what uses them, so that pickling
    them never goes deep."""
    values = [value for step in plan.steps for value in step.kernel.values]
    return pickle.dumps((ex.toposort(values), plan), pickle.HIGHEST_PROTOCOL)


def unpickled(data: bytes) -> Plan:
    plan: Plan = pickle.loads(data)[1]
    return plan


class Binding:
    """The launches of a plan on certain memory, which can be exchanged piece by piece."""

    def __init__(self, plan: CompiledPlan, raw: Sequence[Any]) -> None:
        self.plan = plan
        self.raw = list(raw)
        self._backend = registry.backend(plan.device)
        self._calls = [self._bound(program) for program in plan.programs]

    def _bound(self, program: Program) -> Callable[[], None]:
        return program.bind([self.raw[number] for number in program.code.memory])

    def rebind(self, raw: Sequence[Any]) -> None:
        """Exchanges what is not the same memory as before."""
        changed = {
            number
            for number, (before, after) in enumerate(zip(self.raw, raw, strict=True))
            if before is not after
        }
        if not changed:
            return
        self.raw = list(raw)
        for number, program in enumerate(self.plan.programs):
            if not changed.isdisjoint(program.code.memory):
                self._calls[number] = self._bound(program)

    def run(self) -> None:
        if settings.debug >= 2:
            report.run_timed(self.plan.programs, self.raw)
            return
        with self._backend.running():
            for call in self._calls:
                call()
