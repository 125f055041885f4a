"""Programs: kernels compiled together, and their launch."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from lazygrad.plugin import Code, DeviceError, Program
from lazygrad_opencl.declarations import GUARD, declared
from lazygrad_opencl.driver import cl
from lazygrad_opencl.entry import Entry, EntryPoint, is_entry_point, starts_of
from lazygrad_opencl.turns import ENDED, LINE

PART, ALL = 1, np.int32(-1)  # the argument of an entry point that chooses a part, and its value
SOURCE_CONTEXT = 2  # lines shown around one that does not compile


class OpenCLProgram(Program):
    """A function of a compiled program: a kernel function, or one that an entry point calls."""

    def __init__(self, code: Code, built: Any, device: Any, points: Sequence[EntryPoint]) -> None:
        super().__init__(code)
        entry: Entry = code.data
        self._device = device
        self._global = (-(-entry.items // entry.group) * entry.group,)
        self._local = (entry.group,)
        self._more = [device.zeros] if entry.zeros else []
        self._lines, self._line = entry.counters + 1, LINE * (1 + device.target.workers)
        if entry.parts:
            self._more.append(device.counters(self._lines * self._line))
        self._function, self._first, self._told = _function(built, entry, points)
        self._moving = entry.moving
        self._arguments: tuple[Any, ...] = ()  # those that it has now

    def bind(self, memory: Sequence[Any], starts: Sequence[int] = ()) -> Callable[[], None]:
        arguments = self._with(memory, starts)
        queue, sizes = self._device.queue, (self._global, self._local)

        def call() -> None:
            if self._arguments is not arguments:
                self._set(arguments)
            cl.enqueue_nd_range_kernel(queue, self._function, *sizes)

        return call

    def _with(self, memory: Sequence[Any], starts: Sequence[int] = ()) -> tuple[Any, ...]:
        """All arguments: memory, and where it starts."""
        told = [np.int64(starts[i] if starts else 0) for i in self._moving]
        return (*memory, *self._more, *told)

    def launch_timed(self, memory: Sequence[Any], starts: Sequence[int] = ()) -> list[float]:
        self._set(self._with(memory, starts))
        self._device.queue.finish()
        parts: int = self.code.data.parts
        if not parts:
            return [self._timed()]
        whole, ticks = self._timed(), self._ticks()
        if ticks.any() and (ticks >= 0).all():  # shares of a launch that ran as it does otherwise
            return [float(share) for share in whole * ticks / ticks.sum()]
        seconds = []
        for part in range(parts):
            self._function.set_arg(PART, np.int32(part))
            seconds.append(self._timed())
        self._function.set_arg(PART, ALL)
        return seconds

    def _ticks(self) -> np.ndarray[Any, Any]:
        """How long each part took, as the processor counts; zeros where it does not."""
        entry: Entry = self.code.data
        counters = np.empty((self._lines, self._line), np.int64)
        self._device.download(self._more[-1], counters)
        ended = counters[:, ENDED]
        return np.diff(ended[: entry.parts], prepend=ended[-1])

    def _timed(self) -> float:
        queue, sizes = self._device.profiling_queue, (self._global, self._local)
        event = cl.enqueue_nd_range_kernel(queue, self._function, *sizes)
        event.wait()
        return float(event.profile.end - event.profile.start) * 1e-9

    def _set(self, arguments: tuple[Any, ...]) -> None:
        self._arguments = ()  # an interrupt leaves neither these nor those before
        pieces = len(arguments) - len(self._moving)
        for position, argument in enumerate(arguments[:pieces], self._first):
            self._function.set_arg(position, argument)
        for position, argument in enumerate(arguments[pieces:], self._told):
            self._function.set_arg(position, argument)
        self._arguments = arguments


def _function(built: Any, entry: Entry, points: Sequence[EntryPoint]) -> tuple[Any, int, int]:
    """The kernel function to launch, a copy of its own, and the positions of its first memory, and
    of the first place where memory starts."""
    if not entry.called:
        return cl.Kernel(built, entry.name), 0, entry.arguments
    point = next(point for point in points if entry.name in point.numbers)
    function = cl.Kernel(built, point.name)
    nothing = _nothing(point.parameters, point.starts)
    function.set_args(np.int32(point.numbers[entry.name]), ALL, *nothing)
    return function, PART + 1, PART + 1 + point.parameters


def _nothing(parameters: int, starts: int) -> list[Any]:
    """Arguments of an entry point before it has any."""
    return [None] * parameters + [np.int64(0)] * starts


def launch_nothing(built: Any, context: Any, device: Any) -> None:
    """Has PoCL compile the entry points of a program, which it otherwise does when they are first
    launched: launches them with the number of no function."""
    queue = cl.CommandQueue(context, device)
    for function in built.all_kernels():
        if is_entry_point(function.function_name):
            starts = starts_of(function.function_name)
            nothing = _nothing(function.num_args - PART - 1 - starts, starts)
            function.set_args(np.int32(-1), ALL, *nothing)
            cl.enqueue_nd_range_kernel(queue, function, (1,), (1,))
    queue.finish()


def build_declared(context: Any, device: Any, source: str, options: Sequence[str]) -> Any:
    """As ``build``; without a header that PoCL would read, where the program can do without."""
    with suppress(DeviceError):
        return build(context, device, declared(source), [*options, GUARD])
    return build(context, device, source, options)


def build(context: Any, device: Any, source: str, options: Sequence[str]) -> Any:
    """A compiled cl.Program.

    Raises:
        DeviceError: with the compiler's log and the lines that it complains about.
    """
    program = cl.Program(context, source)
    try:
        with warnings.catch_warnings():  # of what a compiler remarks on code that it accepts
            warnings.simplefilter("ignore")
            # pyopencl's own cache keeps binaries, from which PoCL compiles a second time
            no_cache: Any = False
            return program.build(options=list(options), devices=[device], cache_dir=no_cache)
    except cl.Error as error:
        log = str(error)
        raise DeviceError(
            f"[opencl] {device.name.strip()} does not compile a program; if it is as it was "
            f"generated, please report this\n{log.strip()}\n{_quoted(source, log)}"
        ) from None


def _quoted(source: str, log: str) -> str:
    """The lines of ``source`` that the log names, with their neighbours."""
    lines = source.splitlines()
    named = {int(number) for number in re.findall(r":(\d+):\d+:? ?(?:fatal )?error", log)}
    named |= {int(number) for number in re.findall(r"error: [^\n]*?:(\d+):\d+", log)}
    shown: set[int] = set()
    for number in named:
        shown.update(range(number - SOURCE_CONTEXT, number + SOURCE_CONTEXT + 1))
    numbers = sorted(n for n in shown if 1 <= n <= len(lines)) or range(1, len(lines) + 1)
    return "\n".join(f"{'>' if n in named else ' '} {n:4} {lines[n - 1]}" for n in numbers)
