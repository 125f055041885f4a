"""Kernel -> kernel, in a form that whole-array code is good at.

Ranges of size 1 disappear, neighbours that walk memory as one become one, ranges of different
stages that run over the same data get the same name, and short reductions are written out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

from lazygrad.plugin import Expr, Index, Kernel, Range, expr as ex, index as ix, ops, ranges as rg
from lazygrad_numpy.indexing import TAKE, TAKE_ROWS

LONGEST_UNROLLED = 16  # elements of a reduction that is written out
FEWEST_RESULTS = 2048  # below this the calls cost more than a slow reduction
MOST_STATEMENTS = 160
READS = (ex.LOAD, TAKE, TAKE_ROWS)
COSTLY = (*ops.COSTLY, ex.REDUCE)  # not to be computed again for other stages


def simplified(kernel: Kernel) -> Kernel:
    """``kernel`` without trivial ranges and with neighbouring ranges merged."""
    return rg.merged(_without_flips(rg.without_trivial(kernel)))


def reductions_prepared(kernel: Kernel) -> Kernel:
    """``kernel`` with short reductions written out and the other ones sharing range names."""
    return _shared_names(short_written_out(kernel))


def _without_flips(kernel: Kernel) -> Kernel:
    """Reduced ranges that every load walks backwards, as in the gradient of a convolution, walk
    forwards: the order does not matter, and copies of them get longer runs."""
    flipped: dict[Range, Index] = {}
    loads = [e for e in ex.toposort(kernel.values) if e.op is ex.LOAD]
    for reduction in kernel.reductions():
        for r in reduction.arg.ranges:
            walks = [e.arg.index.coefficient(r) for e in loads]
            guarded = any(b.index.coefficient(r) < 0 for e in loads for b in e.arg.guard)
            if guarded and sum(w < 0 for w in walks) >= sum(w > 0 for w in walks):
                flipped[r] = ix.of(r) * -1 + (r.size - 1)
    return rg.substitute(kernel, flipped, {}) if flipped else kernel


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

    return kernel.transformed(visit)


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

    return kernel.transformed(visit)


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
