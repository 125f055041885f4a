"""OpenCLBackend: the device GPU."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from lazygrad.plugin import (
    Backend,
    DeviceError,
    Kernel,
    LoopNest,
    Program,
    dtype,
    expr,
    loop_nest,
    settings,
)
from lazygrad_opencl import device as devices
from lazygrad_opencl.driver import cl
from lazygrad_opencl.prelude import Dialect, prelude
from lazygrad_opencl.program import NothingToDo, OpenCLProgram, build
from lazygrad_opencl.render import render

ZEROS = 1 << 16  # bytes, as many as a loop nest may ask for
LONGEST_NAME = 100
SIZED = re.compile(r"_\d[\dx]*$")  # ends as names of kernels do: relu_128x64


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
        for kernel in kernels:
            self._check(kernel)
        nests = [loop_nest(kernel, self.target) for kernel in kernels]
        sources = _Sources()
        names = [sources.add(nest) if nest is not None else None for nest in nests]
        if not sources.texts:
            return [NothingToDo(kernel) for kernel in kernels]
        body = "\n\n".join(sources.texts.values())
        built = build(
            self.context, self.device, f"{prelude(body, self._dialect)}\n{body}\n", self._options
        )
        return [
            NothingToDo(kernel) if nest is None or name is None
            else self._program(kernel, nest, name, sources.texts[name], built)
            for kernel, nest, name in zip(kernels, nests, names, strict=True)
        ]  # fmt: skip

    def _program(
        self, kernel: Kernel, nest: LoopNest, name: str, text: str, built: Any
    ) -> Program:
        source = f"{prelude(text, self._dialect)}\n{text}\n"
        return OpenCLProgram(kernel, nest, source, cl.Kernel(built, name), self)

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


class _Sources:
    """The functions of a program by name; equal ones are one."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def add(self, nest: LoopNest) -> str:
        anonymous = render(nest, "%")
        found = self._names.get(anonymous)
        if found is not None:
            return found
        base = nest.kernel.name[:LONGEST_NAME]
        if not SIZED.search(base):  # then it could be a word of OpenCL C: constant, exp2, float4
            base += "_kernel"
        name, number = base, 2
        while name in self.texts:
            name, number = f"{base}_{number}", number + 1
        self._names[anonymous] = name
        self.texts[name] = render(nest, name)
        return name


def _size(nbytes: int) -> str:
    return f"{nbytes / 1e9:.2f} GB" if nbytes >= 1e8 else f"{nbytes} bytes"
