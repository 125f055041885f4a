"""What the page of a kernel says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lazygrad.inspect.code import alone, parts_of
from lazygrad.inspect.dump import nest_of
from lazygrad.inspect.formula import buffers_of, formula, plain_loops
from lazygrad.inspect.graphs import SIMPLIFIED
from lazygrad.inspect.limits import Limits
from lazygrad.inspect.lines import Origin, origins_of
from lazygrad.inspect.reporting.highlight import coloured
from lazygrad.inspect.reporting.shown import Shown
from lazygrad.inspect.step import StepBuffer, StepKernel
from lazygrad.kernel.kernel import Kernel
from lazygrad.runtime import registry

MOST_SCORES = 12  # values whose place was chosen by price, on a page


@dataclass(frozen=True)
class KernelPage:
    """A kernel: what it costs and might cost at best, where it comes from, what it touches, and its
    forms from the formula to the code. ``nest`` and ``code`` are numbers among the texts of the
    plan."""

    kernel: StepKernel
    seconds: float
    limit: float
    origins: list[Origin]
    reads: list[StepBuffer]
    writes: list[StepBuffer]
    formula: str
    loops: str
    nest: int
    code: int
    beside: list[StepKernel]
    geometry: str
    scores: list[tuple[str, str]]

    @property
    def rates(self) -> tuple[float, float]:
        """Operations and bytes a second."""
        if not self.seconds:
            return 0.0, 0.0
        return self.kernel.flops / self.seconds, self.kernel.nbytes / self.seconds


@dataclass
class Texts:
    """Texts that several kernels may have, each once, in colour as HTML."""

    pygments: Any
    numbers: dict[str, int] = field(default_factory=dict)
    listed: list[str] = field(default_factory=list)

    def number(self, text: str, suffix: str = "") -> int:
        """That of a text; a new one if need be."""
        if text not in self.numbers:
            self.numbers[text] = len(self.listed)
            self.listed.append(coloured(self.pygments, text, suffix))
        return self.numbers[text]


def pages(shown: Shown, texts: Texts, measured: Limits) -> list[KernelPage]:
    """Those of all kernels, in order."""
    step, seconds = shown.step, shown.seconds()
    backend = registry.backend(step.device)
    sources = {
        number: alone(shown.plan, code, part)
        for code, part in parts_of(shown.plan)
        for number in part.calls
    }
    scores = _scores(shown)
    nests: dict[int, str] = {}
    found = []
    for row in step.kernels:
        work = shown.plan.plan.steps[row.number].kernel
        if row.same_as not in nests:
            nests[row.same_as] = nest_of(work, shown.plan.device)
        buffers = buffers_of(work, step, row) if isinstance(work, Kernel) else []
        launch = step.launches[row.launch] if row.launch >= 0 else None
        part = launch.parts[row.part] if launch else ()
        found.append(
            KernelPage(
                kernel=row,
                seconds=seconds[row.number],
                limit=measured.seconds(row.flops, row.nbytes),
                origins=origins_of(row),
                reads=[step.buffers[number] for number in row.read],
                writes=[step.buffers[number] for number in dict.fromkeys(row.written)],
                formula=formula(work, buffers) if isinstance(work, Kernel) else "",
                loops=plain_loops(work, buffers) if isinstance(work, Kernel) else "",
                nest=texts.number(nests[row.same_as]),
                code=texts.number(sources.get(row.number, ""), backend.suffix),
                beside=[step.kernels[number] for number in part if number != row.number],
                geometry=launch.geometry if launch else "",
                scores=scores.get(row.number, [])[:MOST_SCORES],
            )
        )
    return found


def _scores(shown: Shown) -> dict[int, list[tuple[str, str]]]:
    """For each kernel the values that it computes and for which prices were compared."""
    found: dict[int, list[tuple[str, str]]] = {}
    for stage in shown.graphs.stages:
        if stage.stage != SIMPLIFIED:
            continue
        for node in stage.nodes:
            for number in node.kernels if node.compared else ():
                label = f"{node.label} {node.shape}, {node.origin}"
                found.setdefault(number, []).append((label, node.compared))
    return found
