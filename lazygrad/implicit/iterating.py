"""The loop of all solvers: one step as a graph, again and again until it is good enough. All steps
that there may be are one loop, which ends when those to come would change nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

from lazygrad.bridge import read
from lazygrad.element_types import DType
from lazygrad.errors import ConvergenceError
from lazygrad.func.loops import while_loop
from lazygrad.functional.compare import where
from lazygrad.graph import Node
from lazygrad.handle import Handle
from lazygrad.implicit import kept


class Iterate(NamedTuple):
    """What a solver has reached.

    Attributes:
        x: the solution, as far as it is known.
        residual: how far it is from being one, in the units of tol; of shape (1,), or (..., 1)
            where there are many systems.
        count: the steps that were done.
        memory: whatever else the solver needs to know.
    """

    x: Any
    residual: Any
    count: Any
    memory: Any = None


class Limits(NamedTuple):
    """When a solver stops.

    Attributes:
        name: of the public function, in messages.
        method: of solving, in messages.
        tol: the largest residual of a solution.
        maxiter: the largest number of steps.
    """

    name: str
    method: str
    tol: float
    maxiter: int


class Process(NamedTuple):
    """How a solver goes: ``begin`` says where, ``step`` what comes after."""

    begin: Callable[[], Iterate]
    step: Callable[[Iterate], Iterate]


class Reached(NamedTuple):
    """What a solver has come to.

    Attributes:
        x: the solution; NaN where there is none.
        good: whether there is one everywhere.
        residual, count: the largest residual, and the steps that were done.
    """

    x: Any
    good: Any
    residual: Any
    count: Any


def solved(
    limits: Limits, key: Hashable, process: Callable[..., Process], operands: Sequence[Node]
) -> Node:
    """The solution that a ``process`` of ``operands`` comes to, without history.

    Args:
        key: what is equal for processes that are the same, see ``kept``.

    Raises:
        ConvergenceError: if it does not come to one. Where no value can be looked at, the solution
            is NaN then.
    """

    def whole(*operands: Handle) -> Reached:
        def going(state: Iterate) -> Handle:
            return (state.residual > limits.tol).any()

        begin, step = process(*operands)
        found = while_loop(going, step, begin(), max_steps=limits.maxiter)
        good = found.residual <= limits.tol  # not where it is NaN
        x = where(good, found.x, math.nan)
        return Reached(x, good.all(), found.residual.max(), found.count)

    keyed = None if key is None else (limits, key)
    found, known = kept.run(keyed, whole, operands)
    if known and not found.good.item():
        raise _unsolved(limits, found)
    return read(found.x)


def _unsolved(limits: Limits, found: Reached) -> ConvergenceError:
    residual, count = found.residual.item(), found.count.item()
    why = "" if math.isfinite(residual) else "; it diverges"
    return ConvergenceError(
        f"[{limits.name}] no solution: the residual is {residual:.3g} after {count} iterations of "
        f"{limits.method}, and tol is {limits.tol:.3g}{why}; start nearer, allow more iterations "
        "(maxiter) or a larger tol, or take another method",
        residual,
        count,
    )


def tolerance(dtype: DType) -> float:
    """What can well be reached."""
    return {8: 1e-10, 4: 1e-5}.get(dtype.itemsize, 1e-2)
