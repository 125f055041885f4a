"""Steps of a sum that are skipped: where every product that it adds has a factor that is known to
be zero. The taps of a window that a phase of a strided convolution does not see; rows beyond a
border."""

from __future__ import annotations

from collections.abc import Iterable

from lazygrad import ops
from lazygrad.codegen.integers import Integers
from lazygrad.codegen.scope import Point
from lazygrad.kernel import contraction, expr as ex
from lazygrad.kernel.expr import Bound, Expr
from lazygrad.kernel.index import Range


def needed(
    reduction: Expr, r: Range, points: Iterable[Point], integers: Integers
) -> tuple[Bound, ...]:
    """What must hold at a step of ``r`` for anything to be added at ``points``, over variables of
    the nest; nothing where they do not agree, or always add."""
    bounds = [bound for bound in _common(reduction) if r in bound.index.ranges]
    found = {_bound(bounds, point, integers) for point in points} if bounds else set()
    return found.pop() if len(found) == 1 else ()


def _common(reduction: Expr) -> list[Bound]:
    """The bounds of a factor of every product that is added."""
    pairs = contraction.factors(reduction.src[0]) if reduction.arg.op is ops.SUM else None
    guards = [[b for e in pair for b in ex.guard_of(e)] for pair in pairs or []]
    return [b for b in guards[0] if all(b in other for other in guards)] if guards else []


def _bound(bounds: Iterable[Bound], point: Point, integers: Integers) -> tuple[Bound, ...]:
    known = tuple(bound for bound in bounds if point.binds(bound.index.ranges))
    found = dict.fromkeys(integers.bind_guard(known, point))
    return tuple(b for b in found if integers.width(b.index) == 1)
