"""Differential equations integrated: from a state and times to the states at these times.

Times rise here. At each time but the first and the last one the state may jump: what it keeps of
itself, plus what it gets. Steps end there then; else they are as long as the error allows, and what
is in between is interpolated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from lazygrad.errors import ConvergenceError
from lazygrad.func.loops import scan
from lazygrad.functional.compare import where
from lazygrad.functional.creation import arange, zeros
from lazygrad.functional.elementwise import maximum, minimum
from lazygrad.functional.joining import cat, stack
from lazygrad.implicit.iterating import repeated
from lazygrad.implicit.linear import counter
from lazygrad.implicit.problems import put
from lazygrad.implicit.runge_kutta import (
    METHODS,
    Field,
    mixed,
    stages_of,
    weights_between,
)  # fmt: skip

SAFETY, SHRINK, GROW = 0.9, 0.2, 10.0  # of the next step; as Hairer, Nørsett and Wanner


class Accuracy(NamedTuple):
    """How an equation is integrated.

    Attributes:
        name: of the public function, in messages.
        method: a name of ``runge_kutta.METHODS``.
        rtol, atol: the error of a step is at most ``atol + rtol * size``, component by component.
        most: the largest number of steps that are tried.
        first: the first of them; None to find one.
        inside: the number of fixed steps from each time to the next.
    """

    name: str
    method: str
    rtol: float
    atol: float
    most: int
    first: float | None
    inside: int

    @property
    def controlled(self) -> bool:
        return bool(METHODS[self.method].error)


class Jumps(NamedTuple):
    """What becomes of a state at each time.

    Attributes:
        keeps: 1 or 0 for each component.
        gets: for each time what is added.
    """

    keeps: Any
    gets: Any


class Found(NamedTuple):
    """The states at all times, before jumps; the state at the end; and where steps ended, of which
    there are ``count``; those behind are the end too."""

    states: Any
    end: Any
    grid: Any = None
    count: Any = None


class Progress(NamedTuple):
    """How far a controlled integration is.

    Attributes:
        t, y, h: the time, the state, and the next step.
        states: those that are known.
        reached: the number of the last time that a step has ended at.
        grid, count: where steps ended, and how many did.
        tried: the number of steps.
        error: of the last one, by what is allowed.
    """

    t: Any
    y: Any
    h: Any
    states: Any
    reached: Any
    grid: Any
    count: Any
    tried: Any
    error: Any


def integrated(
    how: Accuracy, f: Field, y0: Any, times: Any, shown: int, jumps: Jumps | None, known: bool
) -> Found:
    """The states at ``times``.

    Args:
        shown: how many components these have, and decide on steps; of the others the end is asked.
        known: whether values can be looked at.

    Raises:
        ConvergenceError: if the end is not reached; where no value can be looked at, all is NaN.
    """
    if how.controlled:
        return _controlled(how, f, y0, times, shown, jumps, known)
    return fixed(how, f, y0, times, shown, jumps)


# -- steps that are as long as the error allows ----------------------------------------------------


def _controlled(
    how: Accuracy, f: Field, y0: Any, times: Any, shown: int, jumps: Jumps | None, known: bool
) -> Found:
    method = METHODS[how.method]
    count, last = times.shape[0], times[-1]
    numbers = arange(count, device=y0.device)
    slots = arange(how.most + 1, device=y0.device)
    order = len(method.nodes) - 2

    def size(change: Any, *states: Any) -> Any:
        """The root of the mean square of a change, by what is allowed."""
        large = states[0].abs() if len(states) == 1 else maximum(*(y.abs() for y in states))
        return (change / (how.atol + how.rtol * large))[:shown].square().mean().sqrt()

    def step(now: Progress) -> Progress:
        stop = last if jumps is None else where(numbers == now.reached + 1, times, 0.0).sum()
        room = stop - now.t
        ends = now.h * (1 + 1e-3) >= room  # a last step that is tiny would only cost
        h = where(ends, room, now.h)
        slopes = stages_of(method, f, now.t, now.y, h)
        y = now.y + h * mixed(method.weights, slopes)
        error = size(h * mixed(method.error, slopes), now.y, y)
        good = error <= 1
        factor = (SAFETY * error.clamp(min=1e-10) ** (-1 / order)).clamp(SHRINK, GROW)
        factor = where(error.isfinite(), where(good, factor.clamp(min=1), factor), SHRINK)
        after = h * factor
        after = where(good & ends, maximum(after, now.h), after)
        t = where(ends, stop, now.t + h)
        if jumps is None:
            inside = ((times > now.t) & (times <= t)).unsqueeze(-1)
            weights = weights_between(method, (times - now.t) / h)
            there = now.y[:shown] + h * (weights @ stack(slopes)[:, :shown])
            there = where((times == t).unsqueeze(-1), y[:shown], there)
            reached = now.reached
        else:
            reached = now.reached + ends
            inside, there = (numbers == reached).unsqueeze(-1) & ends, y[:shown]
            jumped = jumps.keeps * y[:shown] + where(inside, jumps.gets, 0.0).sum(0)
            y = where(ends & (reached < count - 1), cat([jumped, y[shown:]]), y)
        done = now.count + 1
        return Progress(
            where(good, t, now.t), where(good, y, now.y), after,
            where(good & inside, there, now.states), where(good, reached, now.reached),
            where(good, put(now.grid, slots, done, t), now.grid), where(good, done, now.count),
            now.tried + 1, error,
        )  # fmt: skip

    def going(now: Progress) -> Any:
        moves = (now.t + now.h > now.t) | (now.t + now.h * GROW > now.t)
        return (now.t < last) & (now.tried < how.most) & moves

    first = _first_step(how, f, y0, times, size, order) if how.first is None else how.first
    none = zeros(count, shown, dtype=y0.dtype, device=y0.device)
    start = Progress(
        times[0], y0, first * (times[0] * 0 + 1),
        put(none, numbers.unsqueeze(-1), 0, y0[:shown]), counter(y0),
        where(slots == 0, times[0], last),
        counter(y0), counter(y0), times[0] * 0,
    )  # fmt: skip
    found = repeated(going, step, start, how.most, known)
    if known and found.t.item() < last.item():
        raise _not_reached(how, found, (found.t - times[0]) / (last - times[0]))
    lost = where(found.t < last, math.nan, 0.0)
    return Found(found.states + lost, found.y + lost, found.grid, found.count)


def _first_step(how: Accuracy, f: Field, y0: Any, times: Any, size: Any, order: int) -> Any:
    """Hairer, Nørsett and Wanner, Solving ordinary differential equations I, II.4."""
    slope = f(times[0], y0)
    d0, d1 = size(y0, y0), size(slope, y0)
    h = where((d0 < 1e-5) | (d1 < 1e-5), 1e-6, 0.01 * d0 / where(d1 == 0, 1.0, d1))
    change = f(times[0] + h, y0 + h * slope) - slope
    most = maximum(d1, size(change, y0) / h)
    flat = maximum(h * 1e-3, h * 0 + 1e-6)
    next_one = (0.01 / most.clamp(min=1e-15)) ** (1 / order)
    return minimum(100 * h, where(most <= 1e-15, flat, next_one))


def _not_reached(how: Accuracy, found: Progress, way: Any) -> ConvergenceError:
    values = (way, found.h, found.error, found.tried)
    share, h, error, tried = (value.item() for value in values)
    steps = "step" if tried == 1 else "steps"
    return ConvergenceError(
        f"[{how.name}] the last time is not reached: {tried} {steps} of {how.method} went "
        f"{share:.3%} of the way, where a step of {h:.3g} is wrong by {error:.3g} times what "
        'rtol and atol allow; allow more steps (options={"max_num_steps": ...}) or larger '
        "tolerances. Stiff equations need small steps, and what grows without bounds has no end",
        error,
        tried,
    )


# -- steps of given lengths ------------------------------------------------------------------------


def fixed(how: Accuracy, f: Field, y0: Any, times: Any, shown: int, jumps: Jumps | None) -> Found:
    """As ``integrated``, with as many steps between any two times; differentiable as it stands."""
    method, inside = METHODS[how.method], how.inside
    widths = (times[1:] - times[:-1]) / inside
    parts = arange(inside, device=y0.device)
    starts = (times[:-1].unsqueeze(-1) + widths.unsqueeze(-1) * parts).flatten()
    lengths = widths.unsqueeze(-1).expand(widths.shape[0], inside).flatten()
    gets = None
    if jumps is not None:
        rows = jumps.gets[1:].unsqueeze(1)
        gets = where((parts == inside - 1).unsqueeze(-1), rows, 0.0).flatten(0, 1)
        ends = (parts == inside - 1).expand(widths.shape[0], inside).flatten()
        ends = ends & (arange(ends.shape[0], device=y0.device) < ends.shape[0] - 1)

    def step(y: Any, given: Sequence[Any]) -> tuple[Any, Any]:
        t, h, *jump = given
        y = y + h * mixed(method.weights, stages_of(method, f, t, y, h))
        out = y[:shown]
        if jumps is not None:
            get, end = jump
            y = where(end, cat([jumps.keeps * out + get, y[shown:]]), y)
        return y, out

    xs = (starts, lengths) if jumps is None else (starts, lengths, gets, ends)
    end, outputs = scan(step, y0, xs)
    return Found(cat([y0[:shown].unsqueeze(0), outputs[inside - 1 :: inside]]), end)


# -- the same steps again --------------------------------------------------------------------------


def replayed(how: Accuracy, f: Field, y0: Any, times: Any, grid: Any) -> Any:
    """The states at ``times`` by steps that end at ``grid``, differentiable; those of length 0
    change nothing."""
    method = METHODS[how.method]
    grid = cat([times[:1], grid[1:]])
    lengths = grid[1:] - grid[:-1]

    def step(y: Any, given: Sequence[Any]) -> tuple[Any, Any]:
        t, h = given
        slopes = stages_of(method, f, t, y, h)
        return y + h * mixed(method.weights, slopes), (y, stack(slopes))

    _, (states, slopes) = scan(step, y0, (grid[:-1], lengths))
    later = times[1:]
    number = (grid[1:-1] < later.unsqueeze(-1)).sum(-1)
    begun, h = grid[number], lengths[number]
    weights = weights_between(method, (later - begun) / h)
    there = states[number] + h.unsqueeze(-1) * (weights.unsqueeze(-1) * slopes[number]).sum(1)
    return cat([y0.unsqueeze(0), there])
