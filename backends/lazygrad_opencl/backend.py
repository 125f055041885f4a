"""OpenCLBackend: the device GPU."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from lazygrad.plugin import (
    Backend,
    Call,
    DeviceError,
    Kernel,
    Launch,
    LoopNest,
    Program,
    batches,
    dtype,
    expr,
    loop_nest,
    settings,
)
from lazygrad_opencl import device as devices
from lazygrad_opencl.driver import cl
from lazygrad_opencl.prelude import Dialect, prelude
from lazygrad_opencl.program import NothingToDo, OpenCLProgram, build
from lazygrad_opencl.sources import Entry, Job, Sources

ZEROS = 1 << 16  # bytes, as many as a loop nest may ask for


class OpenCLBackend(Backend):
    """Runs kernels as generated OpenCL C on one device, in order, on one queue.

    Memory is a ``cl.Buffer``. Nothing waits but ``download`` and ``synchronize``.
    """

    name = "GPU"

    def __init__(self) -> None:
        self.device = devices.select(settings.opencl_device)
        self.target = devices.target_of(self.device)
        self.context = cl.Context([self.device])
        self.queue = cl.CommandQueue(self.context, self.device)
        self._dialect = Dialect(packed=devices.is_cpu(self.device))
        self._options = devices.build_options(self.device)
        self._uploads: deque[Any] = deque()

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
        self._uploads.append(event)  # waits for its copy when it is dropped, so not before
        done = cl.command_execution_status.COMPLETE
        while self._uploads and self._uploads[0].command_execution_status == done:
            self._uploads.popleft()

    def download(self, memory: Any, array: np.ndarray[Any, Any]) -> None:
        if array.nbytes:
            cl.enqueue_copy(self.queue, array, memory, is_blocking=True)

    def synchronize(self) -> None:
        self.queue.finish()
        self._uploads.clear()

    # -- compilation ----------------------------------------------------------------------------

    def compile(self, kernels: Sequence[Kernel]) -> list[Program]:
        nests = [self._nest(kernel) for kernel in kernels]
        jobs = [
            Job(Call(kernel, tuple(range(len(kernel.buffers)))), nest, alone=True)
            for kernel, nest in zip(kernels, nests, strict=True)
            if nest is not None
        ]
        made = iter(self._compile(jobs))
        return [
            NothingToDo(kernel) if nest is None else next(made).program
            for kernel, nest in zip(kernels, nests, strict=True)
        ]

    def compile_calls(self, calls: Sequence[Call]) -> list[Launch]:
        nests = [self._nest(call.kernel) for call in calls]
        return self._compile(
            [Job(call, nest) for call, nest in zip(calls, nests, strict=True) if nest is not None]
        )

    def _nest(self, kernel: Kernel) -> LoopNest | None:
        self._check(kernel)
        return loop_nest(kernel, self.target)

    def _compile(self, jobs: Sequence[Job]) -> list[Launch]:
        """All of it as one program, which compiles faster than many."""
        if not jobs:
            return []
        sources = Sources()
        entries = [sources.add(batch, jobs) for batch in batches([job.work for job in jobs])]
        text = f"{prelude(sources.body, self._dialect)}\n{sources.body}\n"
        built = build(self.context, self.device, text, self._options)
        return [Launch(self._program(entry, built), entry.memory) for entry in entries]

    def _program(self, entry: Entry, built: Any) -> Program:
        source = f"{prelude(entry.text, self._dialect)}\n{entry.text}\n"
        return OpenCLProgram(entry, source, built, self)

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


def _size(nbytes: int) -> str:
    return f"{nbytes / 1e9:.2f} GB" if nbytes >= 1e8 else f"{nbytes} bytes"
