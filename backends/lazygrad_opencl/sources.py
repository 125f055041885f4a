"""Code for launches: a function each, equal functions only once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from lazygrad.plugin import (
    NO_PIECES,
    Batch,
    Code,
    Kernel,
    Part,
    Piece,
    joint_name,
    pieces_of,
    reaches,
)
from lazygrad_opencl import spelling
from lazygrad_opencl.entry import Entry, program_text
from lazygrad_opencl.jobs import AnyJob, At, Job, Looped, Repeated, Sections, single
from lazygrad_opencl.prelude import Dialect
from lazygrad_opencl.render import ZEROS, render, render_function, started
from lazygrad_opencl.repeating import Repeating
from lazygrad_opencl.shares import Numbers, by_share, in_order, share_of

Spell = Callable[[int, str], str]  # the call of a job, by its number, for an item

LONGEST_NAME = 100
SIZED = re.compile(r"_\d[\dx]*$")  # ends as names of kernels do: relu_128x64


PORTION = 32  # kernels that differ, in a program: half a second of PoCL's time
TURNS = 2  # programs for each who compiles: kernels that several call are compiled as often


def portions(calls: Sequence[Sequence[Kernel]], workers: int | None = None) -> Iterator[range]:
    """Calls of kernels, one after the other, by their numbers: those of a program each, where
    ``workers`` compile side by side. What is left over in the end, if it is little, stays with the
    last."""
    last = {kernel: number for number, kernels in enumerate(calls) for kernel in kernels}
    unseen, start, seen = len(last), 0, set[Kernel]()
    most = PORTION if workers is None else max(PORTION, -(-len(last) // (TURNS * workers)))
    for number, kernels in enumerate(calls):
        if not seen.issuperset(kernels) and len(seen) >= most and unseen >= PORTION // 2:
            yield range(start, number)
            start, seen = number, set()
        seen.update(kernels)
        unseen -= sum(last[kernel] == number for kernel in {*kernels})
    yield range(start, len(calls))


WORKERS = 3  # work-items a unit of launches in turn: PoCL hands out a third of what is left


class Sources:
    """Names for the functions of a program, equal ones once; makes the code of its launches."""

    def __init__(
        self,
        jobs: Sequence[AnyJob],
        dialect: Dialect,
        units: int,
        program: int = 0,
        pieces: Mapping[int, Piece] = NO_PIECES,
    ) -> None:
        self.jobs, self.dialect, self.units, self.program = jobs, dialect, units, program
        self.pieces = pieces
        self.texts: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._functions: dict[tuple[int, bool], str] = {}  # by the identity of the nest

    def code(self, *batches: Batch) -> Code:
        """The code of a launch: a batch, or several in turn."""
        jobs = [job for batch in batches for job in self._jobs(batch)]
        first, *others = jobs
        if not others and isinstance(first, Job) and self._is_single(first):
            memory = first.call.memory
            entry = self._single(first)
        else:
            every = (m for job in jobs for m in job.call.memory)
            memory = tuple(dict.fromkeys(self._within(m)[0] for m in every))
            entry = self._joined(batches, jobs, memory)
        parts = tuple(self._part(batch, entry, len(batches)) for batch in batches)
        return Code(parts, memory, entry.geometry, entry)

    def _jobs(self, batch: Batch) -> list[AnyJob]:
        return [self.jobs[number] for track in batch.tracks for number in track.calls]

    def _part(self, batch: Batch, entry: Entry, batches: int) -> Part:
        """What people see of a batch: the whole program, or its functions if there is more."""
        jobs = self._jobs(batch)
        if batches == 1:
            source = program_text([entry], self.dialect)
        else:
            names = dict.fromkeys(map(self._function, single(jobs)))
            source = "\n\n".join(self.texts[name] for name in names)
        return Part.of({job.number: job.call for job in jobs}, source)

    def _function(self, job: Job) -> str:
        """The name of a kernel's function, to be called for each of its work-items."""
        key = id(job.nest), self._aligned(job)
        name = self._functions.get(key)
        if name is None:
            text = render_function(job.nest, "%", self._aligned(job), self.dialect.functions)
            name = self._functions[key] = self._add(job.nest.kernel.name, text)
        return name

    def _aligned(self, job: Job) -> bool:
        """Whether to look for aligned vectors, which are none in memory that starts anywhere."""
        return not self.dialect.packed and not job.moving

    def _is_single(self, job: Job) -> bool:
        """Whether a kernel is launched as it is, without a function that says where buffers start.
        Kernel functions are told themselves."""
        return not any(job.starts) and (job.nest.group > 1 or not job.moving)

    def _single(self, job: Job) -> Entry:
        nest = job.nest
        called = self.dialect.calls and nest.group == 1
        if called:
            name = self._function(job)
        else:
            text = render(nest, "%", self._aligned(job), self.dialect.functions, job.moving)
            name = self._add(nest.kernel.name, text)
        return Entry(
            name, {name: self.texts[name]}, nest.items, nest.group, len(job.call.memory),
            bool(nest.zeros), called, program=self.program, moving=job.moving,
        )  # fmt: skip

    def _joined(
        self, batches: Sequence[Batch], jobs: Sequence[AnyJob], memory: Sequence[int]
    ) -> Entry:
        """Several kernels in one function: batches in turn, what is in a batch side by side."""
        loops = any(isinstance(job, Looped) for job in jobs)
        zeros = any(job.nest.zeros for job in single(jobs))
        argument = {m: i for i, m in enumerate(memory)}
        parameters = [f"__global void *m{i}" for i in argument.values()]
        parameters += [f"__global const float *{ZEROS}"] * zeros
        told = {job.call.memory[slot] for job in jobs for slot in job.moving}
        moving = tuple(i for m, i in argument.items() if m in told)
        starts = [f"const long start{i}" for i in moving]
        if len(batches) == 1 and not loops:
            items, parts, counters = batches[0].items, 0, 0
            lines = [
                *self._head(parameters + starts),
                *self._calls(batches[0], self._calling(argument), "  ", in_order),
                "}",
            ]
        else:
            items, parts = WORKERS * self.units, len(batches)
            turns, counters = list[str](), parts
            for number, batch in enumerate(batches):
                inside, more = self._turn(number, batch, argument, counters)
                turns += [f"  if (part < 0 || part == {number}) {{", *inside, "  }"]
                counters += more
            parameters += ["__global long *counters", *starts, "const int part"]
            lines = [
                *spelling.signature("FUNCTION void %", parameters),
                f"  BEGIN({counters});",
                *turns,
                f"  LEAVE({counters}, {items});",
                "}",
            ]
        name = self._add(joint_name([job.call.kernel for job in jobs]), "\n".join(lines))
        functions = {f: self.texts[f] for f in (*map(self._function, single(jobs)), name)}
        called = self.dialect.calls
        return Entry(
            name, functions, items, 1, len(memory), zeros, called, parts, self.program, moving,
            counters,
        )  # fmt: skip

    def _turn(
        self, number: int, batch: Batch, argument: Mapping[int, int], free: int
    ) -> tuple[list[str], int]:
        """A batch among others: its work-items are taken by whoever is free. And how many counters
        it takes besides its own, from a ``free`` one on."""
        jobs = self._jobs(batch)
        if isinstance(jobs[0], Repeated):
            places = self._places(jobs[0], argument)
            loop = Repeating(jobs[0], places, free, partial(self._inside, jobs[0]))
            return [f"    {line}" for line in loop.lines(number)], loop.counters
        items = batch.items
        share = share_of(batch.counts)
        among = [job.loop for job in jobs if isinstance(job, Sections)]
        workers = min((loop.workers for loop in among), default=0)
        return [
            "    int done = 0;",
            *([f"    if (worker < {workers})"] if workers else []),
            f"    SHARES for (int item; (item = TAKE({number}, {share})) >= 0; done++) {{",
            *self._calls(batch, self._calling(argument), "      ", by_share),
            "    }",
            f"    AWAIT({number}, done, {items});",
        ], 0

    def _inside(self, job: Repeated, batch: Batch, memory: Sequence[At]) -> list[str]:
        """The calls for one ``item`` of a turn in a step of a loop, on the memory of its body."""

        def call(number: int, item: str) -> str:
            one = job.inside[number]
            return self._called(one, [memory[m] for m in one.call.memory], item)

        return self._calls(batch, call, "", by_share)

    def _calling(self, argument: Mapping[int, int]) -> Spell:
        """The calls of jobs by their numbers."""
        return lambda number, item: self._call(self.jobs[number], argument, item)

    def _calls(self, batch: Batch, call: Spell, indent: str, numbers: Numbers) -> list[str]:
        """The calls for one ``item``: those of a track in turn, the tracks side by side."""
        lines = []
        for track, (end, item) in zip(batch.tracks, numbers(batch.counts), strict=True):
            calls = [call(number, item) for number in track.calls]
            if len(batch.tracks) == 1:
                lines += calls
                continue
            lines.append(f"{'else ' if lines else ''}if (item < {end}) {{")
            lines += [*("  " + line for text in calls for line in text.splitlines()), "}"]
        return [indent + line for text in lines for line in text.splitlines()]

    def _call(self, job: AnyJob, argument: Mapping[int, int], item: str) -> str:
        places = self._places(job, argument)
        if isinstance(job, Job):
            return self._called(job, places, item)
        assert isinstance(job, Sections)
        return "\n".join(self._section(job, places, item))

    def _places(self, job: AnyJob, argument: Mapping[int, int]) -> list[At]:
        """Where the memory in its slots begins, in that of a launch."""
        places = []
        for slot, m in enumerate(job.call.memory):
            whole, byte = self._within(m)
            number = argument[whole]
            start = f"start{number}" if slot in job.moving else ""
            places.append(At(f"m{number}", start, byte))
        return places

    def _section(self, job: Sections, places: Sequence[At], item: str) -> Iterator[str]:
        """The calls for a section, whose number is ``item``."""
        loop = job.loop
        arenas = len(loop.inputs) + len(loop.outputs)  # the first number of those
        worker = "home" if loop.workers == self.dialect.workers else "worker"
        found = []
        for number, reach in enumerate(reaches(loop)):
            memory, start, byte = places[reach.slots[0]]
            terms = [start] if start else []
            if number >= arenas:
                terms.append(f"{worker} * {loop.body.arenas[number - arenas]}L")
            if reach.step:
                terms.append(f"({item}) * {reach.step}L")
            if reach.beyond:
                terms.append(f"({item}) / {reach.row} * {reach.beyond}L")
            found.append(At(memory, " + ".join(terms), byte + reach.start))
        for piece in pieces_of(loop).values():
            memory, start, byte = found[piece.of]
            found.append(At(memory, start, byte + piece.start))
        for inside in job.inside:
            given = [found[number] for number in inside.call.memory]
            turns = loop.turns_of(inside.number)
            if not turns.are_all:
                now = f"({item}) % {turns.row}"
                yield f"if ({now} >= {turns.first} && {now} < {turns.end})"
            if inside.nest.items == 1:
                yield self._called(inside, given, "0")
            else:
                yield f"for (int i = 0; i < {inside.nest.items}; i++)"
                yield "\n".join(
                    f"  {line}" for line in self._called(inside, given, "i").splitlines()
                )

    def _called(self, job: Job, places: Sequence[At], item: str) -> str:
        """The call of a kernel's function on the memory in its slots."""
        given = []
        starts = job.starts or (0,) * len(places)
        buffers = job.nest.kernel.buffers
        for (memory, begin, byte), start, spec in zip(places, starts, buffers, strict=True):
            kind = f"__global {spelling.stored(spec.dtype)} *"
            pointer = started(kind, memory, begin) if begin else memory
            start += byte // spec.dtype.itemsize
            given.append(f"({kind}){pointer} + {start}" if start else pointer)
        given += [ZEROS] * bool(job.nest.zeros)
        return spelling.call("", self._function(job), [*given, item])

    def _within(self, memory: int) -> tuple[int, int]:
        """The memory that several kernels are given for that of a number, which may be a piece of
        it, and the byte at which this begins there."""
        piece = self.pieces.get(memory)
        return (memory, 0) if piece is None else (piece.of, piece.start)

    def _head(self, parameters: Sequence[str]) -> list[str]:
        """The first lines of a function whose kernels run side by side."""
        if self.dialect.calls:
            return spelling.signature("FUNCTION void %", [*parameters, "const long item"])
        return [
            "__kernel __attribute__((reqd_work_group_size(1, 1, 1)))",
            *spelling.signature("void %", parameters),
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
