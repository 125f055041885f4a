"""Edges: guards that only the last element of an outer range needs. The last part of a sum that was
split is shorter than the others: they run without a check, in loops of their own."""

from __future__ import annotations

from lazygrad.codegen.normal import with_guards
from lazygrad.codegen.schedule import Walk
from lazygrad.kernel import expr as ex, index as ix
from lazygrad.kernel.expr import Bound, Expr
from lazygrad.kernel.index import Range
from lazygrad.kernel.kernel import Kernel


def without(kernel: Kernel) -> tuple[Kernel, dict[Range, Walk]]:
    """The kernel as it is at all but the last element of one of its ranges, and how to walk that
    range; the kernel itself if its reductions check nothing there."""
    for r in kernel.ranges:
        if r.size > 1 and any(_ends_with(b, r) for e in kernel.reductions() for b in _bounds(e)):
            return _inside(kernel, r), {r: Walk(cuts=(r.size - 1,))}
    return kernel, {}


def _bounds(reduction: Expr) -> list[Bound]:
    """Those that are checked again and again along the reduction."""
    found: list[Bound] = []
    for e in ex.toposort(reduction.src):
        found += (b for b in ex.guard_of(e) if not b.index.ranges.isdisjoint(reduction.arg.ranges))
    return found


def _ends_with(bound: Bound, r: Range) -> bool:
    """Whether it always holds before the last element of ``r``."""
    return r in bound.index.ranges and not ex.simplify_guard([_shortened(bound, r)])


def _shortened(bound: Bound, r: Range) -> Bound:
    return bound._replace(index=bound.index.substitute({r: ix.of(Range(r.name, r.size - 1))}))


def _inside(kernel: Kernel, r: Range) -> Kernel:
    """``kernel`` without the bounds that only the last element of ``r`` needs."""
    return with_guards(kernel, lambda guard: tuple(b for b in guard if not _ends_with(b, r)))
