"""Normal form: the same kernel with as few ranges as possible, and guards where the loads are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from math import prod

from lazygrad import ops
from lazygrad.element_types import BOOL
from lazygrad.kernel import expr as ex, folding, index as ix
from lazygrad.kernel.expr import Bound, Expr, Guard
from lazygrad.kernel.index import Atom, DataAtom, Index, Quotient, Range, Remainder
from lazygrad.kernel.kernel import Kernel


def normal(kernel: Kernel) -> Kernel:
    """Without ranges of size 0 or 1, without ranges that could be one, without reductions over
    what they do not read. Outputs without elements are gone."""
    kernel = _without_small(kernel)
    kernel = substitute(kernel, {}, {}, _simplified)
    kernel = merge_ranges(kernel)
    return _promoted(kernel)


# -- rewriting ----------------------------------------------------------------------------------

Renamed = Mapping[Range, tuple[Range, ...]]


def substitute(
    kernel: Kernel,
    mapping: Mapping[Range, Index] | MapFor,
    renamed: Renamed,
    rule: Rule | None = None,
) -> Kernel:
    """``kernel`` with ranges replaced, bound ones too: by ``mapping`` in indices (one for all, or
    chosen for each), by ``renamed`` where they are listed. ``rule`` may then replace each
    expression, inner ones first."""
    move = _Move(mapping if callable(mapping) else lambda index: mapping)
    for value in ex.toposort(kernel.values):
        moved = move.expression(value, renamed)
        move.done[value] = moved if rule is None else rule(moved)
    outputs = tuple(
        replace(
            o, value=move.done[o.value], index=move.index(o.index),
            ranges=_listed(o.ranges, renamed),
        )
        for o in kernel.outputs
    )  # fmt: skip
    return replace(kernel, ranges=_listed(kernel.ranges, renamed), outputs=outputs)


Rule = Callable[[Expr], Expr]
MapFor = Callable[[Index], Mapping[Range, Index]]


class _Move:
    """Expressions moved to other ranges, those inside gathered indices included."""

    def __init__(self, mapping_for: MapFor) -> None:
        self.mapping_for = mapping_for
        self.done: dict[Expr, Expr] = {}

    def expression(self, value: Expr, renamed: Renamed) -> Expr:
        src = tuple(self.done[operand] for operand in value.src)
        if value.op is ex.LOAD:
            slot, index, guard = value.arg
            return ex.load(slot, self.index(index), value.dtype, self.guard(guard))
        if value.op is ex.INDEX:
            return ex.index_value(self.index(value.arg), value.dtype)
        if value.op is ex.GUARD:
            return ex.guarded(src[0], self.guard(value.arg))
        if value.op in ex.BINDING:
            return ex.rebind(value, src, _listed(value.arg.ranges, renamed), self.index)
        return ex.rebuild(value, src, value.arg)

    def guard(self, guard: Guard) -> Guard:
        return ex.simplify_guard(Bound(self.index(b.index), b.low, b.high) for b in guard)

    def index(self, index: Index) -> Index:
        mapping = self.mapping_for(index)
        if index.is_affine and index.ranges.isdisjoint(mapping):
            return index
        return ix.linear([(self._atom(a, mapping), c) for a, c in index.terms], index.const)

    def _atom(self, atom: Atom, mapping: Mapping[Range, Index]) -> Index:
        if isinstance(atom, Range):
            return mapping[atom] if atom in mapping else ix.of(atom)
        if isinstance(atom, Quotient):
            return self.index(atom.index).floordiv(atom.divisor)
        if isinstance(atom, Remainder):
            return self.index(atom.index).mod(atom.divisor)
        return ix.of(DataAtom(self.done[atom.value], atom.interval))


def _simplified(value: Expr) -> Expr:
    if value.op is ex.GUARD and value.src[0].op is ex.LOAD:
        slot, index, guard = value.src[0].arg
        return ex.load(slot, index, value.dtype, ex.simplify_guard((*guard, *value.arg)))
    if value.op is ops.ADD or value.op is ops.MUL:
        return folding.index(value.op, value.src, value.dtype) or value
    return _shorter(value) if value.op is ex.REDUCE else value


def _shorter(value: Expr) -> Expr:
    """A reduction without the ranges that its operand does not depend on."""
    op, ranges = value.arg
    source = value.src[0]
    if any(r.size == 0 for r in ranges):
        return ex.literal(op.identity(value.dtype), value.dtype)
    read = tuple(r for r in ranges if r in source.ranges)
    if read == ranges:
        return value
    result = ex.reduce(op, source, read) if read else source
    repeated = prod(r.size for r in ranges if r not in read)
    if repeated == 1 or op is not ops.SUM or value.dtype.kind == BOOL:
        return result
    factor = float(repeated) if value.dtype.is_floating_point else repeated
    return ex.elementwise(ops.MUL, (result, ex.literal(factor, value.dtype)), value.dtype)


def _listed(ranges: Sequence[Range], renamed: Renamed) -> tuple[Range, ...]:
    """In their first place each, once."""
    found = [new for r in ranges for new in renamed.get(r, (r,))]
    return tuple(dict.fromkeys(found))


def _without_small(kernel: Kernel) -> Kernel:
    kept = tuple(o for o in kernel.outputs if all(r.size for r in o.ranges))
    kernel = replace(kernel, outputs=kept)
    ones = [r for r in _all_ranges(kernel) if r.size == 1]
    nowhere: Renamed = dict.fromkeys(ones, ())
    return substitute(kernel, dict.fromkeys(ones, Index()), nowhere) if ones else kernel


def _all_ranges(kernel: Kernel) -> list[Range]:
    found = [*kernel.ranges, *(r for o in kernel.outputs for r in o.ranges)]
    found += [r for e in _binding(kernel) for r in e.arg.ranges]
    return list(dict.fromkeys(found))


def _binding(kernel: Kernel) -> Iterator[Expr]:
    return (e for e in ex.toposort(kernel.values) if e.op in ex.BINDING)


# -- merging ------------------------------------------------------------------------------------


def with_guards(kernel: Kernel, kept: Callable[[Guard], Guard]) -> Kernel:
    """``kernel`` with what is ``kept`` of each guard."""

    def rule(value: Expr) -> Expr:
        if value.op is ex.LOAD:
            slot, index, guard = value.arg
            return ex.load(slot, index, value.dtype, kept(guard))
        return ex.guarded(value.src[0], kept(value.arg)) if value.op is ex.GUARD else value

    return substitute(kernel, {}, {}, rule)


def merge_ranges(kernel: Kernel) -> Kernel:
    """Two ranges become one where every index steps through them as through one: the stride of
    the outer one is the stride of the inner one times its size."""
    lists = _lists(kernel)
    indices = list(_indices(kernel))
    for ranges in lists:
        for outer in ranges:
            for inner in ranges:
                if outer == inner or not _together(outer, inner, lists):
                    continue
                if all(_collapses(index, outer, inner) for index in indices):
                    return merge_ranges(_merged(kernel, outer, inner))
    return kernel


def _merged(kernel: Kernel, outer: Range, inner: Range) -> Kernel:
    one = Range(f"{outer.name}_{inner.name}", outer.size * inner.size)
    mapping = {outer: Index(), inner: ix.of(one)}
    return substitute(kernel, mapping, {outer: (), inner: (one,)})


def _lists(kernel: Kernel) -> list[tuple[Range, ...]]:
    """The lists in which ranges stand: a pair can merge only where it always stands together."""
    lists = [kernel.ranges]
    for output in kernel.outputs:
        lists.append(tuple(r for r in output.ranges if r not in kernel.ranges))
    lists += [e.arg.ranges for e in _binding(kernel)]
    return [ranges for ranges in dict.fromkeys(lists) if ranges]


def _together(outer: Range, inner: Range, lists: Iterable[tuple[Range, ...]]) -> bool:
    return all((outer in ranges) == (inner in ranges) for ranges in lists)


def _indices(kernel: Kernel) -> Iterator[Index]:
    for output in kernel.outputs:
        yield output.index
    for value in ex.toposort(kernel.values):
        yield from ex.indices(value)


def _collapses(index: Index, outer: Range, inner: Range) -> bool:
    if index.coefficient(outer) != index.coefficient(inner) * inner.size:
        return False
    return all(
        _collapses(atom.index, outer, inner)
        for atom, _ in index.terms
        if isinstance(atom, Quotient | Remainder)
    )


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
        pairs = pairwise(ranges)
        return whole if all(_collapses(index, outer, inner) for outer, inner in pairs) else apart

    names: dict[Range, tuple[Range, ...]] = dict.fromkeys(ranges, (one,))
    return substitute(kernel, mapping_for, names), one
