"""Statements that collect by index: each thread has a block of the result to itself."""

from __future__ import annotations

from typing import Any

from lazygrad.plugin import Expr, Kernel, Range, expr as ex, ops
from lazygrad_numpy.code import Array, Loop, Scope
from lazygrad_numpy.elementwise import UFUNCS
from lazygrad_numpy.indexing import taken_whole
from lazygrad_numpy.loops import LEAST_SHARED_WORK, work
from lazygrad_numpy.lower import Lowering, Rule


def choose_loops(kernel: Kernel, units: int) -> dict[Range, Loop]:
    """The range that is outermost in the result's memory, a block for each thread: what a block
    fills lies in one piece."""
    (output,) = kernel.outputs
    outermost = max(output.ranges, key=lambda r: output.index.coefficient(r), default=None)
    if outermost is None or units == 1 or work(kernel) < LEAST_SHARED_WORK:
        return {}
    if outermost in taken_whole(kernel):
        return {}
    block = -(-outermost.size // units)
    return {outermost: Loop(outermost, block)} if block < outermost.size else {}


def _collect(lo: Lowering, e: Expr, scope: Scope, into: Array | None) -> Array:
    names, (op, _, turn, ranges) = lo.names, e.arg
    places = e.arg.places
    place, value = (lo.need(operand, scope) for operand in e.src)
    out = lo.result(e, scope, into)
    nothing = ops.NOTHING[op](e.dtype)
    step = "None" if op is None else UFUNCS[op]
    looped = places is not None and places in names.loops
    first = places.name if places and looped else "0"
    axis = names.order.index(places) if places else -1
    in_turn = sorted(ranges, key=lambda r: -turn.coefficient(r))
    turns = [(names.order.index(r), r.size) for r in in_turn]
    called = "out={}, place={}, value={}".format(*(names.of(a, scope) for a in (out, place, value)))
    how = f"nothing={nothing!r}, first={first}, axis={axis}, turns={turns}"
    scope.add(
        f"collect({step}, {called}, {how})",
        place,
        value,
        out,
    )
    return out


RULES: dict[Any, Rule] = {ex.COLLECT: _collect}
