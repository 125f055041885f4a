"""The derivatives of a LOOP, which are loops over those of its body, and many loops as one.

Forward, each carry, input and constant that moves has its tangent beside it. Backward, a loop runs
the other way over what the first one left: its carries before each step, and those values of its
body that are dear to compute again. Cotangents of carries are carried; those of constants add up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence

from lazygrad.autodiff.totals import Batching, totals
from lazygrad.body import FINAL, STACKED, TRAJECTORY, Result
from lazygrad.element_types import FLOAT
from lazygrad.graph import Node, toposort
from lazygrad.lang.elementwise import add
from lazygrad.lang.loops import Loop, Operands, kept_together, loop, loop_of, stand_in
from lazygrad.lang.movement import broadcast_to, movedim, narrow, reshape
from lazygrad.lang.operands import zeros_like
from lazygrad.ops import Kind

# Drivers that ask: they take the derivatives, or samples, of the body.
Mode = Callable[[Sequence[Node], Sequence[Node], Sequence[Node]], list[Node | None]]

# What is not computed again for the way back; other values of a body are.
DEAR = (Kind.REDUCE, Kind.INDEXED, Kind.CALL)

OF_CARRY: Mapping[str, Callable[[Loop, int], Node]] = {
    FINAL: Loop.final,
    TRAJECTORY: Loop.trajectory,
}


class Looping:
    """LOOP: the derivatives of all results of a loop at once."""

    def has_derivative(self, index: int) -> bool:
        return True

    def push(self, tangents: Mapping[int, Node], results: Sequence[Node], mode: Mode) -> list[Node]:
        """The tangent of each result that ``tangents`` of operands cause."""
        base = loop_of(results[0])
        leaves, count = base.body.leaves, base.body.carries
        stacked = _stacked(results)
        outputs = [*base.body.next, *stacked]
        beside = {number: _like(leaves[number]) for number in tangents}
        while True:
            moved = mode(outputs, [leaves[n] for n in beside], list(beside.values()))
            new = _reached(moved[:count], beside)
            if not new:
                break
            beside |= {number: _like(leaves[number]) for number in new}
        rows = list(zip(range(len(leaves)), leaves, base.operands, strict=True))
        for n, held in beside.items():
            rows.append((n, held, tangents.get(n) or zeros_like(base.operands[n])))
        changes = [m or zeros_like(value) for m, value in zip(moved, outputs, strict=True)]
        carried = [number for number in beside if number < count]
        after = [*base.body.next, *(changes[number] for number in carried)]
        outputs = changes[count:]
        made = _again(base, rows, after, outputs)

        def tangent(result: Node) -> Node:
            kind, of = result.arg.result
            if isinstance(of, Node):
                return made.stacked(made.inner[outputs[stacked.index(of)]])
            if of not in beside:
                return zeros_like(result)
            return OF_CARRY[kind](made, count + carried.index(of))

        return [tangent(result) for result in results]

    def pull(
        self,
        cotangents: Mapping[Node, Node],
        wanted: Sequence[int],
        mode: Mode,
        batch: Batching,
    ) -> dict[int, Node]:
        """The cotangents of operands ``wanted`` that ``cotangents`` of results cause."""
        base = loop_of(next(iter(cotangents)))
        leaves, count = base.body.leaves, base.body.carries
        back = _Back(base)
        for result, cotangent in cotangents.items():
            back.give(result.arg.result, cotangent)
        numbers = [n for n in range(count) if leaves[n].dtype.kind == FLOAT]
        numbers += [n for n in wanted if n >= count]
        while True:
            found = mode(*back.outputs(), [leaves[n] for n in numbers])
            parts = {n: part for n, part in zip(numbers, found, strict=True) if part is not None}
            new = [n for n in parts if n < count and n not in back.carried]
            if not new:
                return back.cotangents(parts, wanted, batch)
            for number in new:
                back.carry(number)


class _Back:
    """The loop back, while it becomes known which cotangents it carries.

    Attributes:
        carried: what stands for the cotangents of carries after a step, by number.
        last: those after the last step.
        given: values of the body that have cotangents in each step, what stands for these, and
            what they are.
    """

    def __init__(self, base: Loop) -> None:
        self.base = base
        self.carried: dict[int, Node] = {}
        self.last: dict[int, Node] = {}
        self.given: list[tuple[Node, Node, Node]] = []

    def give(self, result: Result, cotangent: Node) -> None:
        """Takes in the cotangent of a result."""
        kind, of = result
        if isinstance(of, Node):
            self.given.append((of, _like(of), cotangent))
            return
        if kind == TRAJECTORY:
            leaf, length, reverse = self.base.body.leaves[of], self.base.length, self.base.reverse
            self.given.append((leaf, _like(leaf), narrow(cotangent, 0, int(reverse), length)))
            last = narrow(cotangent, 0, 0 if reverse else length, 1)
            cotangent = reshape(last, leaf.shape)
        known = self.last.get(of)
        self.last[of] = cotangent if known is None else add(known, cotangent)
        self.carry(of)

    def carry(self, number: int) -> None:
        if number not in self.carried:
            self.carried[number] = _like(self.base.body.leaves[number])

    def outputs(self) -> tuple[list[Node], list[Node]]:
        """Values of the body, and what stands for their cotangents."""
        outputs = [self.base.body.next[number] for number in self.carried]
        outputs += [value for value, _, _ in self.given]
        return outputs, [*self.carried.values(), *(held for _, held, _ in self.given)]

    def cotangents(
        self, parts: Mapping[int, Node], wanted: Sequence[int], batch: Batching
    ) -> dict[int, Node]:
        """Those of operands ``wanted``, of which each step adds or passes on ``parts``."""
        base, body, leaves = self.base, self.base.body, self.base.body.leaves
        moving, fixed = body.carries, body.carries + body.xs
        dear = _dear(parts.values(), set(toposort(self.outputs()[0])))
        given = {value: base.stacked(value) for value in (*leaves[:fixed], *dear)}
        given |= {held: cotangent for _, held, cotangent in self.given}
        constants = dict(zip(leaves[fixed:], base.operands[fixed:], strict=True))

        adding = {n: parts[n] for n in wanted if n >= fixed and n in parts}
        later = totals(adding, given, constants)
        sums = {n: _like(leaves[n]) for n in adding if n not in later.at_once}
        passed = [n for n in wanted if moving <= n < fixed and n in parts]
        carries = {
            held: self.last.get(n) or zeros_like(leaves[n]) for n, held in self.carried.items()
        }
        carries |= {total: zeros_like(total) for total in sums.values()}
        after = [parts.get(n) or zeros_like(leaves[n]) for n in self.carried]
        after += [add(total, parts[n]) for n, total in sums.items()]
        new = [value for value in later.stacked if value not in given]
        outputs = [*(parts[n] for n in passed), *new]

        read = set(toposort([*after, *outputs], lambda v: () if v in given else v.src))
        operands = Operands(
            carries,
            {stands: operand for stands, operand in given.items() if stands in read},
            {stands: operand for stands, operand in constants.items() if stands in read},
        )
        made = loop(operands, after, outputs, base.length, reverse=not base.reverse)
        numbers = enumerate([*self.carried, *sums])
        found = {number: made.final(carry) for carry, number in numbers if number in wanted}
        found |= {n: made.stacked(made.inner[parts[n]]) for n in passed}
        given |= {value: made.stacked(made.inner[value]) for value in new}
        return found | later.found(given, constants, base.length, batch)


def batched(one: Node, operands: Sequence[Node | None], size: int, mode: Batching) -> Node:
    """A result of a LOOP for all samples, which lie along a new first dim of ``operands``."""
    base = loop_of(one)
    leaves, count = base.body.leaves, base.body.carries
    outputs = [*base.body.next, *_stacked([one])]
    many = {number: _samples(leaves[number], size) for number, x in enumerate(operands) if x}
    while True:
        made = mode(outputs, [leaves[n] for n in many], list(many.values()), size)
        new = _reached(made[:count], many)
        if not new:
            break
        many |= {number: _samples(leaves[number], size) for number in new}
    rows = []
    for number, leaf in enumerate(leaves):
        operand = base.operands[number]
        if number in many:
            operand = operands[number] or _repeated(operand, size)
            moves = count <= number < count + base.body.xs
            operand = movedim(operand, 0, 1) if moves else operand
        rows.append((number, many.get(number, leaf), operand))
    after = [
        m or (_repeated(value, size) if number in many else value)
        for number, (value, m) in enumerate(zip(base.body.next, made, strict=False))
    ]
    outputs = [m or _repeated(v, size) for v, m in zip(outputs[count:], made[count:], strict=True)]
    whole = _again(base, rows, after, outputs)
    kind, of = one.arg.result
    if isinstance(of, Node):
        return movedim(whole.stacked(whole.inner[outputs[0]]), 1, 0)
    found = OF_CARRY[kind](whole, of)
    if of not in many:
        return _repeated(found, size)
    return movedim(found, 1, 0) if kind == TRAJECTORY else found


# -- pieces ----------------------------------------------------------------------------------------


def _stacked(results: Sequence[Node]) -> list[Node]:
    """The values of the body that results are stacked of."""
    found = (result.arg.result for result in results)
    return list(dict.fromkeys(of for kind, of in found if kind == STACKED))


def _reached(after: Sequence[Node | None], known: Container[int]) -> list[int]:
    """The carries that change ``after`` a step, and were not ``known`` to."""
    return [n for n, made in enumerate(after) if made is not None and n not in known]


def _again(
    base: Loop,
    rows: Iterable[tuple[int, Node, Node]],
    after: Sequence[Node],
    outputs: Sequence[Node],
) -> Loop:
    """A loop of the steps of ``base`` whose carries are those of it, and more. ``rows`` are its
    operands: their number in ``base``, what stands for each, and what it is. What changes nothing
    there changes no derivative either, and where it does so for each sample it does for all."""
    count, fixed = base.body.carries, base.body.carries + base.body.xs
    found = Operands({}, {}, {})
    for number, stands, operand in rows:
        found[(number >= count) + (number >= fixed)][stands] = operand
    going = base.body.going
    return loop(found, after, outputs, base.length, reverse=base.reverse, going=going)


def _dear(roots: Collection[Node], forward: Container[Node]) -> list[Node]:
    """The values of the way ``forward`` that ``roots`` are made of, by way of cheap ones; not those
    inside of what is computed again."""
    inside = kept_together(toposort(roots))

    def is_dear(value: Node) -> bool:
        return value.op.kind in DEAR and value in forward and value not in inside

    return [v for v in toposort(roots, lambda v: () if is_dear(v) else v.src) if is_dear(v)]


def _repeated(x: Node, size: int) -> Node:
    return broadcast_to(x, (size, *x.shape))


def _samples(leaf: Node, size: int) -> Node:
    return stand_in((size, *leaf.shape), leaf)


def _like(value: Node) -> Node:
    return stand_in(value.shape, value)
