"""Compiled plans: the programs of a plan, ready to launch on memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lazygrad.config import settings
from lazygrad.runtime import registry, report
from lazygrad.runtime.backend import Program
from lazygrad.runtime.memory import Memory
from lazygrad.schedule.plan import INPUT, OUTPUT, Plan


@dataclass(frozen=True)
class Launch:
    """One launch: the program and the positions of its memory in the plan's list."""

    program: Program
    positions: tuple[int, ...]


class CompiledPlan:
    """A plan with its programs. ``run`` takes the inputs' memory and returns the results'."""

    def __init__(self, plan: Plan, device: str) -> None:
        self.plan = plan
        self.device = device
        programs = registry.backend(device).compile([step.kernel for step in plan.steps])
        base = {INPUT: 0}
        self.inputs = 1 + max(
            [p.index for s in plan.steps for p in s.places if p.role == INPUT]
            + [p.index for p in plan.results if p.role == INPUT],
            default=-1,
        )
        base[OUTPUT] = self.inputs
        base["temporary"] = self.inputs + len(plan.outputs)
        self.launches = [
            Launch(program, tuple(base[p.role] + p.index for p in step.places))
            for program, step in zip(programs, plan.steps, strict=True)
        ]
        self.results = [base[place.role] + place.index for place in plan.results]

    def run(self, inputs: Sequence[Memory]) -> list[Memory]:
        """Launches everything, waits for nothing; results are memory of their own, or inputs."""
        memory: list[Memory] = list(inputs[: self.inputs])
        memory.extend(Memory(self.device, nbytes) for nbytes in self.plan.outputs)
        memory.extend(Memory(self.device, nbytes) for nbytes in self.plan.allocations)
        raw: list[Any] = [m.raw for m in memory]
        if settings.debug >= 2:
            report.run_timed(self.launches, raw)
        else:
            for launch in self.launches:
                launch.program.launch([raw[position] for position in launch.positions])
        return [memory[position] for position in self.results]
