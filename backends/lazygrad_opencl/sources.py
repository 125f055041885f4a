"""Code for launches: a function each, equal functions only once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lazygrad.plugin import Batch, Call, Code, LoopNest, Work, joint_name
from lazygrad_opencl.entry import Entry, program_text
from lazygrad_opencl.prelude import Dialect
from lazygrad_opencl.render import ZEROS, render, render_function

LONGEST_NAME = 100
SIZED = re.compile(r"_\d[\dx]*$")  # ends as names of kernels do: relu_128x64


@dataclass(frozen=True)
class Job:
    """A call of a plan by its number, and its loop nest."""

    number: int
    call: Call
    nest: LoopNest

    @property
    def work(self) -> Work:
        written = len(self.call.kernel.outputs)
        return Work(
            writes=frozenset(self.call.memory[:written]),
            reads=frozenset(self.call.memory[written:]),
            items=self.nest.items,
            alone=self.nest.group > 1,
        )


class Sources:
    """Names for the functions of a program, equal ones once; makes the code of its launches."""

    def __init__(self, jobs: Sequence[Job], dialect: Dialect) -> None:
        self.jobs, self.dialect = jobs, dialect
        self.texts: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def code(self, batch: Batch) -> Code:
        """The function of a batch."""
        jobs = [self.jobs[number] for track in batch.tracks for number in track.calls]
        memory = jobs[0].call.memory
        if len(jobs) == 1:
            entry = self._single(jobs[0])
        else:
            memory = tuple(dict.fromkeys(m for job in jobs for m in job.call.memory))
            entry = self._joined(batch, jobs, memory)
        calls = {job.number: job.call for job in jobs}
        source = program_text([entry], self.dialect)
        return Code.of(calls, memory, source, entry.geometry, entry)

    def _single(self, job: Job) -> Entry:
        nest = job.nest
        called = self.dialect.calls and nest.group == 1
        name = self._add(nest.kernel.name, (render_function if called else render)(nest, "%"))
        return Entry(
            name, {name: self.texts[name]}, nest.items, nest.group, len(job.call.memory),
            bool(nest.zeros), called,
        )  # fmt: skip

    def _joined(self, batch: Batch, jobs: Sequence[Job], memory: Sequence[int]) -> Entry:
        """Several kernels in one: those of a track in turn, the tracks side by side."""
        argument = {m: f"m{i}" for i, m in enumerate(memory)}
        called: dict[str, str] = {}
        lines, start = [], 0
        for track in batch.tracks:
            lines.append(f"  {'else ' if start else ''}if (item < {start + track.items}) {{")
            item = f"item - {start}" if start else "item"
            for job in (self.jobs[number] for number in track.calls):
                name = self._add(job.nest.kernel.name, render_function(job.nest, "%"))
                called[name] = self.texts[name]
                given = [argument[m] for m in job.call.memory] + [ZEROS] * bool(job.nest.zeros)
                lines.append(f"    {name}({', '.join([*given, item])});")
            lines.append("  }")
            start += track.items
        zeros = any(job.nest.zeros for job in jobs)
        parameters = [f"__global void *{name}" for name in argument.values()]
        parameters += [f"__global const float *{ZEROS}"] * zeros
        text = "\n".join([*self._head(parameters), *lines, "}"])
        name = self._add(joint_name([job.call.kernel for job in jobs]), text)
        functions = {**called, name: self.texts[name]}
        return Entry(name, functions, start, 1, len(memory), zeros, self.dialect.calls)

    def _head(self, parameters: Sequence[str]) -> list[str]:
        """The first lines of a function that several kernels share."""
        if self.dialect.calls:
            return [f"FUNCTION void %({', '.join([*parameters, 'const long item'])}) {{"]
        return [
            "__kernel __attribute__((reqd_work_group_size(1, 1, 1)))",
            f"void %({', '.join(parameters)}) {{",
            "  const long item = get_global_id(0);",
        ]

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
