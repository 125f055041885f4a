"""What fixed points, roots and minima have in common: from the user's function to the solution."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lazygrad.arguments import require_range, shown
from lazygrad.bridge import wrap
from lazygrad.errors import ValueRangeError
from lazygrad.functional.compare import where
from lazygrad.graph import Node
from lazygrad.implicit.closed import Closed
from lazygrad.implicit.iterating import Limits, Process, solved, tolerance
from lazygrad.implicit.linear import Linear, linear_of
from lazygrad.implicit.rule import solution
from lazygrad.implicit.vectors import Vector
from lazygrad.lang.elementwise import without_history


def limits_of(
    name: str, methods: Mapping[str, Any], method: str, tol: float | None, maxiter: int, x: Node
) -> Limits:
    """When to stop.

    Raises:
        ValueRangeError: for a method that is not there, or limits below 0.
    """
    if method not in methods:
        raise ValueRangeError(
            f"[{name}] method must be one of {', '.join(methods)}, got {shown(method)}"
        )
    tol = tolerance(x.dtype) if tol is None else tol
    require_range(name, 0.0, tol=tol)
    require_range(name, 1, maxiter=maxiter)
    return Limits(name, method, tol, maxiter)


def answer(
    start: Vector,
    equation: tuple[Closed, Sequence[Node]],
    limits: Limits,
    method: Callable[..., Process],
    options: tuple[Any, ...],
    linear: Any,
    seen: tuple[Closed, Sequence[Node]] | None = None,
) -> Any:
    """The container that solves an equation, with its derivatives.

    Args:
        equation: what is 0 there, and what it reads from outside.
        method: how it is solved, of a function of handles, where to begin, and ``options``.
        seen: that function, and what it reads from outside; by default the equation.
    """
    made, outer = equation
    how = Linear(linear_of(limits.name, "linear_solver", linear))
    x0 = without_history(start.joined)
    looked_at, read_there = seen or equation

    def process(x0: Any, *outer: Any) -> Process:
        return method(lambda x: looked_at.called(x, *outer), x0, *options)

    key = method, options, looked_at.key
    value = solved(limits, key, process, [x0, *read_there])
    return start.apart(wrap(solution(limits.name, made, outer, value, how), limits.name))


# -- pieces of solvers -----------------------------------------------------------------------------


def put(rows: Any, slots: Any, place: Any, row: Any) -> Any:
    """``rows`` with ``row`` as the one of number ``place``."""
    return where(slots == place, row, rows)
