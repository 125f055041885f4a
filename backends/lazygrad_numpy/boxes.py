"""Statements that copy a box of a buffer, with zeros around, for the loads that share it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import prod
from operator import mul

from lazygrad.plugin import Expr, Range
from lazygrad_numpy.access import Boxed, Dim, Part
from lazygrad_numpy.arrays import Names, strides_text
from lazygrad_numpy.code import Array, Loop, Region, Scope
from lazygrad_numpy.lower import Lowering


def boxed(lo: Lowering, e: Expr, scope: Scope) -> Array:
    """A copy of the box that ``e`` reads, seen along its ranges from where it begins."""
    names, tap, dtype = lo.names, lo.taps[e], e.dtype.numpy
    dims = tap.box.dims
    scope = _outermost(lo, (d.range for d in dims if d.range is not None), scope)
    sizes = [size for dim in dims for size in _held(names, dim)]
    steps = list(accumulate(sizes[:0:-1], mul, initial=1))[::-1]  # of a box in C order
    strides: dict[Range, int] = {}
    offset = 0
    position = -1
    for dim, shift in zip(dims, tap.shifts, strict=True):
        position += len(dim.parts)
        step = steps[position]  # a quotient's step is that of its remainder times the divisor
        strides.update((r, factor * step) for r, factor in dim.steps)
        start = shift - dim.parts[0].low if len(dim.parts) == 1 else dim.start
        offset += start * step
    absolute = {r for d in dims if d.range is None for r, _ in d.steps if r in names.loops}
    extents = {r: r.size if r in absolute else names.extent(r) for r in strides}
    label = names.fresh(names.buffers[e.arg.slot])
    key = (e.arg.slot, tap.box)
    home = scope.values.get(key)
    known = home is not None
    if home is None:
        home = scope.values[key] = Region(max(1, prod(sizes)) * dtype.itemsize, pinned=True)
    view = Array(label, dtype, strides, extents, home, scope, offset, frozenset(absolute))
    if not known:
        _fill(lo, e, tap.box, view, sizes, scope)
    return view


def _fill(
    lo: Lowering, e: Expr, box: Boxed, view: Array, sizes: Sequence[int], scope: Scope
) -> None:
    """Zeros first, once if the borders never move; then the box, its part in this block."""
    names = lo.names
    loops = scope.loops()
    name = names.box(view, sizes)
    bounded = [dim for dim in box.dims if any(part.is_bounded for part in dim.parts)]
    if bounded:
        moving = any(d.range in names.loops for d in bounded) and box.reads
        (scope if moving else names.launch).add(f"{name}.fill(0)", view)
    if not box.reads:
        return
    source = _box_in_memory(lo, e, box)
    cuts: list[tuple[str, str]] = []
    for dim in box.dims:
        loop = loops.get(dim.range) if dim.range is not None else None
        cuts += [_cut(part, loop) for part in dim.parts]
    into, out_of = (_subscript(side) for side in zip(*cuts, strict=True))
    scope.add(f"copyto({name}{into}, {source}{out_of})", view)


def _outermost(lo: Lowering, ranges: Iterable[Range], scope: Scope) -> Scope:
    """The outermost block around ``scope``, of ``launch``, in which ``ranges`` are bound."""
    needed = {loop.range for loop in lo.loops_of(ranges)}
    for candidate in reversed(scope.chain()):
        if candidate.loop is not None:
            needed.discard(candidate.loop.range)
        if not needed and candidate is not lo.names.prepare:
            return candidate
    return scope


def _box_in_memory(lo: Lowering, e: Expr, box: Boxed) -> str:
    """The name of the box inside the guard, in the buffer's memory."""
    dtype = e.dtype.numpy
    shape = [part.valid for part in box.parts]
    strides = [part.stride * dtype.itemsize for part in box.parts]
    name = lo.names.fresh(f"{lo.names.buffers[e.arg.slot]}_box")
    tail = strides_text(shape, strides, dtype.itemsize)
    start = f", {box.offset * dtype.itemsize}" if box.offset or tail else ""
    lo.names.seen(name, e.arg.slot, shape, dtype, start + tail)
    return name


def _cut(part: Part, loop: Loop | None) -> tuple[str, str]:
    """Subscripts of the copy and of the box in memory for this step of ``loop``, whose block of the
    copy goes on ``-part.low`` elements to the left and ``over`` to the right."""
    if loop is None:
        start = part.first - part.low
        return (f"{start}:{start + part.valid}" if part.is_bounded else ":"), ":"
    over = part.high - (loop.range.size - 1)
    begin, end = _plus(loop.range.name, part.low), _plus(loop.end, over)
    if not part.is_bounded:
        held = f":{_plus(end, -part.low)} - {loop.range.name}" if loop.is_ragged else ":"
        return held, f"{_plus(begin, -part.first)}:{_plus(end, -part.first)}"
    first = f"max({begin}, {part.first})"
    last = f"max({first}, min({end}, {part.last + 1}))"
    left = f"{_plus('', -part.low)} - {loop.range.name}"
    return (
        f"{first}{left}:{last}{left}",
        f"{first} - {part.first}:{last} - {part.first}",
    )


def _plus(text: str, number: int) -> str:
    return f"{text} {'-' if number < 0 else '+'} {abs(number)}" if number else text


def _subscript(cuts: Sequence[str]) -> str:
    """``[a, b]`` without what takes everything at the end."""
    kept = list(cuts)
    while kept and kept[-1] == ":":
        kept.pop()
    return f"[{', '.join(kept)}]" if kept else ""


def _held(names: Names, dim: Dim) -> list[int]:
    """How many coordinates the copy holds: a block's, where the dim is one looped range."""
    if dim.range is not None:
        (part,) = dim.parts
        return [names.extent(dim.range) + part.size - dim.range.size]
    return [part.size for part in dim.parts]
