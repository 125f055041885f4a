"""Kernels that differ only in where they start to read: the steps of a loop that Python unrolled
read one slice after the other. Without their starts they are one kernel, generated and compiled
once, and each call adds its own starts to the memory that it is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.kernel import BufferSpec, Kernel

MULTIPLE = 4  # elements: a start is a multiple of so many, and alignment within them stays known


def without_starts(kernel: Kernel) -> tuple[Kernel, tuple[int, ...]]:
    """``kernel`` on inputs that begin where it reads first, and the element of each buffer, by its
    slot, that this is."""
    extents = _extents(kernel)
    if not extents:
        return kernel, (0,) * len(kernel.buffers)

    back = moved(kernel, {slot: -extent.start for slot, extent in extents.items()})
    buffers = tuple(
        BufferSpec(spec.dtype, len(extents[slot])) if slot in extents else spec
        for slot, spec in enumerate(kernel.buffers)
    )
    starts = tuple(extents[s].start if s in extents else 0 for s in range(len(buffers)))
    return replace(back, buffers=buffers), starts


def moved(kernel: Kernel, by: Mapping[int, int]) -> Kernel:
    """``kernel`` that reads elsewhere in some of its inputs, by slot so many elements further on;
    ones that say where to read are not among them."""
    if not by:
        return kernel

    def visit(value: Expr, src: tuple[Expr, ...]) -> Expr:
        if value.op is ex.LOAD and value.arg.slot in by:
            slot, index, guard = value.arg
            return ex.load(slot, index + by[slot], value.dtype, guard)
        return ex.rebuild(value, src, value.arg)

    return kernel.transformed(visit)


def _extents(kernel: Kernel) -> Mapping[int, range]:
    """By slot the elements, first to last, of inputs that are not read whole; without those that
    say where to read."""
    everything = ex.toposort(kernel.values)
    pointing = set(
        ex.toposort([e for value in everything for e in value.operands[len(value.src) :]])
    )
    loads = [value for value in everything if value.op is ex.LOAD]
    whole = {slot: (0, spec.size - 1) for slot, spec in enumerate(kernel.buffers)}
    found = {}
    for slot, (low, high) in hulls(
        (e.arg.slot, whole[e.arg.slot] if e in pointing else e.arg.index.interval) for e in loads
    ).items():
        size = kernel.buffers[slot].size
        start, stop = max(0, low - low % MULTIPLE), min(high + 1, size)
        if start > 0 or stop < size:
            found[slot] = range(start, stop)
    return found


def hulls(intervals: Iterable[tuple[int, tuple[int, int]]]) -> dict[int, tuple[int, int]]:
    """By slot from the lowest to the highest of its intervals."""
    found: dict[int, tuple[int, int]] = {}
    for slot, (low, high) in intervals:
        before = found.get(slot, (low, high))
        found[slot] = min(low, before[0]), max(high, before[1])
    return found
