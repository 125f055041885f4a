"""Loops: steps that repeat a plan of their own, that of the body, and the memory it works on."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lazygrad import ops
from lazygrad.body import FINAL, STACKED, TRAJECTORY, Body, Looped, Result, Slot
from lazygrad.graph import Node, toposort
from lazygrad.kernel.kernel import BufferSpec
from lazygrad.kernel.plan import INPUT, Copy, Flags, LoopCall, Place, Plan, Reach
from lazygrad.schedule.calls import BuiltCall
from lazygrad.schedule.draft import Draft, nbytes
from lazygrad.schedule.layout import Order
from lazygrad.schedule.naming import kernel_name, origins
from lazygrad.schedule.simplify import base_of
from lazygrad.shape import numel


class Planner(Protocol):
    """Plans a graph, see ``plan.make_plan``."""

    def __call__(
        self, requested: Sequence[Node], inputs: Sequence[Node], *, lasting: Container[Node]
    ) -> Plan: ...


Repack = Callable[[Node, Order, Node], Node]


def built(draft: Draft, of_body: Planner, repacked: Repack) -> BuiltCall:
    """The step of a draft that loops; ``of_body`` plans the body. Constants it reads in another
    order are ``repacked`` once, for all steps."""
    first = draft.primary
    looped: Looped = first.arg
    body = looped.body
    wanted = {root.arg.result: slot for slot, root in enumerate(draft.roots)}
    stacked = [result for result in wanted if result.kind == STACKED]
    going = body.going if all(result.kind == FINAL for result in wanted) else None
    says = [] if going is None else [Result(FINAL, going)]
    living = _living(body, [*wanted, *says])
    kept = [*(Result(FINAL, carry) for carry in living), *stacked]
    constants = frozenset(body.leaves[body.carries + body.xs :])
    plan = of_body([_value(body, result) for result in kept], body.leaves, lasting=constants)
    copies = [repacked(first.src[number], order, first) for number, order in plan.repacked]
    operands = (*first.src, *copies)
    layout = _Layout(looped, wanted, frozenset(living), len(draft.roots) + len(operands))
    inputs = tuple(layout.operand(number) for number in range(len(operands)))
    outputs: dict[int, Reach] = {}
    for result, place in zip(kept, plan.results, strict=True):
        layout.store(result, place, inputs, outputs)
    arenas = tuple(layout.scratch(size) for size in plan.arenas)
    call = LoopCall(
        name=kernel_name(draft, draft.roots),
        length=looped.length,
        body=plan,
        results=tuple(BufferSpec(root.dtype, root.size) for root in draft.roots),
        operands=tuple(BufferSpec(operand.dtype, operand.size) for operand in operands),
        inputs=inputs,
        outputs=tuple(outputs[number] for number in range(len(plan.outputs))),
        arenas=arenas,
        before=tuple(layout.before),
        each=tuple(layout.each),
        after=tuple(layout.after),
        going=None if going is None else layout.flags(going),
        origins=origins(draft.roots),
        reasons=tuple(draft.reasons),
    )
    return BuiltCall(call, (*draft.roots, *map(base_of, operands)), tuple(layout.sizes))


def _value(body: Body, result: Result) -> Node:
    return result.of if isinstance(result.of, Node) else body.next[result.of]


def _living(body: Body, wanted: Sequence[Result]) -> list[int]:
    """The carries that any of ``wanted`` depends on."""
    living: dict[int, None] = {}
    found = [result.of for result in wanted if not isinstance(result.of, Node)]
    roots = [result.of for result in wanted if isinstance(result.of, Node)]
    while found or roots:
        living.update(dict.fromkeys(found))
        roots += [body.next[carry] for carry in found]
        below = toposort(roots, lambda value: value.src[: value.op.value_arity])
        slots = [value.arg for value in below if value.op is ops.BUFFER]
        read = [slot.number for slot in slots if isinstance(slot, Slot)]
        found = [number for number in read if number < body.carries and number not in living]
        roots = []
    return list(living)


@dataclass
class _Layout:
    """Where a loop keeps what it works on. Slots are numbered: those of results, those of operands,
    and ``sizes`` bytes each for itself.

    Attributes:
        wanted: the slot of each result.
        living: the carries that these depend on.
        slots: how many there are of results and operands.
        homes: where carries are before a step and after it.
    """

    looped: Looped
    wanted: dict[Result, int]
    living: frozenset[int]
    slots: int
    sizes: list[int] = field(default_factory=list)
    homes: dict[int, tuple[Reach, Reach]] = field(default_factory=dict)
    before: list[Copy] = field(default_factory=list)
    each: list[Copy] = field(default_factory=list)
    after: list[Copy] = field(default_factory=list)

    def operand(self, number: int) -> Reach:
        """What the body's input of this number is."""
        body = self.looped.body
        if number in self.living:
            return self._home(number)[0]
        slot = len(self.wanted) + number
        if body.carries <= number < body.carries + body.xs:
            return self._moving(slot, _bytes(body.slots[number]))
        return Reach((slot,))

    def store(
        self, result: Result, place: Place, inputs: Sequence[Reach], outputs: dict[int, Reach]
    ) -> None:
        """Has ``result`` written where it belongs: by the kernel that computes it, unless that
        writes it elsewhere, or it is an input."""
        value = _value(self.looped.body, result)
        if isinstance(result.of, Node):
            to = self._moving(self.wanted[result], nbytes(value))
        else:
            to = self._home(result.of)[1]
        if place.role == INPUT:
            self.each.append(Copy(inputs[place.index], to, nbytes(value)))
        elif outputs.setdefault(place.index, to) is not to:
            self.each.append(Copy(outputs[place.index], to, nbytes(value)))

    def flags(self, carry: int) -> Flags:
        """What a carry says after each step."""
        return Flags(self._home(carry)[1], _bytes(self.looped.body.slots[carry]))

    def scratch(self, size: int) -> Reach:
        self.sizes.append(size)
        return Reach((self.slots + len(self.sizes) - 1,))

    def _moving(self, slot: int, size: int) -> Reach:
        """Step by step another part of what lies in a slot."""
        if self.looped.reverse:
            return Reach((slot,), (self.looped.length - 1) * size, -size)
        return Reach((slot,), 0, size)

    def _home(self, carry: int) -> tuple[Reach, Reach]:
        found = self.homes.get(carry)
        if found is None:
            slot = self.wanted.get(Result(TRAJECTORY, carry))
            make = self._two if slot is None else self._trajectory
            found = self.homes[carry] = make(carry)
        return found

    def _two(self, carry: int) -> tuple[Reach, Reach]:
        """Back and forth between two pieces of memory; what is left in the end is the result."""
        first = len(self.wanted) + carry
        size = _bytes(self.looped.body.slots[carry])
        last = self.wanted.get(Result(FINAL, carry))
        if last is None:
            (last,) = self.scratch(size).slots
        if self.looped.length == 1:
            return Reach((first,)), Reach((last,))
        (other,) = self.scratch(size).slots
        even, odd = (last, other) if self.looped.length % 2 else (other, last)
        return Reach((odd, even), first=first), Reach((even, odd))

    def _trajectory(self, carry: int) -> tuple[Reach, Reach]:
        """Each value after the one before."""
        slot = self.wanted[Result(TRAJECTORY, carry)]
        size, length = _bytes(self.looped.body.slots[carry]), self.looped.length
        step = -size if self.looped.reverse else size
        start = length * size if self.looped.reverse else 0
        given = Reach((len(self.wanted) + carry,))
        self.before.append(Copy(given, Reach((slot,), start), size))
        final = self.wanted.get(Result(FINAL, carry))
        if final is not None:
            end = Reach((slot,), start + length * step)
            self.after.append(Copy(end, Reach((final,)), size))
        return Reach((slot,), start, step), Reach((slot,), start + step, step)


def _bytes(slot: Slot) -> int:
    return BufferSpec(slot.dtype, numel(slot.shape)).nbytes
