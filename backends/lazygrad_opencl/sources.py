"""The source of a program: a kernel function for each launch, equal ones only once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lazygrad.plugin import Batch, Call, LoopNest, Work, joint_name
from lazygrad_opencl.render import ZEROS, render, render_function

LONGEST_NAME = 100
SIZED = re.compile(r"_\d[\dx]*$")  # ends as names of kernels do: relu_128x64


@dataclass(frozen=True)
class Job:
    """A call and its loop nest; ``alone`` if it must have a launch of its own."""

    call: Call
    nest: LoopNest
    alone: bool = False

    @property
    def work(self) -> Work:
        written = len(self.call.kernel.outputs)
        return Work(
            writes=frozenset(self.call.memory[:written]),
            reads=frozenset(self.call.memory[written:]),
            items=self.nest.items,
            alone=self.alone or self.nest.group > 1,
        )


@dataclass(frozen=True)
class Entry:
    """A kernel function: everything that it needs, how it is launched, and its arguments."""

    name: str
    text: str
    nests: tuple[LoopNest, ...]
    items: int
    group: int
    memory: tuple[int, ...]  # numbers of the memory that it takes, in order
    zeros: bool  # whether the zeros come last


class Sources:
    """The functions of a program by name, in the order in which they need each other."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._names: dict[str, str] = {}

    @property
    def body(self) -> str:
        return "\n\n".join(self.texts.values())

    def add(self, batch: Batch, jobs: Sequence[Job]) -> Entry:
        """The kernel function of a batch of ``jobs``."""
        numbers = [number for track in batch.tracks for number in track.calls]
        nests = tuple(jobs[number].nest for number in numbers)
        if len(numbers) > 1:
            return self._joined(batch, jobs, nests)
        (nest,) = nests
        name = self._add(nest.kernel.name, render(nest, "%"))
        memory = jobs[numbers[0]].call.memory
        return Entry(
            name, self.texts[name], nests, nest.items, nest.group, memory, bool(nest.zeros)
        )

    def _joined(self, batch: Batch, jobs: Sequence[Job], nests: tuple[LoopNest, ...]) -> Entry:
        """Several kernels in one: those of a track in turn, the tracks side by side."""
        numbers = [number for track in batch.tracks for number in track.calls]
        memory = tuple(dict.fromkeys(m for n in numbers for m in jobs[n].call.memory))
        argument = {m: f"m{i}" for i, m in enumerate(memory)}
        functions: dict[str, None] = {}
        lines, start = [], 0
        for track in batch.tracks:
            lines.append(f"  {'else ' if start else ''}if (item < {start + track.items}) {{")
            item = f"item - {start}" if start else "item"
            for job in (jobs[number] for number in track.calls):
                name = self._add(job.nest.kernel.name, render_function(job.nest, "%"))
                functions[name] = None
                given = [argument[m] for m in job.call.memory] + [ZEROS] * bool(job.nest.zeros)
                lines.append(f"    {name}({', '.join([*given, item])});")
            lines.append("  }")
            start += track.items
        zeros = any(nest.zeros for nest in nests)
        parameters = [f"__global void *{name}" for name in argument.values()]
        parameters += [f"__global const float *{ZEROS}"] * zeros
        text = "\n".join([
            "__kernel __attribute__((reqd_work_group_size(1, 1, 1)))",
            f"void %({', '.join(parameters)}) {{",
            "  const long item = get_global_id(0);",
            *lines,
            "}",
        ])  # fmt: skip
        name = self._add(joint_name([nest.kernel for nest in nests]), text)
        whole = "\n\n".join(self.texts[each] for each in [*functions, name])
        return Entry(name, whole, nests, start, 1, memory, zeros)

    def _add(self, name: str, text: str) -> str:
        """A name for ``text``, in which % stands for it."""
        found = self._names.get(text)
        if found is not None:
            return found
        base = name[:LONGEST_NAME]
        if not SIZED.search(base):  # then it could be a word of OpenCL C: constant, exp2, float4
            base += "_kernel"
        free, number = base, 2
        while free in self.texts:
            free, number = f"{base}_{number}", number + 1
        self._names[text] = free
        self.texts[free] = text.replace("void %(", f"void {free}(", 1)
        return free
