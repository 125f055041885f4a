"""Compiled plans: the launches of a plan, ready to run on memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from lazygrad.config import settings
from lazygrad.errors import InternalError
from lazygrad.kernel.kernel import Kernel
from lazygrad.runtime import registry, report
from lazygrad.runtime.backend import Backend, Call, Code, Part, Program
from lazygrad.runtime.memory import Memory, scratchpad
from lazygrad.runtime.plan_format import plan_format
from lazygrad.runtime.records import Format, Malformed
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
        written_plan: the Plan with its kernels, for those who want to look inside.
    """

    inputs: int
    outputs: tuple[int, ...]
    temporaries: tuple[int, ...]
    results: tuple[int, ...]
    codes: tuple[Code, ...]
    written_plan: str = ""

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
            self._plan = _read_plan(self.recipe.written_plan)
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


def written(recipe: Recipe, plan: Plan, backend: Backend) -> bytes:
    """A recipe and its plan as bytes.

    Raises:
        Malformed: the backend's data is not of its ``records``.
    """
    text = plan_format().encode(plan).decode()
    return _recipe_format(backend.records).encode(replace(recipe, written_plan=text))


def read_recipe(data: bytes, backend: Backend) -> Recipe:
    """What was ``written``; its plan is read when someone asks for it.

    Raises:
        Malformed: ``data`` is anything else.
    """
    recipe = _recipe_format(backend.records).decode(data)
    pieces = recipe.inputs + len(recipe.outputs) + len(recipe.temporaries)
    numbers = [*recipe.results, *(number for code in recipe.codes for number in code.memory)]
    if not all(0 <= number < pieces for number in numbers):
        raise Malformed(f"memory {max(numbers)} of {pieces}")
    return recipe


def _read_plan(text: str) -> Plan:
    try:
        return plan_format().decode(text.encode())
    except Malformed as error:
        raise InternalError(
            f"[cache] the kernels that were kept with a plan cannot be read ({error}); "
            "run with LAZYGRAD_CACHE=0 to plan anew"
        ) from None


@cache
def _recipe_format(records: tuple[type, ...]) -> Format[Recipe]:
    return Format(Recipe, records)


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
