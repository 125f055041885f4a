"""The derivatives of a solution, whatever found it: of the equation that it solves.

Where F(x(p), p) = 0, what changes F by p is undone by what changes it by x (the theorem of implicit
functions): dF/dx dx + dF/dp dp = 0. One linear system gives a tangent, one with the transposed
matrix a cotangent; both are solved by products with the matrix, at the solution, so that neither
time nor memory depends on how it was found. The solution of a linear system is one again: there are
derivatives of any order.

Sources: Krantz and Parks, The Implicit Function Theorem (2002); Blondel et al., Efficient and
Modular Implicit Differentiation (2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lazygrad.func.rules import Parts, Rule, ruled
from lazygrad.graph import Node
from lazygrad.implicit.closed import Closed, cut_out, stand_in
from lazygrad.implicit.linear import Linear
from lazygrad.lang.elementwise import neg, sub
from lazygrad.lang.operands import zeros_like
from lazygrad.modes import ambient


@dataclass(frozen=True, eq=False)
class Implicit(Rule):
    """The rule of one solution.

    Attributes:
        equation: what is 0 there: of the solution and of what else there is.
        linear: how its linear systems are solved.
    """

    name: str
    equation: Closed
    linear: Linear

    def given(self, one: Node) -> Sequence[Node]:
        return (*one.src[1:], one)

    def pulled(self, cotangents: Sequence[Node], sources: Sequence[Node]) -> Parts:
        [cotangent] = cotangents
        *outer, x = sources
        values, held = [x, *outer], stand_in(cotangent)
        [moved] = self.equation.pull(values, held, [0])
        u = linear_solution(self.name, moved or zeros_like(x), held, cotangent, self.linear)
        return self.equation.pull(values, neg(u), range(1, len(values)))

    def pushed(self, tangents: Sequence[Node], sources: Sequence[Node]) -> Parts:
        *outer, x = sources
        values, held = [x, *outer], stand_in(x)
        changes = {n: t for n, t in enumerate(tangents, 1) if t.dtype.is_floating_point}
        side = neg(self.equation.push(values, changes))
        moved = self.equation.push(values, {0: held})
        return [linear_solution(self.name, moved, held, side, self.linear)]


def solution(
    name: str, equation: Closed, outer: Sequence[Node], value: Node, linear: Linear
) -> Node:
    """``value``, at which ``equation`` is 0, with its derivatives by ``outer``."""
    if not ambient.grad_enabled:
        return value
    [made] = ruled(Implicit(name, equation, linear), [value], outer, len(outer))
    return made


def linear_solution(
    name: str, moved: Node, held: Node, side: Node, linear: Linear, start: Any = None
) -> Node:
    """The value of ``held`` at which ``moved``, linear in it, is ``side``, with derivatives."""
    matrix, outer = cut_out(moved, [held])
    value = linear.solution(name, matrix.called, side, outer, matrix.key, start)
    equation, read_there = cut_out(sub(moved, side), [held])
    return solution(name, equation, read_there, value, linear)
