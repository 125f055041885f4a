"""Normal form: the same kernel with as few ranges as possible, and guards where the loads are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from math import prod

from lazygrad import ops
from lazygrad.kernel import expr as ex, folding, index as ix
from lazygrad.kernel.expr import Expr, Guard
from lazygrad.kernel.index import Index, Range
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.ranges import are_as_one, merged, substitute, without_trivial


def normal(kernel: Kernel) -> Kernel:
    """Without ranges of size 0 or 1, without ranges that could be one, without reductions over
    what they do not read. Outputs without elements are gone."""
    return _promoted(merged(without_trivial(kernel, _simplified)))


def _simplified(value: Expr) -> Expr:
    if value.op is ex.GUARD and value.src[0].op is ex.LOAD:
        slot, index, guard = value.src[0].arg
        return ex.load(slot, index, value.dtype, ex.simplify_guard((*guard, *value.arg)))
    if value.op is ops.ADD or value.op is ops.MUL:
        return folding.index(value.op, value.src, value.dtype) or value
    return value


def with_guards(kernel: Kernel, kept: Callable[[Guard], Guard]) -> Kernel:
    """``kernel`` with what is ``kept`` of each guard."""

    def rule(value: Expr) -> Expr:
        if value.op is ex.LOAD:
            slot, index, guard = value.arg
            return ex.load(slot, index, value.dtype, kept(guard))
        return ex.guarded(value.src[0], kept(value.arg)) if value.op is ex.GUARD else value

    return substitute(kernel, {}, {}, rule)


# -- outer ranges -------------------------------------------------------------------------------


def _promoted(kernel: Kernel) -> Kernel:
    """Ranges of all outputs that no reduction is independent of belong to the kernel."""
    if not kernel.outputs:
        return kernel
    shared = [
        r
        for r in kernel.outputs[0].ranges
        if r not in kernel.ranges
        and all(r in o.ranges for o in kernel.outputs)
        and all(r in e.ranges for e in _outermost_reductions(kernel))
    ]
    if not shared:
        return kernel
    ranges = (*kernel.ranges, *shared)
    outputs = tuple(
        replace(o, ranges=(*ranges, *(r for r in o.ranges if r not in ranges)))
        for o in kernel.outputs
    )
    return replace(kernel, ranges=ranges, outputs=outputs)


def _outermost_reductions(kernel: Kernel) -> list[Expr]:
    reductions = kernel.reductions()
    inside = {e for r in reductions for e in ex.toposort(r.src) if e.op is ex.REDUCE}
    return [r for r in reductions if r not in inside]


def flatten(kernel: Kernel, ranges: Sequence[Range]) -> tuple[Kernel, Range]:
    """``kernel`` with one or several of its ranges, or of a reduction's, as one, the last of them
    fastest; an index takes it apart again by division, unless it steps through them as through
    one."""
    if len(ranges) == 1:
        return kernel, ranges[0]
    sizes = tuple(r.size for r in ranges)
    one = Range("_".join(r.name for r in ranges), prod(sizes))
    apart = dict(zip(ranges, ix.unravel(ix.of(one), sizes), strict=True))
    whole = dict.fromkeys(ranges, Index()) | {ranges[-1]: ix.of(one)}

    def mapping_for(index: Index) -> Mapping[Range, Index]:
        together = all(are_as_one(index, outer, inner) for outer, inner in pairwise(ranges))
        return whole if together else apart

    names: dict[Range, tuple[Range, ...]] = dict.fromkeys(ranges, (one,))
    return substitute(kernel, mapping_for, names), one
