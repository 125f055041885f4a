"""Memory over a step: what is alive when, how memory is shared, and who holds the peak."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate
from typing import NamedTuple

from lazygrad.inspect.step import INPUT, OUTPUT, TEMPORARY, Step, StepBuffer

WIDTH, HEIGHT = 960, 240  # of the drawing
LOWEST = 1.0  # height of a value in the map


class Area(NamedTuple):
    """What is alive of a role, as the points of a polygon."""

    role: str
    points: list[tuple[float, float]]


class Tenant(NamedTuple):
    """A value in memory, as a rectangle of the map."""

    value: StepBuffer
    kernel: int
    x: float
    y: float
    width: float
    height: float


class Holding(NamedTuple):
    """
    Attributes:
        at: the kernel while which most is alive.
        bytes_at: alive while each kernel runs.
        holders: the values that are alive at the peak, the largest first.
        tenants: the temporaries where they lie, and for how long.
        allocated: bytes of memory for temporaries, that they share; and of all of them, unshared.
    """

    at: int
    bytes_at: list[int]
    areas: list[Area]
    holders: list[StepBuffer]
    tenants: list[Tenant]
    allocated: int
    unshared: int

    @property
    def peak(self) -> int:
        return max(self.bytes_at, default=0)


def holding(step: Step) -> Holding:
    """Inputs are alive all along, outputs from the kernel on that writes them first, temporaries
    from the first that writes to the last that reads them."""
    count = max(len(step.kernels), 1)
    by_role = {role: [0] * count for role in (INPUT, OUTPUT, TEMPORARY)}
    pieces = _pieces(step)
    for value in pieces:
        first, last = _span(value, count)
        for number in range(first, last + 1):
            by_role[value.role][number] += value.nbytes
    totals = [sum(column) for column in zip(*by_role.values(), strict=True)]
    at = max(range(count), key=totals.__getitem__)
    alive = [v for v in pieces if _span(v, count)[0] <= at <= _span(v, count)[1]]
    temporaries = [value for value in pieces if value.role == TEMPORARY]
    return Holding(
        at=at,
        bytes_at=totals,
        areas=list(_areas(by_role, max(totals) or 1, count)),
        holders=sorted(alive, key=lambda value: -value.nbytes),
        tenants=_tenants(temporaries, count),
        allocated=step.temporaries,
        unshared=sum(value.nbytes for value in temporaries),
    )


def _pieces(step: Step) -> list[StepBuffer]:
    """The values, but each input and output once."""
    seen: dict[object, StepBuffer] = {}
    for value in step.buffers:
        key = value.number if value.role == TEMPORARY else (value.role, value.memory)
        seen.setdefault(key, value)
    return list(seen.values())


def _span(value: StepBuffer, count: int) -> tuple[int, int]:
    """The first and the last kernel while which it is alive."""
    if value.role == INPUT:
        return 0, count - 1
    first = min(value.written_by, default=0)
    if value.role == OUTPUT:
        return first, count - 1
    return first, max((*value.written_by, *value.read_by), default=first)


def _areas(by_role: dict[str, list[int]], most: int, count: int) -> Iterable[Area]:
    """One on top of the other, as steps."""
    below = [0] * count
    for role, alive in by_role.items():
        above = [a + b for a, b in zip(below, alive, strict=True)]
        points = [*_edge(above, most, count), *reversed(list(_edge(below, most, count)))]
        yield Area(role, points)
        below = above


def _edge(values: list[int], most: int, count: int) -> Iterable[tuple[float, float]]:
    for number, value in enumerate(values):
        y = HEIGHT * (1 - value / most)
        yield WIDTH * number / count, y
        yield WIDTH * (number + 1) / count, y


def _tenants(values: list[StepBuffer], count: int) -> list[Tenant]:
    """From the first byte of memory at the top to the last, one arena below the other."""
    ends: dict[int, int] = {}
    for value in values:
        ends[value.memory] = max(value.start + value.nbytes, ends.get(value.memory, 0))
    whole = sum(ends.values()) or 1
    above = dict(zip(sorted(ends), accumulate(ends[m] for m in sorted(ends)), strict=True))
    found = []
    for value in values:
        first, last = _span(value, count)
        y = HEIGHT * (above[value.memory] - ends[value.memory] + value.start) / whole
        height = max(LOWEST, HEIGHT * value.nbytes / whole)
        x, width = WIDTH * first / count, WIDTH * (last + 1 - first) / count
        found.append(Tenant(value, first, x, y, width, height))
    return found
