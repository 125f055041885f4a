"""Runs a loop nest in Python, statement by statement: codegen without a device.

It refuses what a device would not notice: reading outside a buffer, writing an element twice,
using a variable out of its scope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lazygrad import element_types as dt, ops, semantics
from lazygrad.codegen import interpret, nest
from lazygrad.codegen.nest import LoopNest, Sum
from lazygrad.kernel import forms

Array = np.ndarray[Any, Any]


class NestError(AssertionError):
    """A nest that does what no kernel may do."""


def run_nest(loop_nest: LoopNest, inputs: Sequence[Array]) -> list[Array]:
    """The output buffers for the input buffers; every output element must be written once, or
    in a kernel that collects, by one work-item."""
    runner = _Runner(loop_nest, inputs)
    with np.errstate(all="ignore"):
        if loop_nest.together:
            for group in range(loop_nest.items // loop_nest.group):
                runner.group(loop_nest, group)
        else:
            for item in range(loop_nest.items):
                runner.item = item
                if any(runner.block(loop_nest.body, {"item": item})):
                    raise NestError("a work-item without a group waits")
    for slot, count in runner.written.items() if loop_nest.kernel.collected is None else ():
        if not np.all(count == 1):
            raise NestError(f"output {slot}: {np.sum(count != 1)} elements not written just once")
    return [runner.memory[slot] for slot in loop_nest.kernel.written]


Names = dict[str, Any]


@dataclass
class Wait:
    """Where a work-item waits for the others of its group, and what it hands in."""

    statement: Any
    names: Names
    value: Any = None


class _Runner:
    def __init__(self, loop_nest: LoopNest, inputs: Sequence[Array]) -> None:
        self.shared: dict[str, Array] = {}  # memory of the group
        self.users: dict[tuple[str, int], dict[int, bool]] = {}  # who read (False) or wrote it
        self.kernel = loop_nest.kernel
        self.zeros = loop_nest.zeros
        self.item = 0
        self.writers: dict[int, int] = {}  # of elements that are collected
        self.memory = {}
        self.written = {}
        for slot, spec in enumerate(self.kernel.buffers):
            if slot in self.kernel.written:
                self.memory[slot] = np.zeros(spec.size, spec.dtype.numpy)
                self.written[slot] = np.zeros(spec.size, np.int64)
            else:
                self.memory[slot] = np.ravel(inputs[slot - len(self.kernel.written)])

    def group(self, loop_nest: LoopNest, number: int) -> None:
        """Runs every work-item up to where it waits, then the next; all must wait together."""
        self.shared = {}
        members = [
            self.block(loop_nest.body, {"item": number, "member": member})
            for member in range(loop_nest.group)
        ]
        while True:
            self.users = {}
            waiting = [wait for member in members if (wait := next(member, None)) is not None]
            if not waiting:
                return
            if len(waiting) != len(members):
                raise NestError("not every work-item of a group waits")
            if len({id(wait.statement) for wait in waiting}) != 1:
                raise NestError("work-items of a group wait at different places")
            if isinstance(waiting[0].statement, nest.Combine):
                self._combine(waiting)

    def _combine(self, waiting: list[Wait]) -> None:
        statement = waiting[0].statement
        op, of = statement.op, statement.operand.dtype
        total = waiting[0].value
        for wait in waiting[1:]:
            total = self.apply(op, of, of, [total, wait.value])
        for wait in waiting:
            self.set(wait.names, statement.name, total)

    def block(self, body: Sequence[nest.Statement], names: Names) -> Iterator[Wait]:
        """Runs ``body``, and stops wherever the work-item waits for its group."""
        for statement in body:
            if isinstance(statement, nest.Combine):
                value = np.ravel(self.value(statement.operand, names))[0]  # of an accumulator
                yield Wait(statement, names, value)
            elif isinstance(statement, nest.Barrier):
                yield Wait(statement, names)
            elif isinstance(statement, nest.BLOCKS):
                yield from _CONTROL[type(statement)](self, statement, names)
            else:
                _RUN[type(statement)](self, statement, names)

    def set(self, names: Names, name: str, value: Any) -> None:
        if name in names:
            raise NestError(f"{name} is defined twice")
        names[name] = value

    def sum(self, total: Sum, names: Names) -> Any:
        return sum((names[name] * c for name, c in total.terms), total.const)

    def value(self, value: nest.Value, names: Names) -> Any:
        if value.name:
            return names[value.name]
        return np.asarray(value.literal).astype(interpret._compute(value.dtype))

    # -- memory ---------------------------------------------------------------------------------

    def where(self, place: nest.Place, names: Names) -> tuple[int | None, int]:
        """Slot (None: the zeros) and element number."""
        offset = int(self.sum(place.offset, names))
        if not place.pointer:
            return place.slot, offset
        slot, base = names[place.pointer]
        return slot, base + offset

    def read(self, place: nest.Place, lanes: Any, of: dt.DType, names: Names) -> Array:
        slot, base = self.where(place, names)
        where = base + np.asarray(lanes)
        if slot is None:
            if np.any(where < 0) or np.any((where + 1) * of.itemsize > self.zeros):
                raise NestError(f"reads at {where} behind a pointer to zeros")
            return np.zeros(where.shape, interpret._compute(of))
        memory = self.memory[slot]
        if np.any(where < 0) or np.any(where >= memory.size):
            raise NestError(f"reads {where} of buffer {slot} with {memory.size} elements")
        return interpret._loaded(memory[where], of)

    def row(self, place: nest.Place, count: int, of: dt.DType, names: Names) -> Array:
        """As ``read``, of ``count`` elements side by side: most of what nests read."""
        slot, base = self.where(place, names)
        memory = None if slot is None else self.memory[slot]
        if memory is None or base < 0 or base + count > memory.size:
            return self.read(place, np.arange(count), of, names)
        return interpret._loaded(memory[base : base + count], of)

    def pointer(self, s: nest.Pointer, names: Names) -> None:
        slot, base = self.where(s.place, names)
        holds = not s.guard or bool(names[s.guard])
        self.set(names, s.name, (slot, base) if holds else (None, 0))

    def load(self, s: nest.Load, names: Names) -> None:
        if s.guard and not names[s.guard]:
            value = np.zeros(s.lanes, interpret._compute(s.dtype))
        else:
            value = self.row(s.place, s.lanes, s.dtype, names)
        self.set(names, s.name, value if s.lanes > 1 else value[0])

    def gather(self, s: nest.Gather, names: Names) -> None:
        holds = np.broadcast_to(names[s.guard] if s.guard else True, s.lanes)
        lanes = np.arange(s.lanes) * s.stride + (names[s.index] if s.index else 0)
        value = np.zeros(s.lanes, interpret._compute(s.dtype))
        value[holds] = self.read(s.place, lanes[holds], s.dtype, names)
        self.set(names, s.name, value)

    def move(self, s: nest.Move, names: Names) -> None:
        value, places = self.value(s.operand, names), np.arange(s.lanes) + s.by
        inside = (places >= 0) & (places < s.lanes)
        self.set(names, s.name, np.where(inside, value[places * inside], value.dtype.type(0)))

    def fetch(self, s: nest.Fetch, names: Names) -> None:
        self.where(s.place, names)  # there may be nothing

    def store(self, s: nest.Store, names: Names) -> None:
        slot, base = self.where(s.place, names)
        lanes = names[s.index] if s.index else np.arange(s.lanes) * s.stride
        where = base + np.asarray(lanes)
        memory = self.memory[slot]
        if np.any(where < 0) or np.any(where >= memory.size):
            raise NestError(f"writes {where} of buffer {slot} with {memory.size} elements")
        value = np.broadcast_to(self.value(s.value, names), s.lanes)
        memory[where] = interpret._stored(value, s.dtype)
        np.add.at(self.written[slot], where, 1)
        if self.kernel.collected is not None:
            for element in np.ravel(where).tolist():
                if self.writers.setdefault(element, self.item) != self.item:
                    raise NestError(f"two work-items write element {element}")

    # -- values ---------------------------------------------------------------------------------

    def divide(self, s: nest.Divide, names: Names) -> None:
        value = self.sum(s.value, names)
        if np.any(np.asarray(value) < 0) and not s.negative:
            raise NestError(f"{s.name}: {s.value} is negative")
        self.set(names, s.name, value % s.divisor if s.remainder else value // s.divisor)

    def test(self, s: nest.Test, names: Names) -> None:
        holds: Any = np.True_
        for name in s.also:
            holds = holds & names[name]
        for total, low, high in s.bounds:
            value = np.asarray(self.sum(total, names))
            holds = holds & (low is None or value >= low) & (high is None or value < high)
        self.set(names, s.name, holds)

    def let(self, s: nest.Let, names: Names) -> None:
        src = [self.value(v, names) for v in s.operands]
        self.set(names, s.name, self.apply(s.op, s.dtype, s.operands[0].dtype, src))

    def apply(self, op: Any, of: dt.DType, source: dt.DType, src: Sequence[Any]) -> Any:
        if op is ops.CAST:
            return interpret._cast(np.asarray(src[0]), source, of)
        meaning = forms.MEANING.get(op) or semantics.ELEMENTWISE[op]
        return meaning(*(np.asarray(v) for v in src))

    def from_int(self, s: nest.FromInt, names: Names) -> None:
        value = np.asarray(self.sum(s.value, names))
        self.set(names, s.name, value.astype(interpret._compute(s.dtype)))

    def keep(self, s: nest.Keep, names: Names) -> None:
        value = np.asarray(self.value(s.operand, names))
        self.set(names, s.name, np.where(names[s.guard], value, np.zeros((), value.dtype)))

    def declare(self, s: nest.Declare, names: Names) -> None:
        self.set(names, s.name, np.full(s.lanes, s.first, interpret._compute(s.dtype)))

    def accumulate(self, s: nest.Accumulate, names: Names) -> None:
        src = [self.value(v, names) for v in s.operands]
        value = src[0] if len(src) == 1 else src[0] * src[1]
        names[s.name][:] = self.apply(s.op, s.dtype, s.dtype, [names[s.name], value])

    def fold(self, s: nest.Fold, names: Names) -> None:
        value, *rest = self.value(s.operand, names)
        for other in rest:
            value = self.apply(s.op, s.operand.dtype, s.operand.dtype, [value, other])
        self.set(names, s.name, value)

    # -- panels and control ---------------------------------------------------------------------

    def array(self, s: nest.Array, names: Names) -> None:
        shape = (s.count, s.lanes)
        self.set(names, s.name, np.full(shape, np.nan, interpret._compute(s.dtype)))

    def shared_(self, s: nest.Shared, names: Names) -> None:
        if s.name not in self.shared:
            self.shared[s.name] = np.full(s.count, np.nan, interpret._compute(s.dtype))

    def put(self, s: nest.Put, names: Names) -> None:
        index, value = self.sum(s.index, names), self.value(s.value, names)
        if s.array in self.shared:
            self.shared_at(s.array, index, 1, names, True)[:] = value
        else:
            names[s.array][index] = value

    def get(self, s: nest.Get, names: Names) -> None:
        index = self.sum(s.index, names)
        if s.array not in self.shared:
            self.set(names, s.name, names[s.array][index].copy())
            return
        value = self.shared_at(s.array, index, s.lanes, names, False).copy()
        self.set(names, s.name, value if s.lanes > 1 else value[0])

    def shared_at(self, array: str, index: int, lanes: int, names: Names, writes: bool) -> Array:
        """Elements of what a group shares. Until the next barrier, those that one work-item writes
        belong to it alone."""
        memory = self.shared[array]
        if index % lanes or not 0 <= index <= memory.size - lanes:
            raise NestError(f"{lanes} elements of {array} from {index} on")
        for place in range(index, index + lanes):
            users = self.users.setdefault((array, place), {})
            users[names["member"]] = users.get(names["member"], False) or writes
            if len(users) > 1 and any(users.values()):
                raise NestError(f"work-items race for {array}[{place}]")
        return memory[index : index + lanes]

    def loop(self, s: nest.Loop, names: Names) -> Iterator[Wait]:
        stop = self.sum(s.stop, names)
        stop = stop if s.limit is None else min(stop, s.limit)
        for counter in range(self.sum(s.start, names), stop, s.step):
            yield from self.block(s.body, {**names, s.name: counter})

    def last(self, s: nest.Last, names: Names) -> Iterator[Wait]:
        if names[s.variable] == s.value:
            yield from self.block(s.body, dict(names))

    def if_(self, s: nest.If, names: Names) -> Iterator[Wait]:
        if names[s.test]:
            yield from self.block(s.body, dict(names))

    def int_(self, s: nest.Int, names: Names) -> None:
        self.set(names, s.name, self.sum(s.value, names))

    def lanes(self, s: nest.Lanes, names: Names) -> None:
        self.set(names, s.name, np.arange(s.lanes))

    def to_int(self, s: nest.ToInt, names: Names) -> None:
        self.set(names, s.name, np.asarray(self.value(s.value, names)).astype(np.int64))


_RUN: dict[type, Callable[[_Runner, Any, Names], None]] = {
    nest.Int: _Runner.int_,
    nest.Lanes: _Runner.lanes,
    nest.Divide: _Runner.divide,
    nest.ToInt: _Runner.to_int,
    nest.Pointer: _Runner.pointer,
    nest.Test: _Runner.test,
    nest.Let: _Runner.let,
    nest.FromInt: _Runner.from_int,
    nest.Keep: _Runner.keep,
    nest.Load: _Runner.load,
    nest.Gather: _Runner.gather,
    nest.Declare: _Runner.declare,
    nest.Accumulate: _Runner.accumulate,
    nest.Fold: _Runner.fold,
    nest.Store: _Runner.store,
    nest.Move: _Runner.move,
    nest.Fetch: _Runner.fetch,
    nest.Array: _Runner.array,
    nest.Shared: _Runner.shared_,
    nest.Put: _Runner.put,
    nest.Get: _Runner.get,
}
_CONTROL: dict[type, Callable[[_Runner, Any, Names], Iterator[Wait]]] = {
    nest.Loop: _Runner.loop,
    nest.Last: _Runner.last,
    nest.If: _Runner.if_,
}
