"""Statements that read the kernel's buffers."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from lazygrad.plugin import Expr, InternalError, dtype as dt, expr as ex
from lazygrad_numpy import indexing
from lazygrad_numpy.access import Strided, classify
from lazygrad_numpy.arrays import is_mergeable
from lazygrad_numpy.boxes import boxed
from lazygrad_numpy.code import Array, Scope
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
        stored = boxed(lo, e, scope)
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


# -- gathers --------------------------------------------------------------------------------------


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
