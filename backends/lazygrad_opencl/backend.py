"""OpenCLBackend: the device GPU."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property, partial
from threading import Lock
from typing import Any

import numpy as np

from lazygrad.plugin import (
    NO_PIECES,
    STAGES,
    Backend,
    Call,
    Code,
    DeviceError,
    Kernel,
    LoopCall,
    LoopNest,
    Piece,
    Program,
    Tuning,
    alone,
    batches,
    best,
    composed,
    dtype,
    expr,
    in_turn,
    is_worthwhile,
    loop_nest,
    progress,
    settings,
    steps_of,
    variations,
    without_starts,
)
from lazygrad_opencl import device as devices, forked, pocl, pocl_cache
from lazygrad_opencl.binaries import Binaries
from lazygrad_opencl.driver import cl
from lazygrad_opencl.entry import Entry, entry_points, program_text
from lazygrad_opencl.jobs import AnyJob, Job, Repeated, Sections
from lazygrad_opencl.joined import joined
from lazygrad_opencl.program import OpenCLProgram
from lazygrad_opencl.render import render
from lazygrad_opencl.sources import PORTION, Sources, portions

NestOf = Callable[[Kernel, bool], LoopNest | None]
Started = tuple[Kernel, tuple[int, ...]]  # a kernel, and where its buffers begin
APART = 16  # texts that become one program
LARGE = 8  # kernels of a plan: weights of a network, whose step comes next
ZEROS = 1 << 16  # bytes, as many as a loop nest may ask for


class Failing:
    """What the driver reports while something runs is an error of ours, with the way out."""

    def __init__(self, device: str) -> None:
        self._device = device

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if isinstance(error, cl.Error):
            raise DeviceError(
                f"[opencl] {self._device} failed ({error}); if it is short of memory, free tensors "
                "that are not needed, or use smaller batches"
            ) from error


class OpenCLBackend(Backend):
    """Runs kernels as generated OpenCL C on one device, in order, on one queue.

    Memory is a ``cl.Buffer``. Nothing waits but ``download`` and ``synchronize``.
    """

    name = "GPU"
    suffix = ".cl"
    comment = "//"
    records = (Entry,)

    def __init__(self) -> None:
        pocl_cache.prepare()
        self.device = devices.select(settings.opencl_device)
        is_pocl = pocl.is_pocl(self.device)
        self.processor = pocl.correct_processor(self.device) if is_pocl else ""
        self.target = devices.target_of(self.device, self.processor)
        self._worker = replace(self.target, units=1)
        self.context = cl.Context([self.device])
        pocl_cache.handed_over()
        self.queue = cl.CommandQueue(self.context, self.device)
        self._dialect = devices.dialect_of(self.device, self.target)
        self._options = devices.build_options(self.device)
        self._uploads: deque[Any] = deque()
        self._uploading = Lock()
        self._failing = Failing(self.device.name.strip())
        self._binaries = Binaries(self.context, self.device, self._options, self.fingerprint)
        forked.watch(self)

    @cached_property
    def profiling_queue(self) -> Any:
        """A queue that times what runs on it."""
        properties = cl.command_queue_properties.PROFILING_ENABLE
        return cl.CommandQueue(self.context, self.device, properties)

    @cached_property
    def zeros(self) -> Any:
        """What kernels read where a guard fails."""
        flags = cl.mem_flags.READ_ONLY | cl.mem_flags.COPY_HOST_PTR
        return cl.Buffer(self.context, flags, hostbuf=np.zeros(ZEROS, np.uint8))

    def counters(self, count: int) -> Any:
        """Integers that are zero, for a launch whose work-items wait for each other."""
        flags = cl.mem_flags.READ_WRITE | cl.mem_flags.COPY_HOST_PTR
        return cl.Buffer(self.context, flags, hostbuf=np.zeros(count, np.int64))

    # -- memory ---------------------------------------------------------------------------------

    def allocate(self, nbytes: int) -> Any:
        try:
            return cl.Buffer(self.context, cl.mem_flags.READ_WRITE, nbytes)
        except cl.Error as error:
            raise DeviceError(
                f"[opencl] out of memory: {_size(nbytes)} wanted, {self.device.name.strip()} has "
                f"{_size(self.device.global_mem_size)}, at most "
                f"{_size(self.device.max_mem_alloc_size)} in one piece ({error})"
            ) from None

    def upload(self, memory: Any, array: np.ndarray[Any, Any]) -> None:
        if not array.nbytes:
            return
        event = cl.enqueue_copy(self.queue, memory, array.copy(), is_blocking=False)
        done = cl.command_execution_status.COMPLETE
        with self._uploading:
            self._uploads.append(event)  # waits for its copy when it is dropped, so not before
            while self._uploads and self._uploads[0].command_execution_status == done:
                self._uploads.popleft()

    def download(self, memory: Any, array: np.ndarray[Any, Any]) -> None:
        if array.nbytes:
            with self._failing:
                cl.enqueue_copy(self.queue, array, memory, is_blocking=True)
            self._binaries.save()

    def part(self, memory: Any, start: int, nbytes: int) -> Any:
        """A part of a part is one of the whole: drivers know no other."""
        if start % self.target.alignment:
            return None
        whole = memory.associated_memobject
        if whole is not None:
            memory, start = whole, start + memory.offset
        return memory.get_sub_region(start, nbytes)

    def copy(self, source: Any, start: int, memory: Any, nbytes: int, to: int = 0) -> None:
        cl.enqueue_copy(
            self.queue, memory, source, byte_count=nbytes, src_offset=start, dst_offset=to
        )

    def running(self) -> Failing:
        return self._failing

    def synchronize(self) -> None:
        with self._failing:
            self.queue.finish()
        with self._uploading:
            self._uploads.clear()
        self._binaries.save()

    def takes(self, call: LoopCall) -> bool:
        """Those of kernels, where work-items wait for each other."""
        return self._dialect.workers > 0 and call.workers <= self._dialect.workers

    # -- compilation ----------------------------------------------------------------------------

    def prepare(self, kernels: int) -> None:
        """Other processes start where there will be programs for them."""
        if kernels > PORTION:
            self._binaries.warm_up()

    def generate(
        self, calls: Sequence[Call], pieces: Mapping[int, Piece] = NO_PIECES
    ) -> list[Code]:
        """Large plans become several programs, so that they are compiled side by side, and while
        the rest is generated."""
        nest_of = cache(self._nest)
        found = []
        started = [[*map(self._started, call.kernels)] for call in calls]
        kernels = [[kernel for kernel, _ in several] for several in started]
        if len({kernel for several in kernels for kernel in several}) >= LARGE:
            self._binaries.warm_up()
        several = list(portions(kernels, self._binaries.workers))
        for number, portion in enumerate(several):
            codes = self._codes(self._jobs(calls, started, portion, nest_of), number, pieces)
            if len(several) > 1:
                self._binaries.ahead(self._text(codes))
            found += codes
        return found

    def _codes(
        self, jobs: Sequence[AnyJob], program: int, pieces: Mapping[int, Piece]
    ) -> list[Code]:
        """Launches as few as can be, all of one program."""
        sources = Sources(jobs, self._dialect, self.target.units, program, pieces)
        most = self.target.buffers
        made = batches([job.work for job in jobs], most, pieces)
        turns = in_turn(made, most) if self._dialect.workers else [[batch] for batch in made]
        return [sources.code(*several) for several in turns]

    def compile(self, kernels: Sequence[Kernel]) -> list[Program]:
        """All kernels as one program, but each with a launch of its own."""
        calls = [Call(kernel, tuple(range(len(kernel.buffers)))) for kernel in kernels]
        started: list[list[Started]] = [[(kernel, ())] for kernel in kernels]
        jobs = self._jobs(calls, started, range(len(calls)), self._nest)
        sources = Sources(jobs, self._dialect, self.target.units)
        return self.load([sources.code(alone(number)) for number in range(len(jobs))])

    def _jobs(
        self,
        calls: Sequence[Call],
        started: Sequence[Sequence[Started]],
        numbers: range,
        nest_of: NestOf,
    ) -> list[AnyJob]:
        """Those of the calls with these numbers that compute anything."""
        found: list[AnyJob] = []
        for number in numbers:
            call = calls[number]
            if isinstance(call.kernel, LoopCall):
                loop = call.kernel
                inside = self._inside(loop, started[number], nest_of)
                made = Sections if loop.workers else Repeated
                found.append(made(number, call, loop, inside))
                continue
            ((kernel, starts),) = started[number]
            nest = nest_of(kernel, False)
            progress.advance()
            if nest is not None:
                found.append(Job(number, call, nest, starts))
        return found

    def _inside(
        self, loop: LoopCall, started: Sequence[Started], nest_of: NestOf
    ) -> tuple[Job, ...]:
        """What a step consists of, on the body's memory; a section's for a single work-item."""
        found = []
        steps = zip(steps_of(loop), started, strict=True)
        for number, ((_, memory), (kernel, starts)) in enumerate(steps):
            nest = nest_of(kernel, loop.workers > 0)
            progress.advance()
            if nest is not None:
                found.append(Job(number, Call(kernel, memory), nest, starts))
        return tuple(found)

    def _started(self, kernel: Kernel) -> Started:
        """Where functions are called, their callers know where the buffers begin."""
        return without_starts(kernel) if self._dialect.calls else (kernel, ())

    def _nest(self, kernel: Kernel, whole: bool = False) -> LoopNest | None:
        """The nest of a kernel; the ``whole`` of it for a single work-item."""
        self._check(kernel)
        if self._dialect.functions:
            kernel = composed.with_calls(kernel, (dtype.float32,))
        if whole:
            return loop_nest(kernel, self._worker, replace(self._tuning(kernel), items=1))
        return loop_nest(kernel, self.target, self._tuning(kernel))

    def _tuning(self, kernel: Kernel) -> Tuning:
        """What the tuner finds best, if it is on."""
        if not settings.tune or self.target.is_gpu or not is_worthwhile(kernel):
            return Tuning()
        nest = loop_nest(kernel, self.target)
        if nest is None:
            return Tuning()
        key = (self.fingerprint, render(nest, "%"))
        stages = [partial(variations, target=self.target, stage=s) for s in range(STAGES)]
        return best(key, Tuning(), stages, self._trial(kernel))

    def _trial(self, kernel: Kernel) -> Callable[[Tuning], float]:
        """Seconds that a kernel takes with a schedule."""
        call = Call(kernel, tuple(range(len(kernel.buffers))))
        memory = [self.allocate(max(1, spec.nbytes)) for spec in kernel.buffers]
        for piece, spec in zip(memory, kernel.buffers, strict=True):
            self.upload(piece, np.zeros(spec.nbytes, np.uint8))

        @cache
        def program(nest: LoopNest) -> Program:
            sources = Sources([Job(0, call, nest)], self._dialect, self.target.units)
            return self.load([sources.code(alone(0))])[0]

        def seconds(tuning: Tuning) -> float:
            nest = loop_nest(kernel, self.target, tuning)
            return sum(program(nest).launch_timed(memory)) if nest else math.inf

        return seconds

    def texts(self, codes: Sequence[Code]) -> list[str]:
        """What belongs to one program compiles as one, which is faster than many."""
        return [self._text(portion) for portion in _together(codes).values()]

    def load(self, codes: Sequence[Code]) -> list[Program]:
        return self.load_texts(codes, self.texts(codes))

    def load_texts(self, codes: Sequence[Code], texts: Sequence[str]) -> list[Program]:
        together = _together(codes)
        text_of = dict(zip(together, texts, strict=True))
        kernels = Counter[str]()  # by the text of their program: portions may be equal
        for number, portion in together.items():
            kernels[text_of[number]] += sum(code.kernels for code in portion)
        built = {}
        for text, program in self._binaries.build_all(kernels):
            built[text] = program
            progress.advance(kernels[text])
        found: list[Program] = []
        for number, portion in together.items():
            points = entry_points([code.data for code in portion])
            program = built[text_of[number]]
            found += [OpenCLProgram(code, program, self, points) for code in portion]
        return found

    def load_all(self, several: Sequence[Sequence[Code]]) -> list[list[Program]]:
        return self.load_apart([(codes, self.texts(codes)) for codes in several])

    def load_apart(
        self, programs: Sequence[tuple[Sequence[Code], Sequence[str]]]
    ) -> list[list[Program]]:
        """On CPUs, where programs cost more than what is in them, several texts are one."""
        if not self._dialect.calls or len(programs) < 2:
            return super().load_apart(programs)
        found: dict[int, list[Program]] = {}
        single = [number for number, (_, texts) in enumerate(programs) if len(texts) == 1]
        for start in range(0, len(single), APART):
            numbers = single[start : start + APART]
            codes, text = joined([(programs[n][0], programs[n][1][0]) for n in numbers])
            loaded = iter(self.load_texts([code for several in codes for code in several], [text]))
            found |= {
                number: [next(loaded) for _ in several]
                for number, several in zip(numbers, codes, strict=True)
            }
        return [
            found[number] if number in found else self.load_texts(*program)
            for number, program in enumerate(programs)
        ]

    def _text(self, codes: Sequence[Code]) -> str:
        return program_text([code.data for code in codes], self._dialect)

    def describe(self, kernel: Kernel) -> str:
        kernel, _ = self._started(kernel)
        return str(self._nest(kernel) or "no elements")

    @property
    def fingerprint(self) -> str:
        device = self.device
        versions = (device.version, device.driver_version, device.platform.version, cl.VERSION_TEXT)
        compiler = f"{self.processor} {versions} {self._options}"
        return f"{device.name} {compiler} {self.target} {self._dialect}"

    def _check(self, kernel: Kernel) -> None:
        """Refuses dtypes that the device cannot compute with."""
        if self.target.float64:
            return
        used = [spec.dtype for spec in kernel.buffers]
        used += [value.dtype for value in expr.toposort(kernel.values)]
        if dtype.float64 in used:
            raise DeviceError(
                f"[opencl] {self.device.name.strip()} has no float64 (in {kernel.name}); "
                "cast to float32, or use BACKEND=CPU"
            )


def _together(codes: Sequence[Code]) -> dict[int, list[Code]]:
    """Codes by the program that they belong to."""
    found: dict[int, list[Code]] = {}
    for code in codes:
        found.setdefault(code.data.program, []).append(code)
    return found


def _size(nbytes: int) -> str:
    return f"{nbytes / 1e9:.2f} GB" if nbytes >= 1e8 else f"{nbytes} bytes"
