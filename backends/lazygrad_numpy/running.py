"""Running sums and maxima, which NumPy accumulates along an axis."""

from __future__ import annotations

from typing import NamedTuple

from lazygrad.plugin import Expr, Kernel, Range, expr as ex, ops, running
from lazygrad_numpy.code import Array, Scope
from lazygrad_numpy.elementwise import UFUNCS
from lazygrad_numpy.lower import Lowering, Rule

RUNNING = ex.KernelOp("RUNNING", "arg: Run; src[0] accumulated along a range")


class Run(NamedTuple):
    """Argument of RUNNING."""

    op: ops.Reduction
    along: Range
    backwards: bool


def with_running(kernel: Kernel) -> Kernel:
    """``kernel`` with running reductions as such."""

    def visit(value: Expr, src: tuple[Expr, ...]) -> Expr:
        rebuilt = ex.rebuild(value, src, value.arg)
        found = running.find(rebuilt) if value.op is ex.REDUCE else None
        if found is None:
            return rebuilt
        run = Run(value.arg.op, found.along, found.backwards)
        return ex.extension(RUNNING, (found.source,), run, value.dtype)

    return kernel.transformed(visit)


def along(kernel: Kernel) -> frozenset[Range]:
    """The ranges that must be walked whole, from one end to the other."""
    found = (e.arg.along for e in ex.toposort(kernel.values) if e.op is RUNNING)
    return frozenset(found)


def _running(lo: Lowering, e: Expr, scope: Scope, into: Array | None) -> Array:
    source = lo.array(e.src[0], scope)
    out = lo.result(e, scope, into)
    op, r, backwards = e.arg
    axis = lo.names.order.index(r)
    x, y = lo.names.of(source, scope), lo.names.of(out, scope)
    step = UFUNCS[op.combine]
    scope.add(f"accumulate({step}, {x}, axis={axis}, backwards={backwards}, out={y})", source, out)
    return out


RULES: dict[object, Rule] = {RUNNING: _running}
