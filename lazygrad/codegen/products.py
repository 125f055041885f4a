"""Contractions as sums of products: what a register tile computes, and in which order it walks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lazygrad import ops
from lazygrad.kernel import contraction, expr as ex
from lazygrad.kernel.contraction import Contraction, Pair
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import Range
from lazygrad.kernel.kernel import Kernel, loads
from lazygrad.kernel.ranges import substitute


def find(kernel: Kernel) -> Contraction | None:
    """The contraction that ``kernel`` is, if its accumulators are floating-point numbers."""
    found = contraction.find(kernel)
    return found if found is not None and found.total.dtype.is_floating_point else None


def formed(
    kernel: Kernel, found: Contraction, pairs: Sequence[Pair], order: tuple[Range, ...]
) -> Kernel:
    """``kernel`` with the sum as one of the products of ``pairs``, its loops in ``order``."""
    total = _form(pairs, found, order)
    return substitute(kernel, {}, {}, lambda e: total if e is found.total else e)


def _form(pairs: Sequence[Pair], found: Contraction, order: tuple[Range, ...]) -> Expr:
    dtype = found.total.dtype
    source: Expr | None = None
    for pair in pairs:
        product = ex.elementwise(ops.MUL, pair, dtype)
        source = product if source is None else ex.elementwise(ops.ADD, (source, product), dtype)
    return found.total if source is None else ex.reduce(ops.SUM, source, order)


# -- memory of the factors ----------------------------------------------------------------------


def outward(factors: Iterable[Expr], ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    """Long steps through the memory of the factors first."""
    read = loads(factors)
    return tuple(sorted(ranges, key=lambda r: -stride(read, r)))


def stride(read: list[Expr], r: Range) -> int:
    """The smallest step in memory along ``r``; large where there is none, so that what does not
    move is an outer loop."""
    steps = [abs(e.arg.index.coefficient(r)) for e in read]
    return min((step for step in steps if step), default=1 << 62)
