"""Running reductions: what a reduction combines at a point of an output range is what it combined
at the point before, and one element more.

``sum over k of (0 where i < k else f(k))`` for every ``i`` is the running sum of ``f``; with
``k < i``, the one from behind. Computed as it stands it takes the square of the length.
"""

from __future__ import annotations

from dataclasses import dataclass

from lazygrad import ops
from lazygrad.element_types import BOOL
from lazygrad.kernel import expr as ex, index as ix
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import Range


@dataclass(frozen=True)
class Running:
    """``reduce`` at ``along`` == i combines ``source`` at 0 ... i, or at i ... if ``backwards``.

    ``source`` is what is combined, at a point of ``along``.
    """

    reduce: Expr
    along: Range
    source: Expr
    backwards: bool


def find(reduction: Expr) -> Running | None:
    """The running reduction that a REDUCE is, or None."""
    op, ranges = reduction.arg
    chosen = reduction.src[0]
    if len(ranges) != 1 or chosen.op is not ops.WHERE or reduction.dtype.kind == BOOL:
        return None
    (k,) = ranges
    condition, nothing, element = chosen.src
    unchanged = nothing.op is ex.LITERAL and nothing.arg == op.identity(reduction.dtype)
    if not unchanged or condition.op is not ops.LT or k not in element.ranges:
        return None
    if any(operand.op is not ex.INDEX for operand in condition.src):
        return None
    ahead = condition.src[1].arg - condition.src[0].arg  # left out where this is positive
    others = [r for r in ahead.ranges if r != k]
    if len(others) != 1 or others[0].size != k.size or others[0] in element.ranges:
        return None
    (i,) = others
    forwards = ahead == ix.of(k) - ix.of(i)
    if not forwards and ahead != ix.of(i) - ix.of(k):
        return None
    return Running(reduction, i, element.substitute({k: ix.of(i)}), not forwards)
