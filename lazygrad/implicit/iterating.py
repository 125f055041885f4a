"""The loop of all solvers: one step as a graph, again and again until it is good enough.

Where values can be looked at, a few steps at a time run as one loop and the host looks once; where
they cannot (jit, vmap, the steps of a loop), all steps that there may be are one loop, of which
those after the end change nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from lazygrad import pytree
from lazygrad.bridge import read, wrap
from lazygrad.element_types import DType
from lazygrad.errors import ConvergenceError
from lazygrad.func.loops import while_loop
from lazygrad.functional.compare import where
from lazygrad.graph import Node
from lazygrad.handle import Handle
from lazygrad.implicit.closed import have_values
from lazygrad.lang.elementwise import without_history
from lazygrad.modes import no_grad
from lazygrad.state import realize

AT_ONCE = 8  # steps between two looks

State = TypeVar("State", bound="Iterate")
T = TypeVar("T")


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


def repeated(
    going: Callable[[Any], Any], step: Callable[[T], T], state: T, most: int, known: bool
) -> T:
    """``step`` again and again, at most ``most`` times, while ``going``."""
    if not known:
        return while_loop(going, step, state, max_steps=most)
    while True:
        state = while_loop(going, step, state, max_steps=min(AT_ONCE, most))
        more = going(state)
        realize([*(x for x in pytree.flatten(state)[0] if x is not None), more])
        if not more.item():
            return state


def solved(
    limits: Limits,
    step: Callable[[Iterate], Iterate],
    begin: Callable[[], Iterate],
    sources: Sequence[Node],
) -> Node:
    """The solution that ``step`` comes to from ``begin()``, without history.

    Args:
        sources: all that both read.

    Raises:
        ConvergenceError: if it does not come to one. Where no value can be looked at, the solution
            is NaN then.
    """
    with no_grad():
        known = have_values(sources)
        held = [wrap(without_history(source)) for source in sources]
        if known:
            realize(held)  # once, not in each loop again

        def going(state: Iterate) -> Handle:
            unsolved = (state.residual > limits.tol).any()
            return unsolved & (state.count < limits.maxiter)

        first = begin()
        found = repeated(going, step, first, limits.maxiter, known)
        good = found.residual <= limits.tol  # not where it is NaN
        if not known:
            return read(where(good, found.x, math.nan))
        if not good.all().item():
            raise _unsolved(limits, found)
        return read(found.x)


def _unsolved(limits: Limits, found: Iterate) -> ConvergenceError:
    residual, count = found.residual.max().item(), found.count.item()
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
