"""What a backend provides. It sees kernels and raw memory, nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lazygrad.kernel import cost
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.target import Target


def joint_name(kernels: Sequence[Kernel]) -> str:
    """The name of a launch: that of its largest kernel, and how many there are besides."""
    if len(kernels) == 1:
        return kernels[0].name
    return f"{max(kernels, key=cost.flops).name}_and_{len(kernels) - 1}_more"


@dataclass(frozen=True)
class Call:
    """A kernel and the numbers of the memory in its buffer slots; equal numbers, same memory."""

    kernel: Kernel
    memory: tuple[int, ...]


class Program(ABC):
    """Compiled code for one launch: a kernel, or several that need not wait for each other.

    Attributes:
        kernels: what it computes.
        source: the generated code, as it was compiled.
        nest: the loop nests it was generated from, for people.
        geometry: how it is launched (global and local sizes), for people.
        suffix, comment: of files in the source's language, for dumps.
    """

    kernels: tuple[Kernel, ...]
    source: str
    nest: str
    geometry: str = ""
    suffix: str = ".txt"
    comment: str = "#"

    @property
    def name(self) -> str:
        """For people and file names."""
        return joint_name(self.kernels)

    @abstractmethod
    def bind(self, memory: Sequence[Any]) -> Callable[[], None]:
        """A call that starts it on this memory, to be called any number of times; it need not wait
        for the end. One memory object a slot of the kernel's buffers, or, for a launch of several
        kernels, a number of ``Launch.memory``."""

    def launch(self, memory: Sequence[Any]) -> None:
        """Start it once."""
        self.bind(memory)()

    @abstractmethod
    def launch_timed(self, memory: Sequence[Any]) -> float:
        """Run it, wait, and return the seconds that it took on the device."""


@dataclass(frozen=True)
class Launch:
    """A program and the numbers of the memory that it is bound to, in order."""

    program: Program
    memory: tuple[int, ...]


class Backend(ABC):
    """A device: memory, copies, compilation. One instance a process, made when first named."""

    name: str  # as in BACKEND=...
    target: Target

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

    @abstractmethod
    def compile(self, kernels: Sequence[Kernel]) -> list[Program]:
        """Generate and compile code for several kernels at once, in their order.

        Raises:
            DeviceError: with the compiler's log and the source.
        """

    def compile_calls(self, calls: Sequence[Call]) -> list[Launch]:
        """Launches that do what ``calls`` would do one after the other. A backend that can run
        several kernels in one launch may join and reorder calls that do not depend on each other.
        """
        programs = self.compile([call.kernel for call in calls])
        return [
            Launch(program, call.memory) for program, call in zip(programs, calls, strict=True)
        ]

    @abstractmethod
    def synchronize(self) -> None:
        """Wait until everything launched has finished."""
