"""Memory over a step: what is alive when, how memory is shared, and who holds the peak."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lazygrad.inspect.step import INPUT, OUTPUT, TEMPORARY, Step, StepBuffer

WIDTH, HEIGHT = 960, 240  # of the drawing
LOWEST = 3.0  # height of a piece of memory in the map


class Area(NamedTuple):
    """What is alive of a role, as the points of a polygon."""

    role: str
    points: list[tuple[float, float]]


class Tenant(NamedTuple):
    """A value in a piece of memory, as a rectangle of the map."""

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
        map_height: of the map.
        allocated: bytes of memory for temporaries, that they share; and of all of them, unshared.
    """

    at: int
    bytes_at: list[int]
    areas: list[Area]
    holders: list[StepBuffer]
    tenants: list[Tenant]
    map_height: float
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
    tenants, height = _tenants(temporaries, count)
    return Holding(
        at=at,
        bytes_at=totals,
        areas=list(_areas(by_role, max(totals) or 1, count)),
        holders=sorted(alive, key=lambda value: -value.nbytes),
        tenants=tenants,
        map_height=height,
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


def _tenants(values: list[StepBuffer], count: int) -> tuple[list[Tenant], float]:
    """A row for each piece of memory, as high as it is large."""
    sizes: dict[int, int] = {}
    for value in values:
        sizes[value.memory] = max(value.nbytes, sizes.get(value.memory, 0))
    whole = sum(sizes.values()) or 1
    heights = {m: max(LOWEST, HEIGHT * size / whole) for m, size in sorted(sizes.items())}
    tops: dict[int, float] = {}
    y = 0.0
    for memory, height in heights.items():
        tops[memory] = y
        y += height + 1
    found = []
    for value in values:
        first, last = _span(value, count)
        height = heights[value.memory] * value.nbytes / (sizes[value.memory] or 1)
        x, width = WIDTH * first / count, WIDTH * (last + 1 - first) / count
        found.append(Tenant(value, first, x, tops[value.memory], width, max(height, 1.0)))
    return found, y
