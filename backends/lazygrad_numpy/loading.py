"""Statements that read the kernel's buffers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any

import numpy as np

from lazygrad.plugin import Expr, InternalError, Range, dtype as dt, expr as ex
from lazygrad_numpy import indexing
from lazygrad_numpy.access import Boxed, Dim, Part, Strided, classify
from lazygrad_numpy.arrays import Names, is_mergeable, strides_text
from lazygrad_numpy.code import Array, Loop, Region, Scope
from lazygrad_numpy.lower import Lowering, Rule, compute_dtype

MANY_READERS = 3
SHORT_RUN = 256  # elements; NumPy starts its inner loop anew for each run
MANY_ELEMENTS = 4096


def _load(lo: Lowering, e: Expr, scope: Scope, into: Array | None) -> Array:
    slot = e.arg.slot
    access = classify(e, lo.kernel.buffers[slot].size)
    if access is None:
        raise InternalError(f"[numpy] {lo.kernel.name}: {e} should have become a TAKE")
    if isinstance(access, Strided):
        stored = strided(lo, e, access)
        if stored.dtype == compute_dtype(e.dtype) and _is_worth_a_copy(lo, e, stored):
            label = f"{lo.names.buffers[slot]}_copy"
            out = lo.names.scratch(e.ranges, stored.dtype, scope, label=label)
            lo.copy(stored, out, scope)
            return out
    else:
        stored = _boxed(lo, e, access, scope)
    return _converted(lo, e, stored, scope, into)


def strided(lo: Lowering, e: Expr, access: Strided) -> Array:
    """The buffer's own memory, seen along the ranges of ``e``."""
    known = lo.views.get(e)
    if known is not None:
        return known
    extents = {r: r.size for r in access.strides}
    looped = frozenset(r for r in extents if r in lo.names.loops)
    label = lo.names.fresh(lo.names.buffers[e.arg.slot])
    lo.views[e] = view = Array(
        label, e.dtype.numpy, dict(access.strides), extents, e.arg.slot, lo.names.launch,
        access.offset, looped,
    )  # fmt: skip
    return view


def _is_worth_a_copy(lo: Lowering, e: Expr, view: Array) -> bool:
    """Whether a view that lies in short runs is read often enough to be copied to one piece."""
    if lo.readers.get(e, 0) < MANY_READERS or e in lo.operands:
        return False
    run = 1
    for r in reversed(lo.names.in_order(view.ranges)):
        if view.strides[r] != run:
            break
        run *= lo.names.extent(r)
    elements = prod(lo.names.extent(r) for r in view.ranges)
    return run <= SHORT_RUN and elements >= MANY_ELEMENTS


def _converted(lo: Lowering, e: Expr, stored: Array, scope: Scope, into: Array | None) -> Array:
    """What is stored in half precision, as float32."""
    if stored.dtype == compute_dtype(e.dtype):
        return stored
    out = lo.result(e, scope, into)
    if e.dtype is dt.bfloat16:
        called = [lo.names.of(a, scope) for a in (stored, out)]
        scope.add(f"from_bfloat16({', '.join(called)})", stored, out)
    else:
        lo.copy(stored, out, scope)
    return out


# -- copied boxes -----------------------------------------------------------------------------


def _boxed(lo: Lowering, e: Expr, access: Boxed, scope: Scope) -> Array:
    """A copy of the box inside the guard, with zeros around it, seen along the ranges."""
    names, dtype = lo.names, e.dtype.numpy
    sizes = [size for dim in access.dims for size in _held(names, dim)]
    steps = _row_major(sizes)
    strides: dict[Range, int] = {}
    offset = 0
    position = -1
    for dim in access.dims:
        position += len(dim.parts)
        step = steps[position]  # a quotient's step is that of its remainder times the divisor
        strides.update((r, factor * step) for r, factor in dim.steps)
        offset += dim.start * step
    absolute = {r for d in access.dims if d.range is None for r, _ in d.steps if r in names.loops}
    extents = {r: r.size if r in absolute else names.extent(r) for r in strides}
    home = Region(max(1, prod(sizes)) * dtype.itemsize, pinned=True)
    label = names.fresh(names.buffers[e.arg.slot])
    view = Array(label, dtype, strides, extents, home, scope, offset, frozenset(absolute))
    _fill(lo, e, access, view, sizes, scope)
    return view


def _fill(
    lo: Lowering, e: Expr, access: Boxed, view: Array, sizes: Sequence[int], scope: Scope
) -> None:
    """Zeros first, once if the borders never move; then the box, its part in this block."""
    names = lo.names
    scope = _outermost(lo, (d.range for d in access.dims if d.range is not None), scope)
    loops = scope.loops()
    box = names.box(view, sizes)
    bounded = [dim for dim in access.dims if any(part.is_bounded for part in dim.parts)]
    if bounded:
        moving = any(d.range in names.loops for d in bounded) and _reads(access)
        (scope if moving else names.launch).add(f"{box}.fill(0)", view)
    if not _reads(access):
        return
    source = _box_in_memory(lo, e, access)
    cuts: list[tuple[str, str]] = []
    for dim in access.dims:
        loop = loops.get(dim.range) if dim.range is not None else None
        cuts += [_cut(part, loop) for part in dim.parts]
    into, out_of = (_subscript(side) for side in zip(*cuts, strict=True))
    scope.add(f"copyto({box}{into}, {source}{out_of})", view)


def _reads(access: Boxed) -> bool:
    return all(part.valid for part in access.parts)


def _outermost(lo: Lowering, ranges: Iterable[Range], scope: Scope) -> Scope:
    """The outermost block around ``scope``, of ``launch``, in which ``ranges`` are bound."""
    needed = {loop.range for loop in lo.loops_of(ranges)}
    for candidate in reversed(scope.chain()):
        if candidate.loop is not None:
            needed.discard(candidate.loop.range)
        if not needed and candidate is not lo.names.prepare:
            return candidate
    return scope


def _box_in_memory(lo: Lowering, e: Expr, access: Boxed) -> str:
    """The name of the box inside the guard, in the buffer's memory."""
    dtype = e.dtype.numpy
    shape = [part.valid for part in access.parts]
    strides = [part.stride * dtype.itemsize for part in access.parts]
    name = lo.names.fresh(f"{lo.names.buffers[e.arg.slot]}_box")
    tail = strides_text(shape, strides, dtype.itemsize)
    start = f", {access.offset * dtype.itemsize}" if access.offset or tail else ""
    lo.names.seen(name, e.arg.slot, shape, dtype, start + tail)
    return name


def _cut(part: Part, loop: Loop | None) -> tuple[str, str]:
    """Subscripts of the copy and of the box in memory for this step of ``loop``."""
    if loop is None:
        start = part.first - part.low
        return (f"{start}:{start + part.valid}" if part.is_bounded else ":"), ":"
    i, end = loop.range.name, loop.end
    if not part.is_bounded:
        return (f":{end} - {i}" if loop.is_ragged else ":"), f"{i}:{end}"
    first = f"max({i}, {part.first})"
    last = f"max({first}, min({end}, {part.last + 1}))"
    return f"{first} - {i}:{last} - {i}", f"{first} - {part.first}:{last} - {part.first}"


def _subscript(cuts: Sequence[str]) -> str:
    """``[a, b]`` without what takes everything at the end."""
    kept = list(cuts)
    while kept and kept[-1] == ":":
        kept.pop()
    return f"[{', '.join(kept)}]" if kept else ""


def _held(names: Names, dim: Dim) -> list[int]:
    """How many coordinates the copy holds: a block's, where the dim is one looped range."""
    if dim.range is not None:
        return [names.extent(dim.range)]
    return [part.size for part in dim.parts]


def _row_major(sizes: Sequence[int]) -> list[int]:
    steps: list[int] = []
    step = 1
    for size in reversed(sizes):
        steps.append(step)
        step *= size
    return steps[::-1]


# -- gathers ----------------------------------------------------------------------------------


def _take(lo: Lowering, e: Expr, scope: Scope, into: Array | None) -> Array:
    spec = lo.kernel.buffers[e.arg]
    buffer = _whole(lo, e.arg, (spec.size,), spec.dtype.numpy)
    index = lo.array(e.src[0], scope)
    dtype = spec.dtype.numpy
    stored = lo.names.scratch(e.ranges, dtype, scope, label="taken")
    called = [lo.names.of(a, scope) for a in (index, stored)]
    # a constant index has no dims, and take wants the result to have as many
    target = f"{called[1]}.reshape(())" if e.src[0].op is ex.LITERAL else called[1]
    scope.add(f"take({buffer}, {called[0]}, out={target}, mode='clip')", index, stored)
    return _converted(lo, e, stored, scope, None)


def _take_rows(lo: Lowering, e: Expr, scope: Scope, into: Array | None) -> Array:
    """Whole rows at a time: the result is laid out as [positions.., row..]."""
    names = lo.names
    number, row = lo.array(e.src[0], scope), e.src[1]
    slot, dtype = row.arg.slot, row.dtype.numpy
    walk = [r for r, _ in row.arg.index.terms]
    length = lo.kernel.buffers[slot].size // e.arg
    buffer = _whole(lo, slot, (e.arg, length), dtype)
    at = names.in_order(e.src[0].ranges)
    dims = (tuple(at), tuple(walk))
    stored = into
    if stored is None or not is_mergeable(stored, dims) or stored.strides[walk[-1]] != 1:
        stored = names.scratch(e.ranges, dtype, scope, layout=[*at, *walk], label="taken")
    index, flat = names.of(number, scope), names.of(stored, scope, dims)
    scope.add(
        f"take({buffer}, {index}.reshape(-1), axis=0, out={flat}, mode='clip')", number, stored
    )
    if into is not None:
        if stored is not into:
            lo.copy(stored, into, scope)
        return into
    return _converted(lo, e, stored, scope, None)


def _whole(lo: Lowering, slot: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> str:
    """A buffer's memory by itself."""
    name = lo.names.fresh(f"{lo.names.buffers[slot]}_flat")
    lo.names.seen(name, slot, shape, dtype)
    return name


RULES: dict[Any, Rule] = {
    ex.LOAD: _load,
    indexing.TAKE: _take,
    indexing.TAKE_ROWS: _take_rows,
}
