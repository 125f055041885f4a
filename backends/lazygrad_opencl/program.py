"""Programs: kernels compiled together, and their launch."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from typing import Any

from lazygrad.plugin import DeviceError, Kernel, LoopNest, Program
from lazygrad_opencl.driver import cl

SOURCE_CONTEXT = 2  # lines shown around one that does not compile


class OpenCLProgram(Program):
    """One kernel of a compiled program."""

    suffix = ".cl"
    comment = "//"

    def __init__(
        self, kernel: Kernel, nest: LoopNest, source: str, function: Any, device: Any
    ) -> None:
        self.kernel = kernel
        self.source = source
        self.nest = str(nest)
        self.geometry = f"{nest.items} work-items in groups of {nest.group}"
        self._function = function
        self._device = device
        self._global = (-(-nest.items // nest.group) * nest.group,)
        self._local = (nest.group,)
        self._zeros = (device.zeros,) if nest.zeros else ()

    def launch(self, memory: Sequence[Any]) -> None:
        self._enqueue(self._device.queue, memory)

    def launch_timed(self, memory: Sequence[Any]) -> float:
        self._device.queue.finish()
        event = self._enqueue(self._device.profiling_queue, memory)
        event.wait()
        return float(event.profile.end - event.profile.start) * 1e-9

    def _enqueue(self, queue: Any, memory: Sequence[Any]) -> Any:
        self._function.set_args(*memory, *self._zeros)
        return cl.enqueue_nd_range_kernel(queue, self._function, self._global, self._local)


class NothingToDo(Program):
    """A kernel whose outputs have no elements."""

    source = "// no elements\n"
    nest = "no elements"
    suffix = ".cl"
    comment = "//"

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel

    def launch(self, memory: Sequence[Any]) -> None:
        """Nothing."""

    def launch_timed(self, memory: Sequence[Any]) -> float:
        return 0.0


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
            f"[opencl] {device.name.strip()} does not compile a generated program; please report "
            f"this\n{log.strip()}\n{_quoted(source, log)}"
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
