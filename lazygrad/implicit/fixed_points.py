"""Fixed points of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from lazygrad.functional.compare import where
from lazygrad.functional.creation import arange, eye, zeros
from lazygrad.functional.like import ones_like
from lazygrad.functional.solving import solve
from lazygrad.implicit.closed import closed
from lazygrad.implicit.iterating import Iterate
from lazygrad.implicit.linear import counter, norm, ratio
from lazygrad.implicit.problems import answer, limits_of, put
from lazygrad.implicit.vectors import vector_of
from lazygrad.public import public


@public
def fixed_point(
    f: Callable[..., Any], x0: Any, *args: Any, method: str = "anderson", tol: float | None = None,
    maxiter: int = 100, memory: int = 5, linear_solver: str | None = None,
) -> Any:  # fmt: skip
    """The x with ``f(x, *args) = x``.

    ``f`` runs once, on tensors without values. The derivatives are those of the solution, by the
    theorem of implicit functions, in both modes and to any order, with memory that does not grow
    with the iterations: by ``args`` and by all else that ``f`` reads from outside, so that
    ``backward()`` reaches the parameters of modules that it calls. There is none by ``x0``.

    Args:
        f: takes a container like ``x0`` and returns one. What it draws at random is the same in
            each iteration; writes to tensors from outside are an error.
        x0: where to begin: a tensor, or a container of tensors of one float dtype.
        method: "picard" (x becomes f(x)), or "anderson", which mixes the last ``memory`` of these.
        tol: the norm of ``f(x) - x`` is at most ``tol * max(1, norm of x)``; by default 1e-5 in
            float32, 1e-10 in float64.
        maxiter: the largest number of iterations.
        linear_solver: how the linear systems of derivatives are solved: "lu", "gmres" or "cg", as
            ``linear_solve`` does; by default "lu" for up to 32 unknowns, "gmres" for more.

    Returns:
        A container like ``x0``.

    Raises:
        ConvergenceError: if there is no solution after ``maxiter`` iterations. Under jit and vmap,
            where no value can be looked at, it is NaN then, and all iterations are done.
        ArgumentError, ShapeError, DtypeError: if ``f`` returns what is not like ``x0``.

    Sources: Anderson, Iterative procedures for nonlinear integral equations (1965); Walker and Ni,
    Anderson acceleration for fixed-point iterations (2011); Bai et al., Deep equilibrium models
    (2019).

    >>> from lazygrad import Tensor
    >>> from lazygrad.func import grad
    >>> from lazygrad.implicit import fixed_point
    >>> root = lambda a: fixed_point(lambda x: (x + a / x) / 2, Tensor(1.0))  # Heron's
    >>> round(root(Tensor(2.0)).item(), 4), round(grad(root)(Tensor(4.0)).item(), 4)
    (1.4142, 0.25)
    """
    start = vector_of("fixed_point", "x0", x0)
    limits = limits_of("fixed_point", METHODS, method, tol, maxiter, start.joined)
    step = start.function(f, *args)
    equation = closed("fixed_point", lambda x: step(x) - x, [start.joined])
    steps = METHODS[method]
    return answer(start, equation, limits, lambda g, x: steps(g, x, memory), linear_solver)


def _iterate(x: Any, change: Any, count: Any, memory: Any = None) -> Iterate:
    return Iterate(x, norm(change) / norm(x).clamp(min=1), count, memory)


def _picard(g: Any, x0: Any, memory: int) -> Any:
    def begin() -> Iterate:
        change = g(x0)
        return _iterate(x0, change, counter(x0), change)

    def step(now: Iterate) -> Iterate:
        x = now.x + now.memory
        change = g(x)
        return _iterate(x, change, now.count + 1, change)

    return begin, step


class Mixed(NamedTuple):
    """The last iterates of Anderson's method, what each changes by, and how many there are."""

    xs: Any
    changes: Any
    change: Any


def _anderson(g: Any, x0: Any, memory: int) -> Any:
    """The next x is the mixture of what the last ones led to whose change would be the smallest,
    were all linear."""

    slots = arange(memory, device=x0.device).unsqueeze(-1)

    def begin() -> Iterate:
        rows = zeros(memory, x0.shape[0], dtype=x0.dtype, device=x0.device)
        change = g(x0)
        first = Mixed(put(rows, slots, 0, x0), put(rows, slots, 0, change), change)
        return _iterate(x0, change, counter(x0), first)

    def step(now: Iterate) -> Iterate:
        xs, changes, _ = now.memory
        shares = _shares(changes, slots <= now.count)
        x = (shares * (xs + changes)).sum(0)
        change = g(x)
        count = now.count + 1
        place = count % memory
        after = Mixed(put(xs, slots, place, x), put(changes, slots, place, change), change)
        return _iterate(x, change, count, after)

    return begin, step


def _shares(changes: Any, known: Any) -> Any:
    """What each change has a share of in the smallest mixture; shares add up to 1."""
    size = norm(changes)
    directions = ratio(changes, size)  # of like lengths: the system is as regular as it can be
    products = directions @ directions.T
    ridge = {8: 1e-12, 4: 1e-6}.get(changes.dtype.itemsize, 1e-3)
    diagonal = where(known, ridge, 1.0) * eye(len(known), dtype=size.dtype, device=size.device)
    inverse = where(known & (size > 0), ratio(ones_like(size), size), 0.0)
    shares = inverse * solve(products + diagonal, inverse)
    return shares / shares.sum()


METHODS = {"picard": _picard, "anderson": _anderson}
