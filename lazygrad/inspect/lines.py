"""What the user's lines cost, forward, backward and update apart; and the files that hold them."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from lazygrad.inspect.step import BACKWARD, BOTH, FORWARD, UPDATE, Step, StepKernel
from lazygrad.origins import EXAMPLES, OURS

SIDES = FORWARD, BACKWARD, UPDATE


class Origin(NamedTuple):
    """An operation of the user's, as kernels name it: "relu (train.py:11)"."""

    label: str
    file: str
    number: int

    @classmethod
    def read(cls, text: str) -> Origin:
        label, _, place = text.removesuffix(")").rpartition(" (")
        file, _, number = place.rpartition(":")
        return cls(label, file, int(number) if number.isdigit() else 0)

    @property
    def place(self) -> str:
        """Its line: "train.py:11"; or what is said of what has none."""
        return f"{self.file}:{self.number}" if self.number else "no line"

    def side(self, kernel: StepKernel) -> str:
        """Whether it is there for the forward pass, the backward pass or the update."""
        if self.label.endswith(".step"):
            return UPDATE
        if self.label.endswith("_backward") or kernel.phase in (BACKWARD, BOTH):
            return BACKWARD
        return kernel.phase


@dataclass
class Side:
    """What a line costs on one side, and the kernels that work for it there."""

    seconds: float = 0.0
    flops: float = 0.0
    nbytes: float = 0.0
    kernels: dict[int, None] = field(default_factory=dict)


@dataclass
class Line:
    """A line of the user's: what it costs by ``SIDES``, and its operations."""

    place: str
    file: str
    number: int
    sides: dict[str, Side]
    labels: dict[str, None] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        return sum(side.seconds for side in self.sides.values())

    @property
    def flops(self) -> float:
        return sum(side.flops for side in self.sides.values())

    @property
    def nbytes(self) -> float:
        return sum(side.nbytes for side in self.sides.values())

    @property
    def kernels(self) -> list[int]:
        """All of them, in order."""
        return sorted({number for side in self.sides.values() for number in side.kernels})


def origins_of(kernel: StepKernel) -> list[Origin]:
    """Those of a kernel; one without a line, if it has none."""
    return [Origin.read(text) for text in kernel.origins] or [Origin("unknown", "", 0)]


def lines_of(step: Step, seconds: Sequence[float]) -> dict[str, Line]:
    """The lines by place, those of a file in order. What a kernel takes goes to its operations in
    equal shares, as in ``lazygrad.profile``."""
    found: dict[str, Line] = {}
    for kernel, spent in zip(step.kernels, seconds, strict=True):
        origins = origins_of(kernel)
        for origin in origins:
            sides = {side: Side() for side in SIDES}
            new = Line(origin.place, origin.file, origin.number, sides)
            line = found.setdefault(origin.place, new)
            line.labels[origin.label] = None
            side = line.sides[origin.side(kernel)]
            side.seconds += spent / len(origins)
            side.flops += kernel.flops / len(origins)
            side.nbytes += kernel.nbytes / len(origins)
            side.kernels[kernel.number] = None
    return dict(sorted(found.items(), key=lambda item: (item[1].file, item[1].number)))


# -- files -----------------------------------------------------------------------------------------


def texts_of(step: Step, files: Mapping[str, str]) -> dict[str, str]:
    """The texts of the files that the user's lines are in, by their names in origins, as far as
    they can be found: in ``files``, or among the modules and cells that this program runs."""
    last: dict[str, int] = {}
    for kernel in step.kernels:
        for origin in origins_of(kernel):
            last[origin.file] = max(origin.number, last.get(origin.file, 0))
    found = {}
    for file, number in last.items():
        for path in (*filter(None, [files.get(file)]), *_loaded(file)):
            text = "".join(linecache.getlines(path))
            if text.count("\n") >= number > 0:
                found[file] = text
                break
    return found


def _loaded(file: str) -> Iterator[str]:
    """Paths of users' files of that name."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_back is not None:
        frame = frame.f_back
        if Path(frame.f_code.co_filename).name == file:
            yield frame.f_code.co_filename
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        ours = name.split(".")[0] == OURS and not name.startswith(EXAMPLES)
        if path and not ours and Path(path).name == file:
            yield path
    yield from (path for path in list(linecache.cache) if Path(path).name == file)
