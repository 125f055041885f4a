"""What a report shows of a plan, gathered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lazygrad.inspect.graphs import Graphs
from lazygrad.inspect.profiling import Run
from lazygrad.inspect.reporting.measure import Times
from lazygrad.inspect.step import Step
from lazygrad.runtime.program import CompiledPlan


@dataclass
class Shown:
    """A plan, its step under the user's names, how long it takes, the graph that it was made of
    where that is known, the texts of the user's files, and how often it ran."""

    plan: CompiledPlan
    step: Step
    times: Times
    graphs: Graphs = field(default_factory=Graphs)
    texts: Mapping[str, str] = field(default_factory=dict)
    runs: int = 0

    @property
    def called(self) -> str:
        """The jitted function, or what is computed last."""
        last = self.step.kernels[-1].name if self.step.kernels else "nothing"
        return self.step.called or last

    def seconds(self) -> list[float]:
        """Those of each kernel: those that run at the same time share theirs."""
        run = Run(self.step, 0.0, 0.0, self.times.parts, 0.0)
        found = dict.fromkeys(range(len(self.step.kernels)), 0.0)
        found |= {kernel.number: spent for kernel, spent in run.kernels()}
        return list(found.values())
