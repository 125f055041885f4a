"""A line search for the strong Wolfe conditions (Nocedal and Wright, 2006, chapter 3), with the
cubic interpolation of minFunc; step for step PyTorch's."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
ENOUGH, FLATTER = 1e-4, 0.9  # of the slope that the loss must fall by; of the slope at the end
NEAR = 1e-9  # where a bracket is as good as a point


class Point(NamedTuple):
    """The loss and its gradient somewhere."""

    loss: float
    grad: Array


@dataclass
class Tried:
    """A point at ``t`` along the line, and the slope there."""

    t: float
    point: Point
    slope: float


def strong_wolfe(
    at: Callable[[float], Point], t: float, along: Array, start: Point, slope: float, most: int
) -> tuple[Point, float, int]:
    """A point along a line where the loss has fallen enough and the slope is small.

    Args:
        at: loss and gradient at some distance.
        t: where to try first.
        along: the direction.
        start: what is at distance 0.
        slope: the loss's slope there.
        most: calls of ``at``, besides the first.

    Returns:
        The point, its distance, and the number of calls.
    """

    def tried(t: float) -> Tried:
        point = at(t)
        return Tried(t, point, float(point.grad @ along))

    def too_high(now: Tried) -> bool:
        return now.point.loss > start.loss + ENOUGH * now.t * slope

    def flat(now: Tried) -> bool:
        return abs(now.slope) <= -FLATTER * slope

    before, now, calls = Tried(0.0, start, slope), tried(t), 1
    bracket, count = [Tried(0.0, start, slope), now], 0
    while count < most:
        if too_high(now) or (count > 1 and now.point.loss >= before.point.loss):
            bracket = [before, now]
            break
        if flat(now):
            return now.point, now.t, calls
        if now.slope >= 0:
            bracket = [before, now]
            break
        bounds = (now.t + 0.01 * (now.t - before.t), now.t * 10)
        before, now = now, tried(_between(before, now, bounds))
        calls, count = calls + 1, count + 1
        bracket = [Tried(0.0, start, slope), now]
    return _zoom(bracket, tried, too_high, flat, float(np.abs(along).max()), calls, most - count)


def _zoom(
    bracket: list[Tried],
    tried: Callable[[float], Tried],
    too_high: Callable[[Tried], bool],
    flat: Callable[[Tried], bool],
    length: float,
    calls: int,
    left: int,
) -> tuple[Point, float, int]:
    """Narrows a bracket down until a point fits."""
    low, high = sorted(bracket, key=lambda end: end.point.loss)
    stuck = False
    while left > 0 and abs(high.t - low.t) * length >= NEAR:
        t, stuck = _inside(_between(low, high), low.t, high.t, stuck)
        now = tried(t)
        calls, left = calls + 1, left - 1
        if too_high(now) or now.point.loss >= low.point.loss:
            high = now
            low, high = sorted((low, high), key=lambda end: end.point.loss)
            continue
        if flat(now):
            return now.point, now.t, calls
        if now.slope * (high.t - low.t) >= 0:
            high = low
        low = now
    return low.point, low.t, calls


def _inside(t: float, first: float, second: float, stuck: bool) -> tuple[float, bool]:
    """``t``, unless it is near an end of the bracket for the second time, or not in it."""
    least, most = min(first, second), max(first, second)
    margin = 0.1 * (most - least)
    if min(most - t, t - least) >= margin:
        return t, False
    if not (stuck or t >= most or t <= least):
        return t, True
    return (most - margin if abs(t - most) < abs(t - least) else least + margin), False


def _between(a: Tried, b: Tried, bounds: tuple[float, float] | None = None) -> float:
    """Where the cubic through two points with these slopes is least, within ``bounds``."""
    first, second = (a, b) if a.t <= b.t else (b, a)
    least, most = bounds or (first.t, second.t)
    fall = 3 * (a.point.loss - b.point.loss) / (a.t - b.t) if a.t != b.t else math.nan
    bend = a.slope + b.slope - fall
    square = bend * bend - a.slope * b.slope
    if not square >= 0:
        return (least + most) / 2
    root = math.sqrt(square)
    below = second.slope - first.slope + 2 * root
    if not below:
        return (least + most) / 2
    found = second.t - (second.t - first.t) * ((second.slope + root - bend) / below)
    return min(max(found, least), most)
