"""Kernel -> kernel, in a form that whole-array code is good at.

Ranges of size 1 disappear, neighbours that walk memory as one become one, ranges of different
stages that run over the same data get the same name, and short reductions are written out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import prod

from lazygrad.plugin import Expr, Index, Kernel, Range, expr as ex, index as ix, ops
from lazygrad_numpy.indexing import TAKE, TAKE_ROWS

LONGEST_UNROLLED = 16  # elements of a reduction that is written out
FEWEST_RESULTS = 2048  # below this the calls cost more than a slow reduction
MOST_STATEMENTS = 160
READS = (ex.LOAD, TAKE, TAKE_ROWS)
COSTLY = (*ops.COSTLY, ex.REDUCE)  # not to be computed again for other stages


def simplified(kernel: Kernel) -> Kernel:
    """``kernel`` without trivial ranges and with neighbouring ranges merged."""
    return _merged(_without_flips(_without_trivial(kernel)))


def reductions_prepared(kernel: Kernel) -> Kernel:
    """``kernel`` with short reductions written out and the other ones sharing range names."""
    return _shared_names(short_written_out(kernel))


def replaced(
    kernel: Kernel, mapping: Mapping[Range, Index], parts: Mapping[Range, tuple[Range, ...]]
) -> Kernel:
    """Ranges replaced everywhere: in indices by ``mapping``, where they are bound by ``parts``."""

    def expand(ranges: Iterable[Range]) -> tuple[Range, ...]:
        return tuple(part for r in ranges for part in parts.get(r, (r,)))

    def visit(value: Expr, src: tuple[Expr, ...]) -> Expr:
        if value.op in ex.BINDING:
            bound = expand(value.arg.ranges)
            return ex.rebind(value, src, bound, lambda index: index.substitute(mapping))
        if value.op in (ex.LOAD, ex.INDEX):
            return value.substitute(mapping)
        if value.op is ex.GUARD:
            return ex.guarded(src[0], ex.substitute_guard(value.arg, mapping))
        return ex.rebuild(value, src, value.arg)

    values = ex.transform(kernel.values, visit)
    outputs = tuple(
        replace(o, index=o.index.substitute(mapping), value=v, ranges=expand(o.ranges))
        for o, v in zip(kernel.outputs, values, strict=True)
    )
    return replace(kernel, ranges=expand(kernel.ranges), outputs=outputs)


# -- trivial ranges ---------------------------------------------------------------------------


def _without_trivial(kernel: Kernel) -> Kernel:
    """No range of size 0 or 1, and no reduction over a range that its operand does not have."""

    def visit(value: Expr, src: tuple[Expr, ...]) -> Expr:
        if value.op is not ex.REDUCE:
            return ex.rebuild(value, src, value.arg)
        return _reduction(value.arg.op, src[0], value.arg.ranges)

    outputs = [o for o in kernel.outputs if all(r.size for r in o.ranges)]
    values = ex.transform((o.value for o in outputs), visit)
    outputs = [replace(o, value=v) for o, v in zip(outputs, values, strict=True)]
    shared = tuple(r for r in kernel.ranges if outputs)
    kept = replace(kernel, ranges=shared, outputs=tuple(outputs))
    single = {r for r in _all_ranges(kept) if r.size == 1}
    return replaced(kept, {r: Index() for r in single}, dict.fromkeys(single, ()))


def _reduction(op: ops.Reduction, value: Expr, ranges: Sequence[Range]) -> Expr:
    dtype = value.dtype
    if any(r.size == 0 for r in ranges):
        return ex.literal(op.identity(dtype), dtype)
    inside = tuple(r for r in ranges if r in value.ranges)
    repeated = prod(r.size for r in ranges if r not in value.ranges)
    result = ex.reduce(op, value, inside) if inside else value
    if repeated == 1 or op is ops.REDUCE_MAX or dtype.name == "bool":
        return result
    if dtype.is_floating_point:
        factor = ex.literal(float(repeated), dtype)
    else:
        factor = ex.literal(repeated % (1 << (8 * dtype.itemsize - 1)), dtype)
    return ex.elementwise(ops.MUL, (result, factor), dtype)


def _all_ranges(kernel: Kernel) -> list[Range]:
    """Every range, in order of appearance."""
    found = dict.fromkeys(kernel.ranges)
    for output in kernel.outputs:
        found.update(dict.fromkeys(output.ranges))
    for value in ex.toposort(kernel.values):
        if value.op in ex.BINDING:
            found.update(dict.fromkeys(value.arg.ranges))
    return list(found)


def _without_flips(kernel: Kernel) -> Kernel:
    """Reduced ranges that every load walks backwards, as in the gradient of a convolution, walk
    forwards: the order does not matter, and copies of them get longer runs."""
    flipped: dict[Range, Index] = {}
    loads = [e for e in ex.toposort(kernel.values) if e.op is ex.LOAD]
    for reduction in kernel.reductions():
        for r in reduction.arg.ranges:
            walks = [sum(i.coefficient(r) for i in (e.arg.index,)) for e in loads]
            guarded = [b.index.coefficient(r) for e in loads for b in e.arg.guard]
            if any(w < 0 for w in guarded) and sum(w < 0 for w in walks) >= sum(
                w > 0 for w in walks
            ):
                flipped[r] = ix.of(r) * -1 + (r.size - 1)
    return replaced(kernel, flipped, {}) if flipped else kernel


# -- neighbours -------------------------------------------------------------------------------


def _merged(kernel: Kernel) -> Kernel:
    """Ranges a, b become one where every index counts a in steps of b's whole size."""
    forms = [dict(form) for form in _linear_forms(kernel)]
    groups = {r: [r] for r in _all_ranges(kernel)}  # by last member
    sizes = {r: r.size for r in groups}
    roles = [frozenset(kernel.ranges)]
    roles += [frozenset(o.ranges) - roles[0] for o in kernel.outputs]
    roles += [frozenset(e.arg.ranges) for e in ex.toposort(kernel.values) if e.op in ex.BINDING]
    member = {r: tuple(r in role for role in roles) for r in groups}

    def mergeable(a: Range, b: Range) -> bool:
        size = sizes[b]
        return member[a] == member[b] and all(
            form.get(a, 0) == form.get(b, 0) * size for form in forms
        )

    progress = True
    while progress:
        progress = False
        for a in list(groups):
            b = next((b for b in groups if b is not a and mergeable(a, b)), None)
            if b is not None:
                groups[b] = groups.pop(a) + groups[b]
                sizes[b] *= sizes[a]
                for form in forms:
                    form.pop(a, None)
                progress = True
    return _with_groups(kernel, {b: group for b, group in groups.items() if len(group) > 1})


def _with_groups(kernel: Kernel, groups: Mapping[Range, Sequence[Range]]) -> Kernel:
    if not groups:
        return kernel
    mapping: dict[Range, Index] = {}
    parts: dict[Range, tuple[Range, ...]] = {}
    for last, group in groups.items():
        one = Range("_".join(r.name for r in group), prod(r.size for r in group))
        for r in group:
            mapping[r], parts[r] = Index(), ()
        mapping[last], parts[last] = ix.of(one), (one,)
    return replaced(kernel, mapping, parts)


def _linear_forms(kernel: Kernel) -> Iterable[dict[Range, int]]:
    """The coefficients of ranges in every index, those inside quotients included."""
    for output in kernel.outputs:
        yield from _forms_of(output.index)
    for value in ex.toposort(kernel.values):
        for index in ex.indices(value):
            yield from _forms_of(index)


def _forms_of(index: Index) -> Iterable[dict[Range, int]]:
    yield {atom: c for atom, c in index.terms if isinstance(atom, Range)}
    for atom, _ in index.terms:
        if isinstance(atom, ix.Quotient | ix.Remainder):
            yield from _forms_of(atom.index)


# -- short reductions -------------------------------------------------------------------------


def short_written_out(kernel: Kernel, longest: int = LONGEST_UNROLLED) -> Kernel:
    """Reductions over a few elements, as over pooling windows, become chains of ADD or MAX."""
    budget = MOST_STATEMENTS

    def visit(value: Expr, src: tuple[Expr, ...]) -> Expr:
        nonlocal budget
        if value.op is not ex.REDUCE:
            return ex.rebuild(value, src, value.arg)
        ranges = value.arg.ranges
        length = prod(r.size for r in ranges)
        results = prod(r.size for r in value.ranges)
        private = _computed_again(src[0], ranges)
        size = length * len(private)
        costly = any(e.op in COSTLY for e in private)
        if length > longest or results < FEWEST_RESULTS or size > budget or costly:
            return ex.rebuild(value, src, value.arg)
        budget -= size
        return _chain(value.arg.op, src[0], ranges)

    values = ex.transform(kernel.values, visit)
    outputs = tuple(replace(o, value=v) for o, v in zip(kernel.outputs, values, strict=True))
    return replace(kernel, outputs=outputs)


def _computed_again(value: Expr, ranges: Iterable[Range]) -> list[Expr]:
    """The expressions that are computed for each element of ``ranges``, constants apart."""
    bound = frozenset(ranges)
    reads: set[Expr] = set()
    for e in ex.toposort([value]):
        if e.op in READS or any(operand in reads for operand in e.operands):
            reads.add(e)
    return [e for e in reads if e.ranges & bound]


def _chain(op: ops.Reduction, value: Expr, ranges: Sequence[Range]) -> Expr:
    terms = [value]
    for r in ranges:
        terms = [t.substitute({r: ix.of(i)}) for t in terms for i in range(r.size)]
    total = terms[0]
    for term in terms[1:]:
        total = ex.elementwise(op.combine, (total, term), value.dtype)
    return total


# -- shared names -----------------------------------------------------------------------------


def _shared_names(kernel: Kernel) -> Kernel:
    """A reduced range takes the name of another one that walks the same memory in the same way,
    so that softmax computes ``exp(x - max)`` once for its sum and for its result."""
    walks: dict[Range, set[tuple[int, int]]] = {}
    for output in kernel.outputs:
        for r in output.ranges:
            walks.setdefault(r, set()).update(_walks(output.value, r))

    def visit(value: Expr, src: tuple[Expr, ...]) -> Expr:
        if value.op is not ex.REDUCE:
            return ex.rebuild(value, src, value.arg)
        body, ranges = src[0], list(value.arg.ranges)
        for position, r in enumerate(ranges):
            mine = _walks(body, r)
            fitting = [
                (len(mine & theirs), c)
                for c, theirs in walks.items()
                if c is not r and c.size == r.size and mine & theirs and _can_take(body, r, c)
            ]
            if fitting:
                chosen = max(fitting, key=lambda pair: pair[0])[1]
                body = body.substitute({r: ix.of(chosen)})
                ranges[position] = chosen
            else:
                walks.setdefault(r, set()).update(mine)
        return ex.reduce(value.arg.op, body, ranges)

    values = ex.transform(kernel.values, visit)
    outputs = tuple(replace(o, value=v) for o, v in zip(kernel.outputs, values, strict=True))
    return replace(kernel, outputs=outputs)


def _walks(value: Expr, r: Range) -> set[tuple[int, int]]:
    """(slot, stride) of the loads below that move with ``r``."""
    return {
        (e.arg.slot, e.arg.index.coefficient(r))
        for e in ex.toposort([value])
        if e.op is ex.LOAD and r in e.arg.index.ranges
    }


def _can_take(body: Expr, r: Range, name: Range) -> bool:
    """Whether ``r`` can be called ``name`` in ``body`` without being captured."""
    if name in body.ranges:
        return False
    inner = (e for e in ex.toposort([body]) if e.op is ex.REDUCE and r in e.ranges)
    return not any(name in e.arg.ranges for e in inner)
