"""The charts of a report as numbers that templates draw: where rectangles and points lie."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import ceil, floor, log10
from typing import Any, NamedTuple

from lazygrad.inspect.limits import Limits
from lazygrad.inspect.lines import origins_of
from lazygrad.inspect.step import PHASES, Step, StepKernel
from lazygrad.kernel.target import Target

ROOFLINE = 960, 480  # width and height of the drawing
SMALLEST, LARGEST = 3.0, 22.0  # radius of a kernel
TREEMAP = 100.0, 56.0  # percent of the width
LEAST = 1e-9  # seconds that a kernel counts for in areas


class Block(NamedTuple):
    """A rectangle of a kernel or launch, in percent."""

    number: int
    label: str
    x: float
    y: float
    width: float
    height: float


def timeline(step: Step, seconds: Sequence[float]) -> tuple[list[Block], list[Block]]:
    """The launches and the kernels one after the other, as wide as they take long."""
    whole = sum(seconds) or 1.0
    launches: list[Block] = []
    kernels: list[Block] = []
    at = 0.0
    for number, launch in enumerate(step.launches):
        start = at
        for kernel in (kernel for part in launch.parts for kernel in part):
            width = 100 * seconds[kernel] / whole
            kernels.append(Block(kernel, step.kernels[kernel].name, at, 0, width, 100))
            at += width
        launches.append(Block(number, f"launch {number}", start, 0, at - start, 100))
    return launches, kernels


# -- treemap ---------------------------------------------------------------------------------------


class Field(NamedTuple):
    """What belongs to a phase in the treemap."""

    phase: str
    seconds: float
    block: Block
    kernels: list[Block]


def treemap(squarify: Any, step: Step, seconds: Sequence[float]) -> list[Field]:
    """Phases, and in each its kernels, as large as they take long."""
    groups = {
        phase: sorted(
            (kernel for kernel in step.kernels if kernel.phase == phase),
            key=lambda kernel: -seconds[kernel.number],
        )
        for phase in PHASES
    }
    sums = {p: sum(max(seconds[k.number], LEAST) for k in group) for p, group in groups.items()}
    phases = sorted((phase for phase in PHASES if sums[phase]), key=lambda phase: -sums[phase])
    found = []
    outer = _squares(squarify, [sums[phase] for phase in phases], (0.0, 0.0, *TREEMAP))
    for phase, (x, y, width, height) in zip(phases, outer, strict=True):
        group = groups[phase]
        sizes = [max(seconds[kernel.number], LEAST) for kernel in group]
        inner = _squares(squarify, sizes, (0.0, 0.0, width, height))
        blocks = [
            Block(kernel.number, kernel.name, *_percent(place, width, height))
            for kernel, place in zip(group, inner, strict=True)
        ]
        block = Block(-1, phase, *_percent((x, y, width, height), *TREEMAP))
        found.append(Field(phase, sums[phase], block, blocks))
    return found


Place = tuple[float, float, float, float]


def _squares(squarify: Any, sizes: Sequence[float], inside: Place) -> Iterator[Place]:
    """Rectangles as square as possible, for sizes that fall."""
    x, y, width, height = inside
    scaled = squarify.normalize_sizes(sizes, width, height)
    for found in squarify.squarify(scaled, x, y, width, height):
        yield found["x"], found["y"], found["dx"], found["dy"]


def _percent(place: Place, width: float, height: float) -> Place:
    x, y, dx, dy = place
    return 100 * x / width, 100 * y / height, 100 * dx / width, 100 * dy / height


# -- roofline --------------------------------------------------------------------------------------


class Point(NamedTuple):
    kernel: StepKernel
    x: float
    y: float
    radius: float
    intensity: float
    rate: float


class Roof(NamedTuple):
    """What a device can do at most, as a line of points of the drawing."""

    label: str
    kind: str
    points: list[tuple[float, float]]


class Roofline(NamedTuple):
    """``moving``: kernels without floating-point operations, which have no place in it."""

    points: list[Point]
    roofs: list[Roof]
    columns: list[tuple[float, str]]
    rows: list[tuple[float, str]]
    moving: list[StepKernel]


def roofline(
    step: Step, seconds: Sequence[float], target: Target, measured: Limits
) -> Roofline | None:
    """Kernels by operations a byte and operations a second, on logarithmic axes; None where there
    are none that compute with floats."""
    computing = [k for k in step.kernels if k.flops and k.nbytes and seconds[k.number] > 0]
    if not computing:
        return None
    intensity = [k.flops / k.nbytes for k in computing]
    rate = [k.flops / seconds[k.number] for k in computing]
    roofs = [
        ("reckoned with", "reckoned", target.bandwidth, target.throughput),
        ("measured, in cache", "cache", measured.cache, measured.compute),
        ("measured, in memory", "memory", measured.memory, measured.compute),
    ]
    most = max(max(rate), *(top for *_, top in roofs))
    left, right = floor(log10(min(intensity))), ceil(log10(max(*intensity, 10.0)))
    low, high = floor(log10(min(rate))), ceil(log10(most))
    width, height = ROOFLINE

    def x(value: float) -> float:
        return width * (log10(value) - left) / (right - left)

    def y(value: float) -> float:
        return height * (1 - (log10(value) - low) / (high - low))

    longest = max(seconds)
    points = [
        Point(k, x(i), y(r), _radius(seconds[k.number] / longest), i, r)
        for k, i, r in zip(computing, intensity, rate, strict=True)
    ]
    lines = [
        Roof(label, kind, [(x(i), y(min(top, i * bandwidth)))
                           for i in _corners(10.0**left, 10.0**right, top / bandwidth)])
        for label, kind, bandwidth, top in roofs
    ]  # fmt: skip
    return Roofline(
        points=sorted(points, key=lambda point: -point.radius),
        roofs=lines,
        columns=[(x(10.0**e), f"{10.0**e:g}") for e in range(left, right + 1)],
        rows=[(y(10.0**e), f"{10.0 ** (e - 9):g}") for e in range(low, high + 1)],
        moving=[k for k in step.kernels if not k.flops],
    )


def _radius(share: float) -> float:
    return SMALLEST + (LARGEST - SMALLEST) * float(share) ** 0.5


def _corners(left: float, right: float, ridge: float) -> list[float]:
    return [left, *([ridge] if left < ridge < right else []), right]


def places_of(kernels: Iterable[StepKernel]) -> dict[int, str]:
    """The first of the user's lines that each kernel comes from."""
    return {kernel.number: origins_of(kernel)[0].place for kernel in kernels}
