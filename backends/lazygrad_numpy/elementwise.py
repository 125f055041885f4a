"""Statements for elementwise ops and index values: one row of a table each."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from lazygrad.plugin import DType, Expr, dtype as dt, expr as ex, forms, ops
from lazygrad_numpy import indexing, repeating, rewriting
from lazygrad_numpy.arrays import name_of, tuple_text
from lazygrad_numpy.code import Array, Scope
from lazygrad_numpy.lower import Lowering, Rule, compute_dtype, overlay
from lazygrad_numpy.repeating import FEWEST_USES
from lazygrad_numpy.support import copies_truncate

FEWEST_FOR_BITS = 4096  # elements from which selecting by bits beats NumPy's where
BITS = {1: "int8", 2: "int16", 4: "int32", 8: "int64"}

UFUNCS: dict[Any, str] = {
    ops.EXP: "exp",
    ops.LOG: "log",
    ops.SIN: "sin",
    ops.SQRT: "sqrt",
    ops.ADD: "add",
    forms.SUBTRACT: "subtract",
    rewriting.ABSOLUTE: "absolute",
    rewriting.NEGATIVE: "negative",
    forms.TANH: "tanh",
    forms.EQUAL: "equal",
    forms.NOT: "logical_not",
    ops.MUL: "multiply",
    ops.MAX: "maximum",
    ops.LT: "less",
    ops.NE: "not_equal",
    ops.MOD: "fmod",
    ops.AND: "bitwise_and",
    ops.XOR: "bitwise_xor",
    indexing.FLOOR_DIVIDE: "floor_divide",
    indexing.REMAINDER: "remainder",
}


def _ufunc(lo: Lowering, e: Expr, scope: Scope, into: Array | None) -> Array:
    operands = repeating.spread(lo, e, scope)
    out = lo.result(e, scope, into)
    lo.statement(scope, UFUNCS[e.op], operands, out)
    return out


def _divide(lo: Lowering, e: Expr, scope: Scope, into: Array | None) -> Array:
    operands = repeating.spread(lo, e, scope)
    out = lo.result(e, scope, into)
    if e.dtype.kind == dt.SIGNED:
        called = [lo.names.of(a, scope) for a in (*operands, out)]
        scope.add(f"truncated_divide({', '.join(called)})", *operands, out)
    else:
        lo.statement(scope, "divide" if e.dtype.kind == dt.FLOAT else "floor_divide", operands, out)
    return out


def _cast(lo: Lowering, e: Expr, scope: Scope, into: Array | None) -> Array:
    source = lo.array(e.src[0], scope)
    target = compute_dtype(e.dtype)
    halves = {dt.float16: "round_to_float16", dt.bfloat16: "round_to_bfloat16"}
    if e.dtype in halves and e.src[0].dtype is not e.dtype:
        out = lo.result(e, scope, into)
        called = [lo.names.of(a, scope) for a in (source, out)]
        scope.add(f"{halves[e.dtype]}({', '.join(called)})", source, out)
        return out
    if source.dtype == target and into is None:
        return source
    out = lo.result(e, scope, into)
    if e.dtype.is_integer and source.dtype.kind == "f" and not copies_truncate(e.dtype):
        called = [lo.names.of(a, scope) for a in (source, out)]
        scope.add(f"truncate({', '.join(called)})", source, out)
    else:
        lo.copy(source, out, scope)
    return out


# -- choosing ---------------------------------------------------------------------------------


def _where(lo: Lowering, e: Expr, scope: Scope, into: Array | None) -> Array:
    """By bits: NumPy's where and masked copies mispredict a branch an element."""
    condition, left, right = (lo.array(operand, scope) for operand in e.src)
    out = lo.result(e, scope, into)
    if prod(lo.names.extent(r) for r in e.ranges) < FEWEST_FOR_BITS:
        called = [lo.names.of(a, scope) for a in (out, condition, left, right)]
        scope.add("copyto({}, where({}, {}, {}))".format(*called), out, condition, left, right)
        return out
    bits = BITS[out.dtype.itemsize]
    mask = _mask(lo, e, condition, scope, bits)
    a, is_zero = _Bits(lo, left, scope, bits), rewriting.is_zero(e.src[2])
    named = [lo.names.of(array, scope) for array in (out, left, condition)]
    named.append("0" if is_zero else lo.names.of(right, scope))
    scope.add("# {} = {} where {} else {}, by bits: faster than where".format(*named))
    if is_zero:
        _multiply(mask, a, out, bits)
        return out
    b = _Bits(lo, right, scope, bits)
    # Not in ``out``: it may be the memory of an operand that is read once more at the end.
    mixed = lo.names.scratch(e.ranges, out.dtype, scope, label="mixed")
    t = _Bits(lo, mixed, scope, bits)
    if a.constant is not None and b.constant is not None:
        both = lo.names.constant(a.constant ^ b.constant, np.dtype(bits))
        _multiply(mask, _Bits(lo, both, scope, bits), mixed, bits)
    else:
        scope.add(f"bitwise_xor({a.text}, {b.text}, out={t.text})", left, right, mixed)
        overlay([left], mixed)
        _multiply(mask, t, mixed, bits)
    o = _Bits(lo, out, scope, bits)
    scope.add(f"bitwise_xor({t.text}, {b.text}, out={o.text})", mixed, right, out)
    overlay([mixed], out)
    return out


def _mask(lo: Lowering, e: Expr, condition: Array, scope: Scope, bits: str) -> _Bits:
    """A condition as integers; of the width of what is chosen, if it is repeated often enough for
    a copy to cost less than to widen it each time."""
    elements, own = (prod(map(lo.names.extent, ranges)) for ranges in (e.ranges, condition.ranges))
    if FEWEST_USES * own > elements or condition.label in lo.names.constants:
        return _Bits(lo, condition, scope, "int8")
    wide = lo.names.scratch(condition.ranges, np.dtype(bits), scope, label="mask")
    lo.copy(condition, wide, scope)
    return _Bits(lo, wide, scope, bits)


class _Bits:
    """An array seen as integers of its width."""

    def __init__(self, lo: Lowering, array: Array, scope: Scope, bits: str) -> None:
        self.lo, self.array, self.scope = lo, array, scope
        known = lo.names.constants.get(array.label)
        self.constant = None if known is None else known.view(bits)
        if known is not None:
            constant = lo.names.constant(self.constant, np.dtype(bits), f"{array.label}_bits")
            self.text = lo.names.of(constant, scope)
        else:
            self.text = f"{lo.names.of(array, scope)}.view({bits})"


def _multiply(mask: _Bits, value: _Bits, out: Array, bits: str) -> None:
    """``out`` is ``value`` where ``mask``, else zero bits."""
    scope = value.scope
    target = _Bits(value.lo, out, scope, bits)
    text = f"multiply({value.text}, {mask.text}, out={target.text})"
    scope.add(text, value.array, mask.array, out)
    overlay([value.array], out)


# -- numbers and indices ----------------------------------------------------------------------


def _literal(lo: Lowering, e: Expr, scope: Scope, into: Array | None) -> Array:
    return lo.names.constant(_wrapped(e.arg, e.dtype), compute_dtype(e.dtype))


def _wrapped(value: Any, dtype: DType) -> Any:
    """Integers brought to the range of their dtype, as arithmetic in it would."""
    if not dtype.is_integer:
        return value
    bits = 8 * dtype.itemsize
    value = int(value) & ((1 << bits) - 1)
    if dtype.is_signed and value >> (bits - 1):
        value -= 1 << bits
    return np.array(value, dtype.numpy)


def _index(lo: Lowering, e: Expr, scope: Scope, into: Array | None) -> Array:
    """An affine index: its values in the first block, made once, moved along by the loops."""
    index, names = e.arg, lo.names
    loops = lo.loops_of(e.ranges)
    target = compute_dtype(e.dtype)
    low, high = index.interval
    fits = e.dtype.is_integer and e.dtype.min <= low and high <= e.dtype.max
    dtype = target if fits or not loops else np.dtype(np.int64)
    first = names.prepared(e.ranges, dtype, "index")
    steps = tuple(index.coefficient(dim[0]) if dim else 0 for dim in names.axes(e.ranges))
    shape = names.shape(names.axes(e.ranges), first.extents)
    where = f"{tuple_text(shape)}, steps={tuple_text(steps)}, start={index.const}"
    made = f"affine({where}, dtype={name_of(dtype)})"
    names.prepare.add(f"{first.label} = {made}")
    if not loops:
        return first
    moved = names.scratch(e.ranges, dtype, scope, label="index")
    shift = " + ".join(f"{loop.range.name} * {index.coefficient(loop.range)}" for loop in loops)
    scope.add(f"add({names.of(first, scope)}, {shift}, out={names.of(moved, scope)})", first, moved)
    if dtype == target:
        return moved
    out = lo.result(e, scope, into)
    lo.copy(moved, out, scope)
    return out


RULES: dict[Any, Rule] = {
    **dict.fromkeys(UFUNCS, _ufunc),
    ops.DIV: _divide,
    ops.CAST: _cast,
    ops.WHERE: _where,
    ex.LITERAL: _literal,
    ex.INDEX: _index,
}
