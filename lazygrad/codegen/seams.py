"""Seams: where pieces that were put side by side meet, or padding begins. A loop of vectors is
cut there into loops that check nothing, since each lies in one piece, or outside of all of it."""

from __future__ import annotations

from collections.abc import Collection
from math import prod

from lazygrad.codegen.normal import substitute
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Bound, Expr, Guard
from lazygrad.kernel.index import Range
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.target import Target

MOST = 8  # loops that one becomes
WRITTEN = 400  # expressions in all of them


def cuts(kernel: Kernel, r: Range, target: Target) -> tuple[int, ...]:
    """Where to cut a range of the kernel; nowhere if that would be too often, or if its other
    ranges, which units have to share then, are not enough for all of them, and on GPUs, where each
    work-item has a vector of its own."""
    others = prod(other.size for other in kernel.ranges if other != r)
    if target.is_gpu or r not in kernel.ranges or others < target.units:
        return ()
    values = ex.toposort(kernel.values)
    found = {at for e in values for b in ex.guard_of(e) if _depends_on(b, r) for at in _ends(b, r)}
    inside = sorted(at for at in found if 0 < at < r.size)
    loops = len(inside) + 1
    if loops > MOST or loops * len(values) > WRITTEN:
        return ()
    return tuple(inside)


def without(kernel: Kernel, target: Target) -> Kernel:
    """``kernel`` as it is in a loop between seams, whichever of its ranges that runs along."""
    ranges = frozenset(r for r in kernel.ranges if cuts(kernel, r, target))

    def free(value: Expr) -> Expr:
        if value.op is ex.LOAD:
            slot, index, guard = value.arg
            return ex.load(slot, index, value.dtype, _kept(guard, ranges))
        return ex.guarded(value.src[0], _kept(value.arg, ranges)) if value.op is ex.GUARD else value

    return substitute(kernel, {}, {}, free) if ranges else kernel


def _kept(guard: Guard, ranges: Collection[Range]) -> Guard:
    return tuple(bound for bound in guard if not any(_depends_on(bound, r) for r in ranges))


def _depends_on(bound: Bound, r: Range) -> bool:
    """On nothing but ``r``."""
    return len(bound.index.terms) == 1 and bound.index.terms[0][0] == r


def _ends(bound: Bound, r: Range) -> tuple[int, int]:
    """The first element at which it holds, and the first behind, if it is not the other way."""
    step, const = bound.index.coefficient(r), bound.index.const
    if step < 0:
        return (const - bound.high) // -step + 1, (const - bound.low) // -step + 1
    return -((const - bound.low) // step), -((const - bound.high) // step)
