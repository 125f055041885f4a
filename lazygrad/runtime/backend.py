"""What a backend provides. It sees kernels and raw memory, nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.target import Target


class Program(ABC):
    """One compiled kernel.

    Attributes:
        kernel: what it computes.
        source: the generated code, as it was compiled.
        nest: the loop nest it was generated from, for people.
        geometry: how it is launched (global and local sizes), for people.
        suffix, comment: of files in the source's language, for dumps.
    """

    kernel: Kernel
    source: str
    nest: str
    geometry: str = ""
    suffix: str = ".txt"
    comment: str = "#"

    @abstractmethod
    def launch(self, memory: Sequence[Any]) -> None:
        """Start it on one memory object a slot of ``kernel.buffers``; need not wait for it."""

    @abstractmethod
    def launch_timed(self, memory: Sequence[Any]) -> float:
        """Run it, wait, and return the seconds that it took on the device."""


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

    @abstractmethod
    def synchronize(self) -> None:
        """Wait until everything launched has finished."""
