"""What a backend provides. It sees kernels and raw memory, nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from lazygrad.kernel import cost
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.target import Target


@dataclass(frozen=True)
class Call:
    """A kernel and the numbers of the memory in its buffer slots; equal numbers, same memory."""

    kernel: Kernel
    memory: tuple[int, ...]


Made = TypeVar("Made")


def each_kernel_once(calls: Sequence[Call], make: Callable[[Kernel], Made]) -> list[Made]:
    """For each call what ``make`` makes of its kernel. The calls of a plan share kernels that are
    equal, and often: the steps of a loop that Python unrolled have one."""
    made: dict[Kernel, Made] = {}
    for call in calls:
        if call.kernel not in made:
            made[call.kernel] = make(call.kernel)
    return [made[call.kernel] for call in calls]


@dataclass(frozen=True)
class Part:
    """What a launch does at one time: a kernel, or several that need not wait for each other.

    Attributes:
        name: of its largest kernel, and how many there are besides.
        calls: the numbers of the calls that it makes.
        flops, nbytes: operations, and bytes moved, of all its kernels.
        source: the generated code, for people.
    """

    name: str
    calls: tuple[int, ...]
    flops: int
    nbytes: int
    source: str

    @classmethod
    def of(cls, calls: Mapping[int, Call], source: str) -> Part:
        """That of these calls, by their numbers."""
        kernels = [call.kernel for call in calls.values()]
        return cls(
            name=joint_name(kernels),
            calls=tuple(calls),
            flops=sum(map(cost.flops, kernels)),
            nbytes=sum(map(cost.nbytes, kernels)),
            source=source,
        )


@dataclass(frozen=True)
class Code:
    """What was generated for one launch, as plain data that can be kept on disk.

    Attributes:
        parts: what it does, one after the other.
        memory: the numbers of the memory that it is bound to, in order.
        geometry: how it is launched (global and local sizes), for people.
        data: what the backend needs to compile and launch it: one of its ``records``.
    """

    parts: tuple[Part, ...]
    memory: tuple[int, ...]
    geometry: str
    data: Any

    @property
    def calls(self) -> tuple[int, ...]:
        """The numbers of all calls."""
        return tuple(number for part in self.parts for number in part.calls)


def joint_name(kernels: Sequence[Kernel]) -> str:
    """A name for several kernels: that of the largest one, and how many there are besides."""
    if len(kernels) == 1:
        return kernels[0].name
    return f"{max(kernels, key=cost.flops).name}_and_{len(kernels) - 1}_more"


class Program(ABC):
    """Compiled code: one launch."""

    def __init__(self, code: Code) -> None:
        self.code = code

    @property
    def source(self) -> str:
        return "\n".join(part.source for part in self.code.parts)

    @abstractmethod
    def bind(self, memory: Sequence[Any]) -> Callable[[], None]:
        """A call that starts it on this memory, one object a number of ``code.memory``, any number
        of times, on this thread and inside the backend's ``running()``; it need not wait for the
        end."""

    def launch(self, memory: Sequence[Any]) -> None:
        """Start it once, outside of a plan."""
        self.bind(memory)()

    @abstractmethod
    def launch_timed(self, memory: Sequence[Any]) -> list[float]:
        """Run it, wait, and return the seconds that each part took on the device."""


class Backend(ABC):
    """A device: memory, copies, compilation. One instance a process, made when first named.

    ``suffix`` and ``comment`` are those of files in the language of generated code, for dumps.
    ``records`` are the classes that ``Code.data`` is made of: dataclasses of annotated fields
    (bool, int, float, str, None, tuples, dicts by str, arrays of numbers, other records), which the
    disk cache keeps. Code with other data works, but is made anew by every process.
    """

    name: str  # as in BACKEND=...
    target: Target
    suffix: str = ".txt"
    comment: str = "#"
    records: tuple[type, ...] = ()

    @abstractmethod
    def allocate(self, nbytes: int) -> Any:
        """Uninitialised memory of at least ``nbytes`` (> 0) bytes; freed with its last reference.

        Raises:
            DeviceError: out of memory, with the sizes.
        """

    @abstractmethod
    def upload(self, memory: Any, array: np.ndarray[Any, Any]) -> None:
        """Copy a C-contiguous array to ``memory``; the array may change after the call."""

    @abstractmethod
    def download(self, memory: Any, array: np.ndarray[Any, Any]) -> None:
        """Wait for pending work, then copy ``memory`` to a C-contiguous array."""

    def part(self, memory: Any, start: int, nbytes: int) -> Any:
        """The ``nbytes`` of ``memory`` from byte ``start`` on as memory that is only read; None
        where the device cannot share them."""
        return None

    def copy(self, source: Any, start: int, memory: Any, nbytes: int) -> None:
        """Copy ``nbytes`` of ``source`` from byte ``start`` on to ``memory``; here by way of the
        host."""
        array = np.empty(start + nbytes, np.uint8)
        self.download(source, array)
        self.upload(memory, array[start:])

    @abstractmethod
    def generate(self, calls: Sequence[Call]) -> list[Code]:
        """Code for launches that do what ``calls`` would do one after the other. A backend that can
        run several kernels in one launch may join and reorder calls that do not depend on each
        other; a call whose kernel has no elements to compute may be left out.

        Raises:
            DeviceError: if the device cannot compute something, a dtype for example.
        """

    @abstractmethod
    def load(self, codes: Sequence[Code]) -> list[Program]:
        """Compiles code, that of one plan at once.

        Raises:
            DeviceError: with the compiler's log and the source.
        """

    @abstractmethod
    def describe(self, kernel: Kernel) -> str:
        """The form in which ``kernel`` is turned into code, for people."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """What generated and compiled code depends on, besides the kernels: the device, versions of
        drivers and libraries, options."""

    def compile(self, kernels: Sequence[Kernel]) -> list[Program]:
        """A program for each kernel that has elements to compute, bound to memory in the order of
        its slots."""
        codes = []
        for kernel in kernels:
            codes += self.generate([Call(kernel, tuple(range(len(kernel.buffers))))])
        return self.load(codes)

    def running(self) -> AbstractContextManager[object]:
        """Entered around the bound calls of a plan."""
        return nullcontext()

    @abstractmethod
    def synchronize(self) -> None:
        """Wait until everything launched has finished."""
