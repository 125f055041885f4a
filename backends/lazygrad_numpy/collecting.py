"""Statements that collect by index: each thread has a block of the result to itself, to fill it and
to collect what belongs there; little is collected by the last one alone, for all of them."""

from __future__ import annotations

from math import prod
from typing import Any

from lazygrad.plugin import Expr, Kernel, Range, expr as ex, ops
from lazygrad_numpy.code import Array, Line, Loop, Scope, regions_of
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
    as_bytes = "" if nothing else ".view(uint8)"  # of zeros, which takes three quarters of the time
    scope.add(f"{names.of(out, scope)}{as_bytes}.fill({nothing!r})", out)
    axis = names.order.index(places) if places else -1
    in_turn = sorted(ranges, key=lambda r: -turn.coefficient(r))
    turns = [(names.order.index(r), r.size) for r in in_turn]
    looped = places is not None and places in names.loops
    once = looped and out is into and prod(r.size for r in e.src[1].ranges) < LEAST_SHARED_WORK
    home = names.launch if once else scope
    called = "out={}, place={}, value={}".format(*(names.of(a, home) for a in (out, place, value)))
    first = places.name if places and looped and not once else "0"
    how = f"first={first}, axis={axis}, turns={turns}"
    text = f"collect({step}, {called}, {how})"
    (scope.after if once else scope.items).append(Line(text, regions_of((place, value, out))))
    return out


RULES: dict[Any, Rule] = {ex.COLLECT: _collect}
