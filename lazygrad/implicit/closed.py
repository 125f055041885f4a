"""Functions of vectors as graphs of their own: what solvers run again and again, and what their
rules differentiate.

A user's function runs once, on stand-ins. What it reads from outside, explicitly or not (arguments,
parameters of modules, samples of a mapped function), are the values at the edge of what depends on
these: they become inputs too. Whatever is differentiated, mapped or looped over around it then
finds them among the operands of a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lazygrad import autodiff, ops
from lazygrad.body import Held
from lazygrad.bridge import read, wrap
from lazygrad.func.steps import Steps
from lazygrad.generator import Generator
from lazygrad.graph import Node, node, toposort
from lazygrad.lang.elementwise import without_history
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
    stands = set(arguments)
    order = toposort([output], lambda n: () if n in stands or n.value is not None else n.src)
    constant: set[Node] = set()
    moving = set(arguments)
    for value in order:
        if value.op in CONSTANTS or (value.src and constant.issuperset(value.src)):
            constant.add(value)
        elif not moving.isdisjoint(value.src):
            moving.add(value)
    read_there = [v.src for v in order if v in moving and v not in stands]
    edge = dict.fromkeys(
        value
        for src in [*read_there, (output,)]
        for value in src
        if value not in moving and value not in constant
    )
    held = {value: stand_in(value) for value in edge}
    [made] = replaced([output], {**{stand: stand for stand in arguments}, **held})
    return Closed((*arguments, *held.values()), made), list(edge)


def stand_in(like: Node) -> Node:
    """A leaf that stands for a value."""
    return node(ops.BUFFER, (), Held(like.shape, like.dtype, like.device))


def function_of(made: Closed, outer: Sequence[Node]) -> Callable[..., Any]:
    """A closed function as one of handles, without derivative history of what is outside."""
    fixed = [without_history(value) for value in outer]
    return lambda *inputs: wrap(made.at([*map(read, inputs), *fixed]), "implicit")


def have_values(nodes: Sequence[Node]) -> bool:
    """Whether code may look at what is computed of ``nodes`` now: it stands for nothing else."""
    leaves = toposort(nodes, lambda n: () if n.value is not None else n.src)
    return ambient.has_values and all(
        isinstance(leaf.arg, Buffer) for leaf in leaves if leaf.op is ops.BUFFER
    )
