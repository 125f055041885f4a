"""What a step costs at least: arithmetic operations and bytes moved."""

from __future__ import annotations

from math import prod

from lazygrad.kernel import expr as ex, running
from lazygrad.kernel.expr import KernelOp
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.plan import LoopCall
from lazygrad.kernel.routine import RoutineCall

Work = Kernel | RoutineCall | LoopCall


def flops(kernel: Work) -> int:
    """Floating-point operations: each operation once a point of the ranges it depends on; a running
    reduction adds each element once. Nobody knows how many a routine takes: 0."""
    if isinstance(kernel, RoutineCall):
        return 0
    if isinstance(kernel, LoopCall):
        return sum(count * flops(step.kernel) for step, count in kernel.runs())
    total = 0
    values = ex.toposort(kernel.values)
    runs = [e for e in values if e.op is ex.REDUCE and running.find(e) is not None]
    chosen = {e.src[0] for e in runs}
    for value in values:
        if not value.dtype.is_floating_point or value in chosen:
            continue
        if value in runs:
            total += prod(r.size for r in value.ranges)
        elif value.op is ex.COLLECT:
            visited = (value.ranges - value.arg.at.ranges) | set(value.arg.ranges)
            total += prod(r.size for r in visited) if value.arg.op is not None else 0
        elif value.op is ex.REDUCE:
            total += prod(r.size for r in value.src[0].ranges | set(value.arg.ranges))
        elif not isinstance(value.op, KernelOp):
            total += prod(r.size for r in value.ranges)
    return total


def nbytes(kernel: Work) -> int:
    """Bytes moved if every element touched is moved once."""
    if isinstance(kernel, RoutineCall):
        return kernel.nbytes
    if isinstance(kernel, LoopCall):
        return sum(count * nbytes(step.kernel) for step, count in kernel.runs())
    written = kernel.written.items()
    total = sum(count * kernel.buffers[slot].dtype.itemsize for slot, count in written)
    touched: dict[int, int] = {}
    for value in ex.toposort(kernel.values):
        if value.op is ex.LOAD:
            points = prod(r.size for r in value.arg.index.ranges)
            touched[value.arg.slot] = max(touched.get(value.arg.slot, 0), points)
    for slot, points in touched.items():
        spec = kernel.buffers[slot]
        total += min(points, spec.size) * spec.dtype.itemsize
    return total
