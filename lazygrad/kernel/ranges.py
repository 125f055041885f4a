"""Ranges of kernels: replaced by others, left out where they are trivial, merged where two of them
walk memory as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod

from lazygrad import ops, semantics
from lazygrad.element_types import BOOL
from lazygrad.kernel import expr as ex, index as ix
from lazygrad.kernel.expr import Bound, Expr, Guard
from lazygrad.kernel.index import Atom, DataAtom, Index, Quotient, Range, Remainder
from lazygrad.kernel.kernel import Kernel, Output

Mapped = Mapping[Range, Index]
Renamed = Mapping[Range, tuple[Range, ...]]
Rule = Callable[[Expr], Expr]
Form = dict[Range, int]  # coefficients

# -- replaced -------------------------------------------------------------------------------------


def substitute(
    kernel: Kernel,
    mapping: Mapped | Callable[[Index], Mapped],
    renamed: Renamed,
    rule: Rule | None = None,
) -> Kernel:
    """``kernel`` with ranges replaced, bound ones too: by ``mapping`` in indices (one for all, or
    chosen for each), by ``renamed`` where they are listed. ``rule`` may then replace each
    expression, inner ones first."""
    outputs = substitute_in(kernel.outputs, mapping, renamed, rule)
    return replace(kernel, ranges=_listed(kernel.ranges, renamed), outputs=outputs)


def substitute_in(
    outputs: Iterable[Output],
    mapping: Mapped | Callable[[Index], Mapped],
    renamed: Renamed,
    rule: Rule | None = None,
) -> tuple[Output, ...]:
    """The same for ``outputs`` alone."""
    outputs = tuple(outputs)
    move = _Move(mapping if callable(mapping) else lambda index: mapping)
    for value in ex.toposort(o.value for o in outputs):
        moved = move.expression(value, renamed)
        move.done[value] = moved if rule is None else rule(moved)
    return tuple(
        replace(
            o, value=move.done[o.value], index=move.index(o.index),
            ranges=_listed(o.ranges, renamed),
        )
        for o in outputs
    )  # fmt: skip


class _Move:
    """Expressions moved to other ranges, those inside gathered indices included."""

    def __init__(self, mapping_for: Callable[[Index], Mapped]) -> None:
        self.mapping_for = mapping_for
        self.done: dict[Expr, Expr] = {}
        self.moved: dict[Index, Index] = {}

    def expression(self, value: Expr, renamed: Renamed) -> Expr:
        src = tuple([self.done[operand] for operand in value.src])
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
        moved = [Bound(self.index(b.index), b.low, b.high) for b in guard]
        return ex.simplify_guard(moved) if moved else ()

    def index(self, index: Index) -> Index:
        moved = self.moved.get(index)
        if moved is None:
            mapping = self.mapping_for(index)
            terms = [(self._atom(a, mapping), c) for a, c in index.terms]
            moved = self.moved[index] = ix.linear(terms, index.const)
        return moved

    def _atom(self, atom: Atom, mapping: Mapped) -> Index:
        if isinstance(atom, Range):
            return mapping[atom] if atom in mapping else ix.of(atom)
        if isinstance(atom, Quotient):
            return self.index(atom.index).floordiv(atom.divisor)
        if isinstance(atom, Remainder):
            return self.index(atom.index).mod(atom.divisor)
        return ix.of(DataAtom(self.done[atom.value], atom.interval))


def _listed(ranges: Sequence[Range], renamed: Renamed) -> tuple[Range, ...]:
    """In their first place each, once."""
    found = [new for r in ranges for new in renamed.get(r, (r,))]
    return tuple(dict.fromkeys(found))


def bound(outputs: Iterable[Output]) -> list[Range]:
    """Every range that loops run over, in the order of appearance: those of outputs first."""
    outputs = tuple(outputs)
    found = dict.fromkeys(r for o in outputs for r in o.ranges)
    for value in ex.toposort(o.value for o in outputs):
        if value.op in ex.BINDING:
            found.update(dict.fromkeys(value.arg.ranges))
    return list(found)


# -- left out -------------------------------------------------------------------------------------


def without_single(outputs: Sequence[Output]) -> tuple[Output, ...]:
    """Ranges of size 1 are the constant 0."""
    ones = [r for r in bound(outputs) if r.size == 1]
    return substitute_in(outputs, *_nowhere(ones)) if ones else tuple(outputs)


def without_trivial(kernel: Kernel, rule: Rule | None = None) -> Kernel:
    """No range of size 0 or 1, no output without elements, and no reduction over a range that its
    operand does not have. ``rule`` may then replace each expression, inner ones first."""
    kept = tuple(o for o in kernel.outputs if all(r.size for r in o.ranges))
    kernel = replace(kernel, outputs=kept)
    ones = [r for r in bound(kept) if r.size == 1]

    def shorter(value: Expr) -> Expr:
        value = _shorter(value) if value.op is ex.REDUCE else value
        return value if rule is None else rule(value)

    return substitute(kernel, *_nowhere(ones), shorter)


def _nowhere(ones: Iterable[Range]) -> tuple[Mapped, Renamed]:
    return dict.fromkeys(ones, Index()), dict.fromkeys(ones, ())


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
    factor = ex.literal(semantics.cast(repeated, value.dtype).item(), value.dtype)
    return ex.elementwise(ops.MUL, (result, factor), value.dtype)


# -- merged ---------------------------------------------------------------------------------------


def merged(kernel: Kernel) -> Kernel:
    """Two ranges become one where every index steps through them as through one: the stride of
    the outer one is the stride of the inner one times its size."""
    forms = [dict(form) for index in _indices(kernel) for form in _linear_forms(index)]
    groups = {r: [r] for r in dict.fromkeys((*kernel.ranges, *bound(kernel.outputs)))}
    sizes = {r: r.size for r in groups}
    lists = _lists(kernel)
    member = {r: tuple(r in ranges for ranges in lists) for r in groups}

    def is_inside(inner: Range, outer: Range) -> bool:
        return member[outer] == member[inner] and _as_one(forms, outer, inner, sizes[inner])

    left = list(groups)  # by the innermost of each group
    while left:
        outer = left.pop(0)
        inner = next((r for r in groups if r is not outer and is_inside(r, outer)), None)
        if inner is not None:
            groups[inner] = groups.pop(outer) + groups[inner]
            sizes[inner] *= sizes[outer]
            for form in forms:
                form.pop(outer, None)
            left = list(groups)
    return _with_groups(kernel, {r: group for r, group in groups.items() if len(group) > 1})


def are_as_one(index: Index, outer: Range, inner: Range) -> bool:
    """Whether ``index`` steps through both ranges as through one."""
    return _as_one(_linear_forms(index), outer, inner, inner.size)


def _as_one(forms: Iterable[Form], outer: Range, inner: Range, size: int) -> bool:
    return all(form.get(outer, 0) == form.get(inner, 0) * size for form in forms)


def _with_groups(kernel: Kernel, groups: Mapping[Range, Sequence[Range]]) -> Kernel:
    mapping: dict[Range, Index] = {}
    renamed: dict[Range, tuple[Range, ...]] = {}
    for last, group in groups.items():
        one = Range("_".join(r.name for r in group), prod(r.size for r in group))
        mapping |= dict.fromkeys(group, Index()) | {last: ix.of(one)}
        renamed |= dict.fromkeys(group, ()) | {last: (one,)}
    return substitute(kernel, mapping, renamed) if groups else kernel


def _lists(kernel: Kernel) -> list[frozenset[Range]]:
    """The lists in which ranges stand: a pair can merge only where it always stands together."""
    own = frozenset(kernel.ranges)
    lists = [own, *(frozenset(o.ranges) - own for o in kernel.outputs)]
    binding = (e for e in ex.toposort(kernel.values) if e.op in ex.BINDING)
    return list(dict.fromkeys([*lists, *(frozenset(e.arg.ranges) for e in binding)]))


def _indices(kernel: Kernel) -> Iterator[Index]:
    for output in kernel.outputs:
        yield output.index
    for value in ex.toposort(kernel.values):
        yield from ex.indices(value)


def _linear_forms(index: Index) -> Iterator[Form]:
    """The coefficients of ranges in ``index``, and in what it divides."""
    yield {atom: c for atom, c in index.terms if isinstance(atom, Range)}
    for atom, _ in index.terms:
        if isinstance(atom, Quotient | Remainder):
            yield from _linear_forms(atom.index)
