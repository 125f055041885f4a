"""What the templates show of one plan."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any

from lazygrad.inspect.limits import Limits, limits
from lazygrad.inspect.lines import Line, lines_of
from lazygrad.inspect.reporting.charts import (
    Block,
    Field,
    Roofline,
    places_of,
    roofline,
    timeline,
    treemap,
)
from lazygrad.inspect.reporting.drawing import PARTITIONED, drawn, kernels_drawn
from lazygrad.inspect.reporting.highlight import coloured_lines
from lazygrad.inspect.reporting.holding import Holding, holding
from lazygrad.inspect.reporting.kernels import KernelPage, Texts, pages
from lazygrad.inspect.reporting.shown import Shown
from lazygrad.inspect.step import PHASES
from lazygrad.runtime import registry

AROUND = 4  # lines that are shown before and after one that costs something


@dataclass(frozen=True)
class Row:
    """A line of a file with its text in colour, and what it costs; or the sign of lines that are
    folded away and come next."""

    number: int = 0
    text: str = ""
    line: Line | None = None
    hidden: bool = False
    folded: int = 0


@dataclass(frozen=True)
class File:
    """A file of the user's."""

    name: str
    rows: list[Row]


@dataclass
class PlanPage:
    """A plan as the templates read it; ``used`` are the libraries."""

    shown: Shown
    used: SimpleNamespace

    def __post_init__(self) -> None:
        step = self.shown.step
        self.seconds = self.shown.seconds()
        self.kernel_seconds, self.step_seconds = sum(self.seconds), self.shown.times.whole
        self.longest = max(self.seconds, default=0.0)
        self.places = places_of(step.kernels)
        self.lines = lines_of(step, self.seconds)
        self.longest_line = max(
            (side.seconds for line in self.lines.values() for side in line.sides.values()),
            default=0.0,
        )
        texts = Texts(self.used.pygments)
        self.pages: list[KernelPage] = pages(self.shown, texts, self._measured)
        self.texts = texts.listed
        self.written: dict[str, str] = {}  # the user's lines by place, in colour
        self.files = [File(name, list(self._rows(name))) for name in self._names()]

    @cached_property
    def _measured(self) -> Limits:
        return limits(self.shown.step.device)

    # -- charts ---------------------------------------------------------------------------------

    @cached_property
    def by_phase(self) -> dict[str, float]:
        """Seconds."""
        kernels = self.shown.step.kernels
        return {
            phase: sum(self.seconds[k.number] for k in kernels if k.phase == phase)
            for phase in PHASES
        }

    @cached_property
    def timeline(self) -> tuple[list[Block], list[Block]]:
        return timeline(self.shown.step, self.seconds)

    @cached_property
    def treemap(self) -> list[Field]:
        return treemap(self.used.squarify, self.shown.step, self.seconds)

    @cached_property
    def roofline(self) -> Roofline | None:
        step = self.shown.step
        target = registry.backend(step.device).target
        return roofline(step, self.seconds, target, self._measured)

    @cached_property
    def holding(self) -> Holding:
        return holding(self.shown.step)

    # -- source ---------------------------------------------------------------------------------

    def _names(self) -> list[str]:
        """The files, that first whose lines take longest."""
        spent: dict[str, float] = {}
        for line in self.lines.values():
            spent[line.file] = spent.get(line.file, 0.0) + line.seconds
        return sorted(filter(None, spent), key=lambda name: -spent[name])

    def _rows(self, file: str) -> Iterator[Row]:
        """All lines of a file; those that are far from what costs something, folded. Where its text
        is not known, the lines that cost something."""
        costly = {line.number: line for line in self.lines.values() if line.file == file}
        text = self.shown.texts.get(file)
        if text is None:
            yield from (Row(n, ", ".join(line.labels), line) for n, line in costly.items())
            return
        near = {n + around for n in costly for around in range(-AROUND, AROUND + 1)}
        near |= {n + 1 for n in near if n + 2 in near}  # a sign takes as much room as one line
        lines = coloured_lines(self.used.pygments, text.rstrip("\n"))
        for number, code in enumerate(lines, 1):
            hidden = number not in near
            if hidden and (number == 1 or number - 1 in near):
                after = (n for n in sorted(near) if n > number)
                yield Row(folded=min(next(after, len(lines) + 1), len(lines) + 1) - number)
            line = costly.get(number)
            if line is not None:
                self.written[line.place] = code
            yield Row(number, code, line, hidden)

    # -- what scripts read ----------------------------------------------------------------------

    @cached_property
    def data(self) -> str:
        """Of kernels and lines, for search."""
        step = self.shown.step
        values: dict[str, int] = {}
        for value in step.buffers:
            kernels = (*value.written_by, *value.read_by)
            values.setdefault(value.name, kernels[0] if kernels else 0)
        return _json({
            "kernels": [
                {"name": k.name, "about": f"{k.phase} {' '.join(k.modules)}".strip(),
                 "place": self.places[k.number]}
                for k in step.kernels
            ],
            "lines": {place: number for number, place in enumerate(self.lines)},
            "labels": {place: ", ".join(line.labels) for place, line in self.lines.items()},
            "values": list(values.items()),
        })  # fmt: skip

    @property
    def stages(self) -> list[str]:
        return [*(graph.stage for graph in self.shown.graphs.stages), PARTITIONED]

    @cached_property
    def drawings(self) -> list[dict[str, Any]]:
        """The graph at each stage; none where nothing lays it out."""
        layout, step = self.used.layout, self.shown.step
        if layout is None:
            return []
        found = [drawn(layout, graph, step) for graph in self.shown.graphs.stages]
        return [*found, kernels_drawn(layout, step)]


def _json(value: Any) -> str:
    """In a script of a page, where nothing may look like its end."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
