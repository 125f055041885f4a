"""Plan: steps in order, and the memory they work on. Plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lazygrad.kernel.kernel import BufferSpec, Kernel
from lazygrad.kernel.routine import RoutineCall

INPUT, OUTPUT, TEMPORARY = "input", "output", "temporary"


@dataclass(frozen=True)
class Place:
    """Where a value lives: input, output or temporary number ``index``."""

    role: str
    index: int


@dataclass(frozen=True)
class Step:
    """A kernel, the call of a routine or a loop, and the places of its buffer slots."""

    kernel: Kernel | RoutineCall | LoopCall
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Piece:
    """``nbytes`` of the memory of number ``of``, from byte ``start`` on."""

    of: int
    start: int
    nbytes: int


NO_PIECES: Mapping[int, Piece] = MappingProxyType({})


@dataclass(frozen=True)
class Plan:
    """Launches in order.

    Attributes:
        steps: the launches.
        results: where each requested value ends up: an output, or an input passed through.
        outputs: bytes of each output.
        arenas: bytes of each piece of memory for temporaries.
        temporaries: where each lies, pieces of arenas, or of outputs, which are numbered behind
            these: values that are never needed together may share bytes, and the later one is
            written when all that use the earlier one have ended.
        repacked: more inputs, behind the others: the number of one of these, and the order in which
            its dims lie in memory, outermost first.
    """

    steps: tuple[Step, ...]
    results: tuple[Place, ...]
    outputs: tuple[int, ...]
    arenas: tuple[int, ...] = ()
    temporaries: tuple[Piece, ...] = ()
    repacked: tuple[tuple[int, tuple[int, ...]], ...] = ()

    @property
    def peak_bytes(self) -> int:
        """Memory of outputs and temporaries together, inputs not counted."""
        return sum(self.outputs) + sum(self.arenas)

    def numbers(self, inputs: int) -> Mapping[str, int]:
        """All memory is numbered: ``inputs``, outputs, arenas, temporaries; the first number of
        each role of places."""
        arenas = inputs + len(self.outputs)
        return {INPUT: 0, OUTPUT: inputs, TEMPORARY: arenas + len(self.arenas)}

    def pieces(self, inputs: int) -> dict[int, Piece]:
        """Temporaries by their numbers, as pieces of arenas and outputs by theirs."""
        outputs = len(self.outputs)
        whole = [*range(inputs + outputs, inputs + outputs + len(self.arenas))]
        whole += range(inputs, inputs + outputs)
        return {
            number: Piece(whole[piece.of], piece.start, piece.nbytes)
            for number, piece in enumerate(self.temporaries, inputs + len(whole))
        }


@dataclass(frozen=True)
class Reach:
    """What memory a loop works on, step by step.

    Attributes:
        slots: of the loop's memory, taken in turn.
        start, step: the bytes at which it begins in the first step, and how many further in each
            step to come.
        row, beyond: after each ``row`` of so many steps, so many bytes further besides.
        first: the slot in the first step, if it is another one.
    """

    slots: tuple[int, ...]
    start: int = 0
    step: int = 0
    first: int | None = None
    row: int = 1
    beyond: int = 0

    @property
    def moves(self) -> bool:
        """Whether it begins elsewhere in other steps."""
        return self.step != 0 or self.beyond != 0

    def at(self, count: int) -> tuple[int, int]:
        """The slot, and where in it, after ``count`` steps."""
        slot = self.slots[count % len(self.slots)]
        if not count and self.first is not None:
            slot = self.first
        return slot, self.start + count * self.step + count // self.row * self.beyond


@dataclass(frozen=True)
class Turns:
    """The steps of a loop from ``first`` to before ``end`` of each ``row`` of so many."""

    first: int
    end: int
    row: int

    @property
    def are_all(self) -> bool:
        """Whether they are all steps."""
        return self.end - self.first == self.row

    def count(self, length: int) -> int:
        """How many of so many steps they are."""
        return length // self.row * (self.end - self.first)

    def take(self, count: int) -> bool:
        """Whether the step after ``count`` others is one of them."""
        return self.first <= count % self.row < self.end


ALL = Turns(0, 1, 1)


@dataclass(frozen=True)
class Copy:
    """``nbytes`` that are copied from one place to another."""

    source: Reach
    to: Reach
    nbytes: int


@dataclass(frozen=True)
class Flags:
    """The ``nbytes`` from one place on are bools. Once a step has left none of them set, those to
    come would change nothing."""

    place: Reach
    nbytes: int


@dataclass(frozen=True)
class LoopCall:
    """A plan that is run again and again. Buffers come in the order results, operands; slots after
    those are memory for itself.

    Attributes:
        name: what it computes and of which shape, e.g. "scan_200x4x8".
        length: how many times.
        body: the plan of a step.
        results, operands: what the buffers are; some operands may be there again, repacked.
        inputs, outputs, arenas: the memory that each of the body's works on.
        before, each, after: what is copied before the first step, after each, and in the end.
        going: what says when it may end early; after as many steps more or less as are an even
            number, so that carries that take turns lie where they do after all steps.
        workers: where no step depends on another one, how many may run at a time: arenas lie
            there as often, one of a worker behind that of another; 0: steps take turns.
        turns: in which steps each of the body's kernels runs; none: in all.
        origins: the user's operations and lines it came from.
        reasons: why it is a step of its own.
    """

    name: str
    length: int
    body: Plan
    results: tuple[BufferSpec, ...]
    operands: tuple[BufferSpec, ...]
    inputs: tuple[Reach, ...]
    outputs: tuple[Reach, ...]
    arenas: tuple[Reach, ...]
    before: tuple[Copy, ...]
    each: tuple[Copy, ...]
    after: tuple[Copy, ...]
    going: Flags | None = None
    workers: int = 0
    turns: tuple[Turns, ...] = ()
    origins: tuple[str, ...] = field(default=(), compare=False)
    reasons: tuple[str, ...] = field(default=(), compare=False)

    @property
    def buffers(self) -> tuple[BufferSpec, ...]:
        return self.results + self.operands

    @property
    def written(self) -> Mapping[int, int]:
        """The slots that it writes, and how many elements of each."""
        return {slot: spec.size for slot, spec in enumerate(self.results)}

    def turns_of(self, number: int) -> Turns:
        """When the body's step of a number runs."""
        return self.turns[number] if self.turns else ALL

    def runs(self) -> Iterator[tuple[Step, int]]:
        """The body's steps, and how often each runs."""
        for number, step in enumerate(self.body.steps):
            yield step, self.turns_of(number).count(self.length)
