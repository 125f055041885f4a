"""Minima of smooth functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from lazygrad.errors import ShapeError
from lazygrad.func.gradients import grad_and_value
from lazygrad.func.loops import scan
from lazygrad.func.vmap import vmap
from lazygrad.functional.compare import where
from lazygrad.functional.creation import arange, tensor, zeros
from lazygrad.functional.joining import cat
from lazygrad.functional.like import ones_like
from lazygrad.handle import Handle
from lazygrad.implicit.closed import closed
from lazygrad.implicit.iterating import Iterate, Process
from lazygrad.implicit.linear import counter, dot, norm, ratio
from lazygrad.implicit.problems import answer, limits_of
from lazygrad.implicit.vectors import vector_of
from lazygrad.public import public

LENGTHS = (2.0, 1.0, 0.5, 0.25, 0.0625, 2.0**-7, 2.0**-12)  # of steps, all tried at once
CURVED = 1e-10  # of a change of the gradient squared: what it has along a step that is remembered
ENOUGH = 1e-4  # of what a step promises must be gained


@public
def argmin(
    f: Callable[..., Any], x0: Any, *args: Any, method: str = "lbfgs", tol: float | None = None,
    maxiter: int = 500, memory: int = 10, linear_solver: str | None = None,
) -> Any:  # fmt: skip
    """The x at which the smooth scalar ``f(x, *args)`` is smallest, near ``x0``.

    Runs, differentiates and fails as ``fixed_point`` does; the equation that the solution is
    differentiated by says that the gradient is 0.

    Args:
        f: takes a container like ``x0`` and returns a scalar.
        x0: where to begin: a tensor, or a container of tensors of one float dtype.
        method: "lbfgs", which knows the curvature of the last ``memory`` steps.
        tol: the norm of the gradient is at most that; by default 1e-5 in float32, 1e-10 in float64.
        maxiter: the largest number of iterations.
        linear_solver: "lu", "gmres" or "cg": for derivatives.

    Returns:
        A container like ``x0``.

    Raises:
        ConvergenceError: if the gradient is not 0 after ``maxiter`` iterations; NaN under jit and
            vmap.
        ArgumentError, ShapeError: if ``f`` does not return a scalar.

    Sources: Nocedal, Updating quasi-Newton matrices with limited storage (1980); Armijo,
    Minimization of functions having Lipschitz continuous first partial derivatives (1966).

    >>> from lazygrad import Tensor
    >>> from lazygrad.func import jacrev
    >>> from lazygrad.implicit import argmin
    >>> nearest = lambda p: argmin(lambda x: ((x - p) ** 2).sum() + (x ** 2).sum(), p * 0)
    >>> nearest(Tensor([2.0, 4.0])).tolist(), jacrev(nearest)(Tensor([2.0, 4.0])).tolist()
    ([1.0, 2.0], [[0.5, 0.0], [0.0, 0.5]])
    """
    start = vector_of("argmin", "x0", x0)
    limits = limits_of("argmin", METHODS, method, tol, maxiter, start.joined)

    def of_vector(vector: Handle) -> Any:
        value = f(start.apart(vector), *args)
        if not isinstance(value, Handle) or value.shape != ():
            got = value.shape if isinstance(value, Handle) else type(value).__name__
            raise ShapeError(f"[argmin] the function must return a scalar, got {got}")
        return value

    slope_and_value = grad_and_value(of_vector)
    equation = closed("argmin", lambda x: slope_and_value(x)[0], [start.joined])
    both = closed("argmin", lambda x: _joined(*slope_and_value(x)), [start.joined])
    steps = METHODS[method]
    return answer(start, equation, limits, steps, (memory,), linear_solver, both)


def _joined(slope: Any, value: Any) -> Any:
    """What says everything about a point, as one vector."""
    return cat([value.reshape(1), slope])


class Memory(NamedTuple):
    """What L-BFGS knows.

    Attributes:
        here: the value and the gradient.
        steps: the last ones, the latest at the end.
        gains: what they changed the gradient by.
        weights: one over the product of each pair; 0 where there is none.
        scale: what the inverse of the second derivative is taken to be beside.
    """

    here: Any
    steps: Any
    gains: Any
    weights: Any
    scale: Any


def _lbfgs(h: Any, x0: Any, size: int) -> Process:
    def begin() -> Iterate:
        here = h(x0)
        rows = zeros(size, x0.shape[0], dtype=x0.dtype, device=x0.device)
        slope = norm(here[1:])
        first = Memory(here, rows, rows, rows[:, :1], 1 / slope.clamp(min=1))
        return Iterate(x0, slope, counter(x0), first)

    def step(now: Iterate) -> Iterate:
        known: Memory = now.memory
        slope = known.here[1:]
        ahead = -_newtons(known, slope)
        change, here = _along(h, now.x, known.here, ahead)
        gained = here[1:] - slope
        product, squares = dot(change, gained), dot(gained, gained)
        curved = product > CURVED * squares
        new = (change, gained, ratio(ones_like(product), product))
        old = (known.steps, known.gains, known.weights)
        pairs = zip(old, new, strict=True)
        steps, gains, weights = (where(curved, _shifted(rows, row), rows) for rows, row in pairs)
        scale = where(curved, ratio(product, squares), known.scale)
        memory = Memory(here, steps, gains, weights, scale)
        return Iterate(now.x + change, norm(here[1:]), now.count + 1, memory)

    return Process(begin, step)


def _shifted(rows: Any, row: Any) -> Any:
    return cat([rows[1:], row.unsqueeze(0)])


def _newtons(known: Memory, slope: Any) -> Any:
    """The gradient times the inverse of the second derivative, as far as that is known."""
    pairs = (known.steps, known.gains, known.weights)

    def back(q: Any, pair: Any) -> Any:
        step, gain, weight = pair
        share = weight * dot(step, q)
        return q - share * gain, share

    def forth(r: Any, pair: Any) -> Any:
        (step, gain, weight), share = pair
        return r + (share - weight * dot(gain, r)) * step, None

    q, shares = scan(back, slope, pairs, reverse=True)
    return scan(forth, known.scale * q, (pairs, shares))[0]


def _along(h: Any, x: Any, here: Any, ahead: Any) -> tuple[Any, Any]:
    """A step, and what is known where it leads. Of those along which the value falls far enough it
    is the one where it is flattest; rounding must not decide."""
    lengths = tensor(LENGTHS, dtype=x.dtype, device=x.device).unsqueeze(-1)
    there = vmap(h)(x + lengths * ahead)
    value, before = there[:, :1], here[:1]
    promised = ENOUGH * lengths * dot(here[1:], ahead)
    noise = {8: 1e-14, 4: 1e-6}.get(x.dtype.itemsize, 1e-2) * before.abs()
    falls = value <= before + promised + noise
    steepness = where(falls, dot(there[:, 1:], ahead).abs(), math.inf)
    none = ~falls.any()
    chosen = where(none, len(LENGTHS) - 1, steepness.argmin(0))
    taken = arange(len(LENGTHS), device=x.device).unsqueeze(-1) == chosen
    return (where(taken, lengths, 0.0) * ahead).sum(0), where(taken, there, 0.0).sum(0)


METHODS = {"lbfgs": _lbfgs}
