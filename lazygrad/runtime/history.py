"""What was planned for each line of the user's program, and a warning where a loop plans on and on.

Such a loop is known by what it leaves behind: plans that are asked for in one line, for graphs of
the same operations of the user, none of which ran a second time before the next one was made. A
model that is evaluated in three sizes is no such loop; nor is another model, or a cell of a
notebook that runs again.
"""

from __future__ import annotations

import sys
import warnings
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from os.path import basename
from types import CodeType, FrameType
from typing import TYPE_CHECKING
from weakref import ref

from lazygrad.errors import PlanWarning
from lazygrad.origins import origin_of
from lazygrad.runtime.differences import Change, Graph

if TYPE_CHECKING:
    from lazygrad.runtime.program import CompiledPlan

REPEATS = 3  # plans that each follow one that ran once: so many are worth a warning
LINES, PROGRAMS = 256, 16  # lines that are remembered, and programs of each


@dataclass
class Made:
    """The latest plan of a program, and how many before it in a row ran once."""

    graph: Graph
    plan: ref[CompiledPlan]
    repeats: int

    @property
    def ran_again(self) -> bool:
        plan = self.plan()
        return plan is not None and plan.runs > 1


@dataclass
class Line:
    """A line in which values are asked for, with what was planned there by program: the operations
    that a graph is made of; ``inside`` is the script, statement or cell that is executed."""

    filename: str
    number: int
    inside: CodeType | None
    programs: OrderedDict[Hashable, Made] = field(default_factory=OrderedDict)
    told: bool = False

    def __str__(self) -> str:
        return f"{basename(self.filename)}:{self.number}"

    def before(self, program: Hashable) -> Graph | None:
        """What was planned last for the program, or else for another one."""
        made = self.programs.get(program) or next(reversed(self.programs.values()), None)
        return made.graph if made is not None else None

    def add(
        self, program: Hashable, graph: Graph, plan: CompiledPlan, change: Change | None
    ) -> None:
        """Remembers a new plan, and warns of one too many."""
        last = self.programs.pop(program, None)
        repeats = 0 if last is None or last.ran_again else last.repeats + 1
        self.programs[program] = Made(graph, ref(plan), repeats)
        if len(self.programs) > PROGRAMS:
            self.programs.popitem(last=False)
        if change is not None and repeats >= REPEATS and not self.told:
            self.told = True
            text = (
                f"[cache] {self} compiles again and again: {repeats + 1} plans, none of which ran "
                f"twice. This time {change}. To compile once, {change.way_out}"
            )
            warnings.warn_explicit(text, PlanWarning, self.filename, self.number)


_lines: OrderedDict[Hashable, Line] = OrderedDict()


def clear() -> None:
    """Forgets all lines."""
    _lines.clear()


def asking_line() -> Line | None:
    """The user's line that asks for a value now; None if only this package does, on a thread."""
    frame = sys._getframe(1)
    _, filename, number = origin_of(frame, "")
    if not filename:
        return None
    inside = _executed(frame)
    key = (filename, number, id(inside))  # equal cells are not one; a line keeps its own alive
    line = _lines.pop(key, None) or Line(filename, number, inside)
    _lines[key] = line
    if len(_lines) > LINES:
        _lines.popitem(last=False)
    return line


def _executed(frame: FrameType | None) -> CodeType | None:
    """The module's code that a frame is called from: of a cell that runs again, it is another."""
    while frame is not None and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    return None if frame is None else frame.f_code
