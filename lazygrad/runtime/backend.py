"""What a backend provides. It sees kernels and raw memory, nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from lazygrad.errors import DeviceError, InternalError
from lazygrad.kernel import cost
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.plan import NO_PIECES, LoopCall, Piece
from lazygrad.kernel.target import Target


@dataclass(frozen=True)
class Call:
    """A kernel, or a loop that the backend ``takes``, and the numbers of the memory in its slots;
    equal numbers, same memory. ``moving`` says for each slot whether a launch is told where the
    buffer starts; (): none."""

    kernel: Kernel | LoopCall
    memory: tuple[int, ...]
    moving: tuple[bool, ...] = ()

    @property
    def kernels(self) -> list[Kernel]:
        """The kernel, or those of the loop's body, which is of nothing else."""
        if isinstance(self.kernel, Kernel):
            return [self.kernel]
        works = (step.kernel for step in self.kernel.body.steps)
        return [work for work in works if isinstance(work, Kernel)]

    @property
    def single(self) -> Kernel:
        """The kernel, of a backend that takes no loops.

        Raises:
            InternalError: it was given one.
        """
        if not isinstance(self.kernel, Kernel):
            raise InternalError(f"[generate] the loop {self.kernel.name} for what takes no loops")
        return self.kernel


@dataclass(frozen=True)
class Part:
    """What a launch does at one time: a kernel, or several that need not wait for each other.

    Attributes:
        name: of its largest kernel, and how many there are besides.
        calls: the numbers of the calls that it makes.
        flops, nbytes: operations, and bytes moved, of all its kernels.
        source: the generated code, for people.
        kernels: how many there are, those in the bodies of loops among them.
    """

    name: str
    calls: tuple[int, ...]
    flops: int
    nbytes: int
    source: str
    kernels: int = 1

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
            kernels=sum(len(call.kernels) for call in calls.values()),
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

    @property
    def kernels(self) -> int:
        """How many there are, as of parts."""
        return sum(part.kernels for part in self.parts)


def joint_name(kernels: Sequence[Kernel | LoopCall]) -> str:
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
    def bind(self, memory: Sequence[Any], starts: Sequence[int] = ()) -> Callable[[], None]:
        """A call that starts it on this memory, one object a number of ``code.memory``, any number
        of times, on this thread and inside the backend's ``running()``; it need not wait for the
        end. ``starts`` are the bytes at which the buffers begin in them, if not at their
        beginning: multiples of an element's, and 0 for all that is not ``moving``."""

    def launch(self, memory: Sequence[Any]) -> None:
        """Start it once, outside of a plan."""
        self.bind(memory)()

    @abstractmethod
    def launch_timed(self, memory: Sequence[Any], starts: Sequence[int] = ()) -> list[float]:
        """Run it, wait, and return the seconds that each part took on the device; ``starts`` as of
        ``bind``."""


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

    def on_host(self, memory: Any) -> np.ndarray[Any, Any] | None:
        """The bytes of ``memory`` as an array of uint8 that shows them, once pending work is done;
        None where they are not in the host's memory."""
        return None

    def part(self, memory: Any, start: int, nbytes: int) -> Any:
        """The ``nbytes`` of ``memory`` from byte ``start`` on as memory; None where the device
        cannot share them. It can at multiples of ``Target.alignment``, or nowhere."""
        return None

    def piece(self, memory: Sequence[Any], piece: Piece) -> Any:
        """Memory for a piece of what is in ``memory``: of its own where it cannot be shared."""
        found = self.part(memory[piece.of], piece.start, piece.nbytes)
        return self.allocate(piece.nbytes) if found is None else found

    def copy(self, source: Any, start: int, memory: Any, nbytes: int, to: int = 0) -> None:
        """Copy ``nbytes`` of ``source`` from byte ``start`` on to ``memory``, from byte ``to`` on;
        here by way of the host."""
        array = np.empty(start + nbytes, np.uint8)
        self.download(source, array)
        if to:
            there = np.empty(to + nbytes, np.uint8)
            self.download(memory, there)
            there[to:] = array[start:]
            self.upload(memory, there)
        else:
            self.upload(memory, array[start:])

    def takes(self, call: LoopCall) -> bool:
        """Whether ``generate`` makes code of a loop, whose body is of kernels only; otherwise the
        launches of a step are made and repeated. A loop with ``workers`` has steps that do not
        depend on each other."""
        return False

    def prepare(self, kernels: int) -> None:  # noqa: B027 (most have nothing to start)
        """A plan of about so many kernels is being made: what takes long to start may start now."""

    @abstractmethod
    def generate(
        self, calls: Sequence[Call], pieces: Mapping[int, Piece] = NO_PIECES
    ) -> list[Code]:
        """Code for launches that do what ``calls`` would do one after the other. Memory of some
        numbers is ``pieces`` of other memory; a launch may be bound to either. Of pieces that
        overlap, the later one is written when all that use the earlier one have ended.

        A backend that can run several kernels in one launch may join and reorder calls that do not
        depend on each other; a call whose kernel has no elements to compute may be left out. Here
        and in ``load``, ``progress.advance`` says that a kernel is done.

        Raises:
            DeviceError: if the device cannot compute something, a dtype for example.
        """

    @abstractmethod
    def load(self, codes: Sequence[Code]) -> list[Program]:
        """Compiles code, that of one plan at once.

        Raises:
            DeviceError: with the compiler's log and the source.
        """

    def texts(self, codes: Sequence[Code]) -> list[str]:
        """The programs that ``codes`` become when they are loaded together, in order: each a
        complete text, that says all that is compiled; here what people are shown."""
        return [self.shown(code, part) for code in codes for part in code.parts]

    def shown(self, code: Code, part: Part) -> str:
        """The code of a part of a launch, for people."""
        return part.source

    def load_texts(self, codes: Sequence[Code], texts: Sequence[str]) -> list[Program]:
        """As ``load``, but compiles ``texts``, which somebody may have changed.

        Raises:
            DeviceError: as ``load``; or the backend compiles nothing but its own code.
        """
        raise DeviceError(f"[{self.name}] this backend compiles no code but its own")

    def load_all(self, several: Sequence[Sequence[Code]]) -> list[list[Program]]:
        """``load`` of each, what stands between other steps of a plan; a backend may compile it at
        once."""
        return [self.load(codes) for codes in several]

    def load_apart(
        self, programs: Sequence[tuple[Sequence[Code], Sequence[str]]]
    ) -> list[list[Program]]:
        """``load_texts`` of each; a backend may compile several texts at once."""
        return [self.load_texts(codes, texts) for codes, texts in programs]

    def routine(self, code: Code) -> Program | None:
        """The program of ``code.data``, a ``RoutineCall``, where the device has that routine; None:
        the host computes it."""
        return None

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
