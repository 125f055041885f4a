"""Loops: the one way from Nodes to the op LOOP."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from lazygrad import ops, semantics
from lazygrad.body import FINAL, STACKED, TRAJECTORY, Body, Held, Looped, Result, Slot
from lazygrad.graph import Node, const, node, toposort
from lazygrad.lang.movement import broadcast_to, narrow, unsqueeze
from lazygrad.ops import Kind
from lazygrad.shape import Shape

LONG = 16  # steps from which on a recurrence is a loop
VIEWS = (ops.RESHAPE, ops.PERMUTE, ops.EXPAND, ops.SHRINK, ops.FLIP)  # a constant stays one
MARKS = (ops.DETACH, ops.SURROGATE)


class Loop(NamedTuple):
    """A loop with its operands: what all its results have in common.

    Attributes:
        body, length, reverse: see ``body.Looped``.
        operands: one for each slot.
        inner: what a value became that the body was made from.
    """

    body: Body
    length: int
    reverse: bool
    operands: tuple[Node, ...]
    inner: Mapping[Node, Node]

    def final(self, carry: int) -> Node:
        """A carry after the last step."""
        return self._result(FINAL, carry)

    def trajectory(self, carry: int) -> Node:
        """A carry before the first step and after each: one more than there are steps."""
        return self._result(TRAJECTORY, carry)

    def before(self, carry: int) -> Node:
        """A carry before each step, stacked."""
        return narrow(self.trajectory(carry), 0, int(self.reverse), self.length)

    def after(self, carry: int) -> Node:
        """A carry after each step, stacked."""
        return narrow(self.trajectory(carry), 0, int(not self.reverse), self.length)

    def stacked(self, value: Node) -> Node:
        """A value of the body in each step, stacked."""
        number = self.number(value)
        if number is not None and number < self.body.carries:
            return self.before(number)
        if number is not None and number < self.body.carries + self.body.xs:
            return self.operands[number]
        if value in self.body.next:
            return self.after(self.body.next.index(value))
        if number is not None or value.op is ops.CONST:
            one = value if number is None else self.operands[number]
            return broadcast_to(unsqueeze(one, 0), (self.length, *one.shape))
        return self._result(STACKED, value)

    def number(self, value: Node) -> int | None:
        """The slot that a value of the body is."""
        is_slot = value.op is ops.BUFFER and isinstance(value.arg, Slot)
        return value.arg.number if is_slot else None

    def _result(self, kind: str, of: int | Node) -> Node:
        looped = Looped(self.body, self.length, self.reverse, Result(kind, of))
        return node(ops.LOOP, self.operands, looped)


def loop_of(result: Node) -> Loop:
    """The loop that a LOOP is a result of."""
    body, length, reverse, _ = result.arg
    return Loop(body, length, reverse, result.src, {})


def is_long(steps: int) -> bool:
    """Whether so many steps are to be a loop: fewer are a plan of few launches."""
    return steps >= LONG


def stand_in(shape: Shape, like: Node) -> Node:
    """What stands for something of ``shape`` while a body is built."""
    return node(ops.BUFFER, (), Held(shape, like.dtype, like.device))


class Operands(NamedTuple):
    """What a loop works on, by what stands for it where the body was built.

    Attributes:
        carries: their first values.
        xs: what is given step by step, stacked along dim 0.
        constants: what is the same in each step.
    """

    carries: dict[Node, Node]
    xs: dict[Node, Node]
    constants: dict[Node, Node]


def loop(
    operands: Operands,
    after: Sequence[Node],
    outputs: Sequence[Node],
    length: int,
    *,
    reverse: bool = False,
    going: int | None = None,
) -> Loop:
    """A loop of ``length`` > 0 steps over a body that was built on any nodes.

    Args:
        operands: whatever else the body is made of, without any of these, becomes a constant.
        after: the carries after the step.
        outputs: values of the body that will be asked for (as ``inner[output]``).
        going: see ``body.Body``.

    Raises:
        ShapeError: where a carry changes its shape or dtype.
    """
    carries, xs, constants = operands
    given = {**carries, **xs, **constants}
    order = toposort([*after, *outputs], lambda value: () if value in given else value.src)
    moving, numbers = _moving(order, given)
    again = computed_again(moving) - moving - numbers
    if again:
        constants = constants | {value: value for value in lowest(order, again)}
        given |= constants
        moving, numbers = _moving(order, given)
    found = dict(constants)
    read = [v.src for v in order if v in moving and v not in given]
    for value in chain(*read, after, outputs):
        base = value if value in numbers else _base(value)
        if base not in moving and base not in numbers:
            found[base] = base
    slots: list[Slot] = []
    inner: dict[Node, Node] = {}
    for number, (stands, operand) in enumerate([*carries.items(), *xs.items(), *found.items()]):
        slot = Slot(number, stands.shape, stands.dtype, operand.device)
        slots.append(slot)
        inner[stands] = node(ops.BUFFER, (), slot)
    inner = rebuilt([*after, *outputs], inner)
    body = Body(tuple(slots), len(xs), tuple(inner[value] for value in after), going)
    values = (*carries.values(), *xs.values(), *found.values())
    return Loop(body, length, reverse, values, inner)


def _moving(order: Sequence[Node], given: Container[Node]) -> tuple[set[Node], set[Node]]:
    """What is made of anything that is ``given``, and what is a number everywhere."""
    moving, numbers = set[Node](), set[Node]()
    for value in order:
        if value in given or not moving.isdisjoint(value.src):
            moving.add(value)
        elif _folds(value) and numbers.issuperset(value.src):
            numbers.add(value)
    return moving, numbers


def computed_again(values: Iterable[Node]) -> set[Node]:
    """What values are computed from once more for the way back. What is made of it there has to
    stay together, even if it is the same in each step."""
    return {source for value in _recomputing(values) for source in value.src[1:]}


def kept_together(values: Iterable[Node]) -> set[Node]:
    """All between what values are computed from once more and themselves: in the place of one of
    these, there cannot be anything else."""
    found = set[Node]()
    for value in _recomputing(values):
        sources = set(value.src[1:])
        inside = toposort(value.src[:1], lambda v: () if v in sources else v.src)  # noqa: B023
        found.update(v for v in inside if v not in sources)
    return found


def _recomputing(values: Iterable[Node]) -> list[Node]:
    return [v for v in values if v.op is ops.CUSTOM and v.arg.rule.recomputes]


def lowest(order: Sequence[Node], values: Container[Node]) -> list[Node]:
    """Those of ``values`` that are not made of others of them."""
    found: list[Node] = []
    above = set[Node]()
    for value in order:
        if not above.isdisjoint(value.src):
            above.add(value)
        elif value in values:
            found.append(value)
            above.add(value)
    return found


def _base(value: Node) -> Node:
    """What a view shows, which is given to a body instead of the view; unless that is a number."""
    base = value
    while base.op.kind is Kind.MOVEMENT:
        base = base.src[0]
    return value if base.op is ops.CONST else base


def _folds(value: Node) -> bool:
    """Whether it is a number everywhere if what it is made of is."""
    return value.op is ops.CONST or value.op in (*VIEWS, *MARKS) or value.op in ops.ELEMENTWISE


def _folded(value: Node, src: tuple[Node, ...]) -> Node:
    """What ``value`` is, made of numbers."""
    if value.op in ops.ELEMENTWISE:
        constants = [(operand.arg.value, operand.dtype) for operand in src]
        number = semantics.fold(value.op, constants, value.dtype)
    else:
        number = src[0].arg.value
    return const(number, value.dtype, value.shape, value.device)


def rebuilt(roots: Sequence[Node], instead: Mapping[Node, Node]) -> dict[Node, Node]:
    """``roots`` and all below them on what stands ``instead`` of some nodes. Variables, of which
    nobody takes derivatives any more, are their values; what is made of numbers is one."""
    done = dict(instead)
    for value in toposort(roots, lambda value: () if value in instead else value.src):
        if value in done:
            continue
        src = tuple(done[operand] for operand in value.src)
        if value.op is ops.VARIABLE:
            done[value] = src[0]
        elif src and _folds(value) and all(operand.op is ops.CONST for operand in src):
            done[value] = _folded(value, src)
        else:
            done[value] = node(value.op, src, value.arg)
            done[value].origin = done[value].origin or value.origin
    return done
