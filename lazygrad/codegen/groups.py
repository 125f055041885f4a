"""Schedules of long reductions on GPUs: the work-items of a group share a row.

Each takes every group-th element, so that neighbours read neighbouring memory; a tree in local
memory combines what they found; and they write the row in the same way, if it is written.
"""

from __future__ import annotations

from lazygrad import element_types as dt
from lazygrad.codegen.schedule import Schedule, Walk
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import Range
from lazygrad.kernel.kernel import Kernel, loads
from lazygrad.kernel.target import Target

SHORTEST = 32  # elements of a row: below that a work-item is as fast by itself
LARGEST_GROUP = 256


def schedule(kernel: Kernel, target: Target, wide: bool) -> Schedule | None:
    """Rows shared by groups, or None where that does not help."""
    shared = [_along_memory(e) for e in kernel.reductions()]
    if target.max_group < SHORTEST or not shared or not _stands_outside(kernel):
        return None
    if any(r is None or r.size < SHORTEST for r in shared):
        return None
    rows = [r for r in shared if r is not None]
    for output in kernel.outputs:
        rows += [r for r in output.ranges if r not in kernel.ranges][-1:]
    longest = min(LARGEST_GROUP, target.max_group, max(r.size for r in rows))
    group = 1 << (longest.bit_length() - 1)
    walks = {r: Walk(together=True) for r in rows}
    notes = (f"rows shared by groups of {group}",)
    return Schedule(kernel, kernel.ranges, kernel.ranges, walks, group, wide, notes=notes)


def _along_memory(reduction: Expr) -> Range | None:
    """The range of a reduction along which its operands are contiguous."""
    if reduction.dtype.kind == dt.BOOL:
        return None
    read = loads(reduction.src)
    for r in reduction.arg.ranges:
        if any(abs(e.arg.index.coefficient(r)) == 1 for e in read if e.arg.index.affine_in(r)):
            return r
    return None


def _stands_outside(kernel: Kernel) -> bool:
    """Whether every reduction is computed once a point of the kernel's ranges, where all work-items
    of a group pass."""
    outer = frozenset(kernel.ranges)
    return all(e.ranges <= outer for e in kernel.reductions())
