"""Compiled plans: the launches of a plan, ready to run on memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lazygrad.config import settings
from lazygrad.runtime import registry, report
from lazygrad.runtime.backend import Call
from lazygrad.runtime.memory import Memory
from lazygrad.schedule.plan import INPUT, OUTPUT, TEMPORARY, Plan


class CompiledPlan:
    """A plan with its launches, on memory that is numbered: inputs, outputs, temporaries.

    ``run`` takes the inputs' memory and returns the results'.
    """

    def __init__(self, plan: Plan, device: str) -> None:
        self.plan = plan
        self.device = device
        places = [place for step in plan.steps for place in step.places]
        used = [p.index for p in (*places, *plan.results) if p.role == INPUT]
        self.inputs = 1 + max(used, default=-1)
        base = {INPUT: 0, OUTPUT: self.inputs, TEMPORARY: self.inputs + len(plan.outputs)}
        self.launches = registry.backend(device).compile_calls(
            [
                Call(step.kernel, tuple(base[p.role] + p.index for p in step.places))
                for step in plan.steps
            ]
        )
        self.results = [base[place.role] + place.index for place in plan.results]

    def run(self, inputs: Sequence[Memory]) -> list[Memory]:
        """Launches everything, waits for nothing; results are memory of their own, or inputs."""
        memory = [*inputs[: self.inputs], *self.outputs(), *self.temporaries()]
        Binding(self, [m.raw for m in memory]).run()
        return [memory[number] for number in self.results]

    def outputs(self) -> list[Memory]:
        return [Memory(self.device, nbytes) for nbytes in self.plan.outputs]

    def temporaries(self) -> list[Memory]:
        return [Memory(self.device, nbytes) for nbytes in self.plan.allocations]


class Binding:
    """The launches of a plan on certain memory, which can be exchanged piece by piece."""

    def __init__(self, plan: CompiledPlan, raw: Sequence[Any]) -> None:
        self.plan = plan
        self.raw = list(raw)
        self._calls = [self._bound(number) for number in range(len(plan.launches))]

    def _bound(self, number: int) -> Callable[[], None]:
        launch = self.plan.launches[number]
        return launch.program.bind([self.raw[m] for m in launch.memory])

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
        for number, launch in enumerate(self.plan.launches):
            if not changed.isdisjoint(launch.memory):
                self._calls[number] = self._bound(number)

    def run(self) -> None:
        if settings.debug >= 2:
            report.run_timed(self.plan.launches, self.raw)
            return
        for call in self._calls:
            call()
