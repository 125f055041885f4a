"""How loops run: the launches of the body again and again, each on the memory of its step."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import groupby
from time import perf_counter
from typing import Any

import numpy as np

from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.plan import Copy, Flags, LoopCall, Piece, Reach, Turns
from lazygrad.kernel.routine import RoutineCall
from lazygrad.runtime.backend import Backend, Code, Part, Program


@dataclass(frozen=True)
class LoopCode:
    """What is to be repeated, as plain data.

    Attributes:
        length: how often.
        codes: the launches of a step.
        reaches: the loop's memory that each number of theirs is, but for temporaries.
        temporaries: those are pieces of arenas.
        before, each, after: what is copied before the first step, after each, and in the end.
        going: what says that it may end.
        turns: in which steps each launch runs; none: in all.
    """

    length: int
    codes: tuple[Code, ...]
    reaches: tuple[Reach, ...]
    temporaries: tuple[Piece, ...]
    before: tuple[Copy, ...]
    each: tuple[Copy, ...]
    after: tuple[Copy, ...]
    going: Flags | None = None
    turns: tuple[Turns, ...] = ()

    @property
    def together(self) -> list[list[Code]]:
        """Codes that were generated together: those that follow each other in the same steps."""
        if not self.turns:
            return [[*self.codes]]
        found = groupby(zip(self.codes, self.turns, strict=True), lambda pair: pair[1])
        return [[each for each, _ in pairs] for _, pairs in found]


def reaches(call: LoopCall) -> tuple[Reach, ...]:
    """The memory of the body's inputs, outputs and arenas, which is numbered in this order."""
    return call.inputs + call.outputs + call.arenas


def pieces(call: LoopCall) -> dict[int, Piece]:
    """The body's temporaries, by the numbers that come after those."""
    return call.body.pieces(len(call.inputs))


def own_bytes(call: LoopCall) -> tuple[int, ...]:
    """The bytes of the memory in the slots that are for the loop itself."""
    body = call.body
    copies = (*call.before, *call.each, *call.after)
    reached = [
        *zip(call.outputs, body.outputs, strict=True),
        *zip(call.arenas, body.arenas, strict=True),
        *((copy.to, copy.nbytes) for copy in copies),
    ]
    if call.workers:  # each has its own
        reached = [
            (reach, nbytes * (call.workers if reach in call.arenas else 1))
            for reach, nbytes in reached
        ]
    sizes: dict[int, int] = {}
    for reach, nbytes in reached:
        for slot in _slots(reach):
            sizes[slot] = max(nbytes, sizes.get(slot, 0))
    first = len(call.buffers)
    return tuple(sizes[slot] for slot in range(first, 1 + max(sizes, default=0)))


def steps_of(
    call: LoopCall,
) -> list[tuple[Kernel | RoutineCall | LoopCall, tuple[int, ...]]]:
    """The body's steps with the numbers of their memory."""
    base = call.body.numbers(len(call.inputs))
    return [
        (step.kernel, tuple(base[place.role] + place.index for place in step.places))
        for step in call.body.steps
    ]


def moved(call: LoopCall, memory: Sequence[int], moving: Container[int]) -> frozenset[int]:
    """The numbers in the body of what starts elsewhere in each step, or in each step of a loop
    around this one, where memory of the numbers ``moving`` does so."""
    outer = {slot for slot, number in enumerate(memory) if number in moving}
    return frozenset(
        number
        for number, reach in enumerate(reaches(call))
        if reach.moves or not outer.isdisjoint(_slots(reach))
    )


def _slots(reach: Reach) -> tuple[int, ...]:
    return reach.slots if reach.first is None else (*reach.slots, reach.first)


def code(number: int, call: LoopCall, memory: tuple[int, ...], codes: Sequence[Code]) -> Code:
    """The code of step ``number`` of a plan, of which ``codes`` are those of the body."""
    turns = [call.turns_of(each.calls[0]) for each in codes]
    inner = [
        (part, of.count(call.length))
        for each, of in zip(codes, turns, strict=True)
        for part in each.parts
    ]
    part = Part(
        name=call.name,
        calls=(number,),
        flops=sum(runs * part.flops for part, runs in inner),
        nbytes=sum(runs * part.nbytes for part, runs in inner),
        source="\n\n".join([f"{call.length} times:", *(part.source for part, _ in inner)]),
    )
    data = LoopCode(
        call.length, tuple(codes), reaches(call), tuple(pieces(call).values()),
        call.before, call.each, call.after, call.going,
        tuple(turns) if call.turns else (),
    )  # fmt: skip
    return Code((part,), memory, f"{call.length} times {len(codes)} launches", data)


class LoopProgram(Program):
    """A loop whose body's launches are ``programs``."""

    def __init__(self, code: Code, programs: Sequence[Program], backend: Backend) -> None:
        super().__init__(code)
        self._loop: LoopCode = code.data
        self._programs, self._backend = programs, backend

    def bind(self, memory: Sequence[Any], starts: Sequence[int] = ()) -> Callable[[], None]:
        starts = starts or (0,) * len(memory)
        own, reaches = self._pieces(memory)
        bodies = [
            _Launches(
                program,
                [reaches[number] for number in program.code.memory],
                [*memory, *own],
                [*starts, *[0] * len(own)],
            )
            for program in self._programs
        ]
        return partial(self._run, bodies, memory, starts)

    def _pieces(self, memory: Sequence[Any]) -> tuple[list[Any], dict[int, Reach]]:
        """Memory of the temporaries that launches are bound to, which comes after the loop's own,
        and where each number is."""
        loop, own = self._loop, list[Any]()
        found = dict(enumerate(loop.reaches))
        bound = {number for program in self._programs for number in program.code.memory}
        for number, piece in enumerate(loop.temporaries, len(loop.reaches)):
            if number in bound:
                (slot,) = loop.reaches[piece.of].slots
                found[number] = Reach((len(memory) + len(own),))
                own.append(self._backend.piece(memory, replace(piece, of=slot)))
        return own, found

    def _run(
        self, bodies: Sequence[_Launches], memory: Sequence[Any], starts: Sequence[int]
    ) -> None:
        loop, each, between = self._loop, self._loop.each, self._between
        self._copy(loop.before, 0, memory, starts)
        for count in range(loop.length):
            for number, body in enumerate(bodies):
                if not loop.turns or loop.turns[number].take(count):
                    body.at(count)()
            if each:
                self._copy(each, count, memory, starts)
            left = loop.length - count - 1
            if between and not left % between and self._is_over(count, memory, starts):
                break
        self._copy(loop.after, 0, memory, starts)

    @cached_property
    def _between(self) -> int:
        """How many steps there are from one look at what says that the loop may end to the next:
        an even number, and so many that waiting costs no more than launching them; 0 where nothing
        says so."""
        if self._loop.going is None:
            return 0
        target = self._backend.target
        return 2 * max(1, round(target.look / (2 * target.launch * max(len(self._programs), 1))))

    def _is_over(self, count: int, memory: Sequence[Any], starts: Sequence[int]) -> bool:
        """Whether what comes behind the step after ``count`` others would change nothing."""
        flags = self._loop.going
        if flags is None:
            return False
        slot, start = flags.place.at(count)
        start += starts[slot]
        found = np.empty(start + flags.nbytes, np.uint8)
        self._backend.download(memory[slot], found)
        return not found[start:].any()

    def _copy(
        self, copies: Sequence[Copy], count: int, memory: Sequence[Any], starts: Sequence[int]
    ) -> None:
        for copy in copies:
            (source, start), (to, there) = copy.source.at(count), copy.to.at(count)
            self._backend.copy(
                memory[source], starts[source] + start, memory[to], copy.nbytes, starts[to] + there
            )

    def launch_timed(self, memory: Sequence[Any], starts: Sequence[int] = ()) -> list[float]:
        self._backend.synchronize()
        start = perf_counter()
        with self._backend.running():
            self.bind(memory, starts)()
        self._backend.synchronize()
        return [perf_counter() - start]


TURNS = 3  # the first step, and those that follow it in turn: they work on other memory each


class _Launches:
    """One launch of each step. What does not move is bound once a turn, the rest in each step: to
    keep all of them would take memory for each."""

    def __init__(
        self,
        program: Program,
        reaches: Sequence[Reach],
        memory: Sequence[Any],
        starts: Sequence[int],
    ) -> None:
        self._program = program
        self._moves = any(reach.moves for reach in reaches)
        self._memory: list[list[Any]] = []
        self._starts: list[list[tuple[int, Reach]]] = []  # of the memory
        self._bound: list[Callable[[], None] | None] = [None] * TURNS
        for turn in range(TURNS):
            slots = [reach.at(turn)[0] for reach in reaches]
            self._memory.append([memory[slot] for slot in slots])
            rows = zip(slots, reaches, strict=True)
            self._starts.append([(starts[slot], reach) for slot, reach in rows])

    def at(self, count: int) -> Callable[[], None]:
        """That of the step after ``count`` others."""
        turn = count if count < TURNS else 2 - count % 2
        bound = self._bound[turn]
        if bound is None:
            places = [start + reach.at(count)[1] for start, reach in self._starts[turn]]
            bound = self._program.bind(self._memory[turn], places)
            if not self._moves:
                self._bound[turn] = bound
        return bound
