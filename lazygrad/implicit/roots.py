"""Roots of functions: solutions of systems of equations."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from lazygrad.bridge import read, wrap
from lazygrad.func.forward import jvp, linearize
from lazygrad.func.vmap import vmap
from lazygrad.functional.compare import where
from lazygrad.functional.creation import arange, tensor, zeros
from lazygrad.implicit.closed import closed
from lazygrad.implicit.iterating import Iterate, Process
from lazygrad.implicit.linear import Linear, counter, dot, norm, ratio
from lazygrad.implicit.problems import answer, limits_of, put
from lazygrad.implicit.vectors import vector_of
from lazygrad.public import public

SHARES = (1.0, 0.5, 0.25, 0.0625, 0.0078125)  # of a step, of which the best one is taken


@public
def root(
    f: Callable[..., Any], x0: Any, *args: Any, method: str = "newton", tol: float | None = None,
    maxiter: int = 50, memory: int = 20, linear_solver: str | None = None,
) -> Any:  # fmt: skip
    """The x with ``f(x, *args) = 0``.

    Runs, differentiates and fails as ``fixed_point`` does.

    Args:
        f: takes a container like ``x0`` and returns one.
        x0: where to begin: a tensor, or a container of tensors of one float dtype.
        method: "newton", with the derivatives of ``f``, by its matrix for up to 32 unknowns, else
            by "gmres"; or "broyden", which learns them from the last ``memory`` steps. Of each step
            that part is done which makes ``f`` smallest.
        tol: the norm of ``f(x)`` is at most that; by default 1e-5 in float32, 1e-10 in float64.
        maxiter: the largest number of iterations.
        linear_solver: "lu", "gmres" or "cg": for derivatives, and for the steps of "newton".

    Returns:
        A container like ``x0``.

    Raises:
        ConvergenceError: if there is no solution after ``maxiter`` iterations; NaN under jit and
            vmap.
        LinAlgError: where "newton" meets a singular matrix.
        ArgumentError, ShapeError, DtypeError: if ``f`` returns what is not like ``x0``.

    Source: Broyden, A class of methods for solving nonlinear simultaneous equations (1965).

    >>> from lazygrad import Tensor
    >>> from lazygrad.func import grad
    >>> from lazygrad.implicit import root
    >>> cube = lambda a: root(lambda x: x ** 3 - a, Tensor(1.0))
    >>> round(cube(Tensor(8.0)).item(), 5), round(grad(cube)(Tensor(8.0)).item(), 5)
    (2.0, 0.08333)
    """
    start = vector_of("root", "x0", x0)
    limits = limits_of("root", METHODS, method, tol, maxiter, start.joined)
    equation = closed("root", start.function(f, *args), [start.joined])
    steps = METHODS[method]
    return answer(start, equation, limits, steps, (memory, linear_solver), linear_solver)


def _iterate(x: Any, value: Any, count: Any, memory: Any = None) -> Iterate:
    return Iterate(x, norm(value), count, (value, memory))


def _shortened(f: Any, x: Any, step: Any) -> tuple[Any, Any]:
    """A part of a step, and the value of ``f`` there: the smallest of all parts that are tried."""
    shares = tensor(SHARES, dtype=x.dtype, device=x.device).unsqueeze(-1)
    values = vmap(f)(x + shares * step)
    sizes = norm(values)
    sizes = where(sizes.isnan(), math.inf, sizes)
    chosen = sizes.argmin(0)
    here = arange(len(SHARES), device=x.device).unsqueeze(-1) == chosen
    return (where(here, shares, 0.0) * step).sum(0), where(here, values, 0.0).sum(0)


def _newton(f: Any, x0: Any, memory: int, solver: str | None) -> Process:
    def begin() -> Iterate:
        return _iterate(x0, f(x0), counter(x0))

    def step(now: Iterate) -> Iterate:
        value, push = linearize(f, now.x)
        change, value = _shortened(f, now.x, -_solution(push, value, solver))
        return _iterate(now.x + change, value, now.count + 1)

    return Process(begin, step)


def _solution(matrix: Any, side: Any, solver: str | None) -> Any:
    return wrap(Linear(solver).solution("root", matrix, read(side)))


class Secants(NamedTuple):
    """What the inverse of the matrix is taken to be: ``scale`` plus the sum of products of rows."""

    scale: Any
    left: Any
    right: Any


def _broyden(f: Any, x0: Any, memory: int, solver: str | None) -> Process:
    slots = arange(memory, device=x0.device).unsqueeze(-1)

    def begin() -> Iterate:
        value, moved = jvp(f, (x0,), (f(x0),))
        scale = ratio(dot(value, moved), dot(moved, moved))  # the best number for this direction
        rows = zeros(memory, x0.shape[0], dtype=x0.dtype, device=x0.device)
        return _iterate(x0, value, counter(x0), Secants(where(scale == 0, 1.0, scale), rows, rows))

    def step(now: Iterate) -> Iterate:
        before, (scale, left, right) = now.memory
        place = now.count % memory
        left, right = (where(slots < place, rows, 0.0) for rows in (left, right))
        ahead = scale * before + (dot(right, before) * left).sum(0)
        change, value = _shortened(f, now.x, -ahead)
        gained = value - before
        taken = scale * gained + (dot(right, gained) * left).sum(0)
        back = scale * change + (dot(left, change) * right).sum(0)
        new = ratio(change - taken, dot(change, taken))
        after = Secants(scale, put(left, slots, place, new), put(right, slots, place, back))
        return _iterate(now.x + change, value, now.count + 1, after)

    return Process(begin, step)


METHODS = {"newton": _newton, "broyden": _broyden}
