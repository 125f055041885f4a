"""Seams: where pieces that were put side by side meet, or padding begins. A loop of vectors is
cut there into loops that check nothing, since each lies in one piece, or outside of all of it."""

from __future__ import annotations

from collections.abc import Collection
from math import prod

from lazygrad.codegen.normal import with_guards
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Bound, Guard
from lazygrad.kernel.index import Range
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.target import Target

MOST = 8  # loops that one becomes
WRITTEN = 400  # expressions in all of them


def find(kernel: Kernel, target: Target) -> dict[Range, tuple[int, ...]]:
    """Where ranges of the kernel can be cut; not those that would be so too often, or whose other
    ranges, which units have to share then, are not enough for all of them, and none on GPUs, where
    each work-item has a vector of its own."""
    if target.is_gpu:
        return {}
    values = ex.toposort(kernel.values)
    found: dict[Range, set[int]] = {}
    for bound in (b for e in values for b in ex.guard_of(e)):
        r = _only_range(bound)
        if r in kernel.ranges:
            found.setdefault(r, set()).update(at for at in _ends(bound, r) if 0 < at < r.size)
    whole = prod(r.size for r in kernel.ranges)
    return {
        r: tuple(sorted(cuts))
        for r, cuts in found.items()
        if cuts
        and whole // r.size >= target.units
        and len(cuts) < MOST
        and (len(cuts) + 1) * len(values) <= WRITTEN
    }


def without(kernel: Kernel, ranges: Collection[Range]) -> Kernel:
    """``kernel`` as it is in a loop between seams, whichever of ``ranges`` that runs along."""

    def kept(guard: Guard) -> Guard:
        return tuple(bound for bound in guard if _only_range(bound) not in ranges)

    return with_guards(kernel, kept) if ranges else kernel


def _only_range(bound: Bound) -> Range | None:
    """That which a bound depends on, if on nothing else."""
    (*atoms,) = (atom for atom, _ in bound.index.terms)
    return atoms[0] if len(atoms) == 1 and isinstance(atoms[0], Range) else None


def _ends(bound: Bound, r: Range) -> tuple[int, int]:
    """The first element at which it holds, and the first behind, if it is not the other way."""
    step, const = bound.index.coefficient(r), bound.index.const
    if step < 0:
        return (const - bound.high) // -step + 1, (const - bound.low) // -step + 1
    return -((const - bound.low) // step), -((const - bound.high) // step)
