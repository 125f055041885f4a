"""Statements for reductions: of an array in a block, or over blocks into an accumulator."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any

import numpy as np

from lazygrad.plugin import Expr, Range, dtype as dt, expr as ex, ops
from lazygrad_numpy import channelwise, product
from lazygrad_numpy.arrays import name_of
from lazygrad_numpy.code import Array, Region, Scope
from lazygrad_numpy.lower import Lowering, Rule, compute_dtype
from lazygrad_numpy.support import LOCKED, LONGEST_NAIVE_SUM

FLOAT64 = np.dtype(np.float64)
LONGEST_DOT = 8192  # of one BLAS dot product; longer sums are left to NumPy's pairwise ones
FEWEST_COLUMNS = 16  # from which reducing whole rows pays
FEWEST_ROWS = 4
LONGEST_BY_PLACE = 1024  # elements of a row of which finding the largest is faster than reducing it


def _reduce(lo: Lowering, e: Expr, scope: Scope, into: Array | None) -> Array:
    over = lo.loops_of(e.arg.ranges)
    if over:
        _over_blocks(lo, e, scope)
        found: Array = scope.values[e]
        if into is not None:
            lo.copy(found, into, scope)
        return found
    if e in lo.products:
        return product.emit(lo, e, scope, into)
    if e in lo.channelwise:
        out = lo.names.scratch(e.ranges, compute_dtype(e.dtype), scope, _layout(lo, e), "sum")
    else:
        out = lo.result(e, scope, into)
    _in_block(lo, e, out, scope)
    if into is not None and out is not into:
        lo.copy(out, into, scope)
    return into or out


def _layout(lo: Lowering, e: Expr) -> Sequence[Range] | None:
    """The ranges of what is computed for ``e``, outermost first; None: as the kernel's axes."""
    if e in lo.products:
        return tuple(lo.products[e].result)
    return tuple(lo.channelwise[e].layout) if e in lo.channelwise else None


# -- over blocks ------------------------------------------------------------------------------


def _over_blocks(lo: Lowering, e: Expr, scope: Scope) -> None:
    """One pass of loops for ``e`` and the reductions that can share it."""
    loops = lo.loops_of(e.arg.ranges)
    group = [e, *(other for other in lo.reductions if _shares_pass(lo, e, other, scope))]
    totals = {one: _accumulator(lo, one, scope) for one in group}
    bodies = [scope]
    for loop in loops:
        bodies.append(Scope(parent=bodies[-1], loop=loop))
    inner = bodies[-1]
    for one, total in totals.items():
        dtype = compute_dtype(one.dtype)
        part = lo.names.scratch(one.ranges, dtype, inner, _layout(lo, one), "part")
        if one in lo.products:
            product.emit(lo, one, inner, part)
        else:
            _in_block(lo, one, part, inner)
        lo.statement(inner, _step(one), [total, part], total)
    for body, around in zip(bodies[:0:-1], bodies[-2::-1], strict=True):
        around.items.append(body)
    bodies[1].totals.extend((_step(one), total) for one, total in totals.items())
    for one, total in totals.items():
        scope.values[one] = _in_compute_dtype(lo, one, total, scope)


def _shares_pass(lo: Lowering, e: Expr, other: Expr, scope: Scope) -> bool:
    """Whether ``other`` runs over the same loops in the same block, and neither needs the other."""
    return (
        other is not e
        and lo.loops_of(other.arg.ranges) == lo.loops_of(e.arg.ranges)
        and lo.available(other, scope) is None
        and lo.home(other, scope) is scope
        and _depth(lo, other) == _depth(lo, e)
    )


def _depth(lo: Lowering, e: Expr) -> int:
    """How many passes must have run before that of ``e``."""
    depths: dict[Expr, int] = {}
    for one in ex.toposort([e]):
        below = max((depths[operand] for operand in one.operands), default=0)
        is_pass = one.op is ex.REDUCE and bool(lo.loops_of(one.arg.ranges))
        depths[one] = below + is_pass
    return depths[e]


def _accumulator(lo: Lowering, e: Expr, scope: Scope) -> Array:
    """Filled with the identity; float32 sums are carried over blocks in float64."""
    dtype = compute_dtype(e.dtype)
    wide = dtype.kind == "f" and e.arg.op is ops.SUM and e not in lo.products
    dtype = FLOAT64 if wide else dtype
    total = lo.names.scratch(e.ranges, dtype, scope, _layout(lo, e), "total")
    identity = e.arg.op.identity(e.dtype)
    scope.add(f"{lo.names.of(total, scope)}.fill({identity!r})", total)
    return total


def _in_compute_dtype(lo: Lowering, e: Expr, total: Array, scope: Scope) -> Array:
    if total.dtype == compute_dtype(e.dtype):
        return total
    out = lo.result(e, scope, None)
    lo.copy(total, out, scope)
    return out


def _step(e: Expr) -> str:
    if e.arg.op is ops.REDUCE_MAX:
        return "maximum"
    return "logical_or" if e.dtype is dt.bool_ else "add"


# -- in a block -------------------------------------------------------------------------------


def _in_block(lo: Lowering, e: Expr, out: Array, scope: Scope) -> None:
    """Reduces what is there of ``e`` in this block."""
    if e not in lo.channelwise:
        _reduced(lo, e, lo.need(e.src[0], scope), out, scope)
        return
    for source, where in channelwise.emit(lo, e, lo.channelwise[e], scope):
        _reduced(lo, e, source, channelwise.at(lo, out, where), scope)


def _reduced(lo: Lowering, e: Expr, source: Array, out: Array, scope: Scope) -> None:
    bound = frozenset(e.arg.ranges)
    names = lo.names
    x = names.of(source, scope)
    laid = sorted(source.ranges, key=lambda r: -abs(source.strides[r]))
    leading = _is_group(laid, bound, first=True)
    trailing = _is_group(laid, bound, first=False)
    whole = _is_whole(lo, source, laid, scope) and _is_whole(lo, out, None, scope)
    if whole and (leading or trailing):
        rows = prod(source.extents[r] for r in laid if (r in bound) == leading)
        columns = prod(source.extents[r] for r in laid if (r in bound) != leading)
        is_sum = e.arg.op is ops.SUM and source.dtype.kind == "f"
        flat, target = x, names.of(out, scope)
        row = column = target
        if len(names.order) != 2:
            flat = f"{x}.reshape(-1, {columns})"
            row, column = f"{target}.reshape(1, -1)", f"{target}.reshape(-1, 1)"
        if is_sum and trailing and columns <= LONGEST_DOT:
            ones = _ones(lo, source.dtype, (columns, 1))
            results = prod(names.extent(r) for r in e.ranges)
            function = "dot" if results <= LOCKED else "matmul"
            scope.add(f"{function}({flat}, {ones}, out={column})", source, out)
            return
        if is_sum and leading:
            ones = _ones(lo, source.dtype, (1, min(rows, LONGEST_NAIVE_SUM)))
            if rows <= LONGEST_NAIVE_SUM and not any(r in names.loops for r in bound):
                scope.add(f"dot({ones}, {flat}, out={row})", source, out)
            else:
                scope.add(f"sum_rows({flat}, {ones}, {row})", source, out)
            return
        is_max = e.arg.op is ops.REDUCE_MAX and source.dtype.kind == "f"
        if is_max and trailing and columns <= LONGEST_BY_PLACE:
            scope.add(f"max_rows({flat}, {column})", source, out)
            return
        if leading and columns >= FEWEST_COLUMNS and rows >= FEWEST_ROWS:
            spare = Region(-(-rows // 2) * columns * source.dtype.itemsize)
            name = names.spare(spare, (-(-rows // 2), columns), source.dtype)
            half = Array(name, source.dtype, {}, {}, spare, scope)
            call = f"fold({_step(e)}, {flat}, {name}, {row})"
            scope.add(call, source, half, out)
            return
    _by_ufunc(lo, e, source, out, scope)


def _by_ufunc(lo: Lowering, e: Expr, source: Array, out: Array, scope: Scope) -> None:
    bound = frozenset(e.arg.ranges)
    axes = [i for i, r in enumerate(lo.names.order) if r in bound]
    axis = str(axes[0]) if len(axes) == 1 else "(" + ", ".join(map(str, axes)) + ")"
    x, target = lo.names.of(source, scope), lo.names.of(out, scope)
    how = f"axis={axis}, dtype={name_of(out.dtype)}, out={target}, keepdims=True"
    scope.add(f"{_step(e)}.reduce({x}, {how})", source, out)


def _is_group(laid: Sequence[Range], bound: frozenset[Range], *, first: bool) -> bool:
    """Whether the reduced ranges are the outermost (``first``) or innermost ones in memory, and
    others are left."""
    flags = [r in bound for r in laid]
    count = sum(flags)
    if not 0 < count < len(flags):
        return False
    return all(flags[:count] if first else flags[-count:])


def _is_whole(lo: Lowering, array: Array, laid: Iterable[Range] | None, scope: Scope) -> bool:
    """Whether a block of ``array`` lies in one piece, in the order of the kernel's axes."""
    listed = list(laid) if laid is not None else lo.names.in_order(array.ranges)
    if listed != lo.names.in_order(array.ranges):
        return False
    step = 1
    for position, r in reversed(list(enumerate(listed))):
        if array.strides[r] != step:
            return False
        loop = lo.names.loops.get(r)
        cut = loop is not None and (loop.is_ragged or r in array.absolute)
        if cut and position != 0:
            return False
        step *= array.extents[r]
    return True


def _ones(lo: Lowering, dtype: np.dtype[Any], shape: tuple[int, int]) -> str:
    return lo.names.prepared_once(f"ones({shape}, {name_of(dtype)})", "ones")


RULES: dict[Any, Rule] = {ex.REDUCE: _reduce}
