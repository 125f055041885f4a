"""Functions of vectors as graphs of their own: what solvers run again and again, and what their
rules differentiate.

A user's function runs once, on stand-ins. What it reads from outside, explicitly or not (arguments,
parameters of modules, samples of a mapped function), are the values at the edge of what depends on
these: they become inputs too. Whatever is differentiated, mapped or looped over around it then
finds them among the operands of a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lazygrad import autodiff, ops
from lazygrad.body import Held
from lazygrad.bridge import read, wrap
from lazygrad.func.steps import Steps
from lazygrad.generator import Generator
from lazygrad.graph import Node, node, toposort
from lazygrad.lang.loops import computed_again, lowest
from lazygrad.lang.operands import zeros_like
from lazygrad.modes import Trace, ambient, traced_by
from lazygrad.rewrite import replaced
from lazygrad.runtime.buffer import Buffer

CONSTANTS = (ops.CONST, ops.IOTA)


@dataclass(frozen=True, eq=False)
class Closed:
    """A function as a graph that hangs on nothing else.

    Attributes:
        leaves: what stands for its arguments, then for what it reads from outside.
        output: of the graph.
    """

    leaves: tuple[Node, ...]
    output: Node

    @cached_property
    def key(self) -> Hashable:
        """What is equal for functions that are the same, with all their derivatives, of whatever
        values."""
        number = {leaf: position for position, leaf in enumerate(self.leaves)}
        rows: list[Hashable] = [(leaf.shape, leaf.dtype, leaf.device) for leaf in self.leaves]
        for value in toposort([self.output], lambda n: () if n in number else n.src):
            if value not in number:
                line = value.origin if value.op is ops.CALL else None  # its errors name it
                src = tuple([number[operand] for operand in value.src])
                number[value] = len(rows)
                rows.append((value.op, src, value.arg, line))
        return tuple(rows), number[self.output], len(self.leaves)

    def called(self, *handles: Any) -> Any:
        """The output as a handle, where leaves have the values of these."""
        return wrap(self.at([read(handle) for handle in handles]), "implicit")

    def at(self, values: Sequence[Node]) -> Node:
        """The output where leaves have these values."""
        return self._placed([self.output], self._known(values))[0]

    def push(self, values: Sequence[Node], tangents: Mapping[int, Node]) -> Node:
        """The tangent of the output that ``tangents`` of leaves, by number, cause."""
        held = {number: stand_in(tangent) for number, tangent in tangents.items()}
        wanted = [self.leaves[number] for number in held]
        [found] = autodiff.jvp([self.output], wanted, list(held.values()))
        known = self._known(values)
        known |= {held[number]: tangent for number, tangent in tangents.items()}
        return self._placed([found or zeros_like(self.output)], known)[0]

    def pull(
        self, values: Sequence[Node], cotangent: Node, wanted: Sequence[int]
    ) -> list[Node | None]:
        """The cotangents of the leaves ``wanted`` that one of the output causes."""
        held = stand_in(cotangent)
        parts = autodiff.vjp([self.output], [held], [self.leaves[number] for number in wanted])
        known = self._known(values) | {held: cotangent}
        found = iter(self._placed([part for part in parts if part is not None], known))
        return [None if part is None else next(found) for part in parts]

    def _known(self, values: Sequence[Node]) -> dict[Node, Node]:
        return dict(zip(self.leaves, values, strict=True))

    def _placed(self, nodes: Sequence[Node], known: dict[Node, Node]) -> list[Node]:
        return replaced(nodes, known)


class Solving(Steps):
    """While a user's function runs its arguments have no value, and writes would be lost. What it
    draws is drawn once: the function stays the same while it is solved."""

    def __init__(self, name: str) -> None:
        super().__init__(name, 1)

    def random_key(self, device: str, generator: Generator) -> Node:
        """A leaf that holds a fresh key of the generator."""
        return Trace.random_key(self, device, generator)


def closed(
    name: str, function: Callable[..., Any], likes: Sequence[Node]
) -> tuple[Closed, list[Node]]:
    """``function``, of handles like ``likes``, as a graph, and what it reads from outside.

    Raises:
        JitError: where it needs the value of an argument.
        WriteError: where it writes to a tensor from outside.
    """
    solving = Solving(name)
    stands = [solving.stand_in(like, like.shape) for like in likes]
    with traced_by(solving):
        ambient.grad_enabled = True
        output = read(function(*map(solving.handle, stands)))
    solving.refuse_lost_gradients(dict.fromkeys(stands, output))
    return cut_out(output, stands)


def cut_out(output: Node, arguments: Sequence[Node]) -> tuple[Closed, list[Node]]:
    """What of ``output`` depends on ``arguments`` as a graph, and what else it is made of."""
    given, sources = set(arguments), set[Node]()
    order = toposort([output], lambda n: () if n in given or n.value is not None else n.src)
    moving, constant = _moving(order, given)
    again = computed_again(moving) - moving - constant
    if again:  # what is made of these stays together, whether it has a value or not
        order = toposort([output], lambda n: () if n in given else n.src)
        sources = set(lowest(order, again))
        moving, constant = _moving(order, given | sources)
    read_there = [v.src for v in order if v in moving and v not in given and v not in sources]
    edge = dict.fromkeys(
        value
        for src in [*read_there, (output,)]
        for value in src
        if value in sources or (value not in moving and value not in constant)
    )
    held = {value: stand_in(value) for value in edge}
    [made] = replaced([output], {**{stand: stand for stand in arguments}, **held})
    return Closed((*arguments, *held.values()), made), list(edge)


def _moving(order: Sequence[Node], given: set[Node]) -> tuple[set[Node], set[Node]]:
    """What is made of anything that is ``given``, and what is the same everywhere and always."""
    moving, constant = set(given), set[Node]()
    for value in order:
        if value in given:
            continue
        if value.op in CONSTANTS or (value.src and constant.issuperset(value.src)):
            constant.add(value)
        elif not moving.isdisjoint(value.src):
            moving.add(value)
    return moving, constant


def stand_in(like: Node) -> Node:
    """A leaf that stands for a value."""
    return node(ops.BUFFER, (), Held(like.shape, like.dtype, like.device))


def have_values(nodes: Sequence[Node]) -> bool:
    """Whether code may look at what is computed of ``nodes`` now: it stands for nothing else."""
    leaves = toposort(nodes, lambda n: () if n.value is not None else n.src)
    return ambient.has_values and all(
        isinstance(leaf.arg, Buffer) for leaf in leaves if leaf.op is ops.BUFFER
    )
