"""Elementwise operations that give what they are given, or what is simpler to compute."""

from __future__ import annotations

import math

import numpy as np

from lazygrad import element_types as dt, ops, semantics
from lazygrad.graph import Node, node
from lazygrad.schedule.rules.table import is_const, like, rules


@rules.on(ops.ADD)
def add_zero(current: Node) -> Node | None:
    """x + 0; of floats x + -0.0 only, because -0.0 + 0.0 is 0.0."""
    left, right = current.src
    if _adds_nothing(right):
        return left
    return right if _adds_nothing(left) else None


def _adds_nothing(value: Node) -> bool:
    return is_const(value, 0) and (value.dtype.kind != dt.FLOAT or value.arg.sign < 0)


@rules.on(ops.MUL)
def multiply_one(current: Node) -> Node | None:
    left, right = current.src
    if is_const(right, 1):
        return left
    if is_const(left, 1):
        return right
    if not current.dtype.is_floating_point and (is_const(left, 0) or is_const(right, 0)):
        return like(current, 0)
    return None


@rules.on(ops.ADD, ops.MUL, ops.DIV, ops.MAX)
def nan_of_nan(current: Node) -> Node | None:
    """NaN, whatever the other operand is: compilers leave open what functions make of it."""
    unknown = any(is_const(s) and s.arg.value != s.arg.value for s in current.src)
    return like(current, math.nan) if unknown else None


@rules.on(ops.MOD)
def remainder_of_nothing(current: Node) -> Node | None:
    """By zero, by NaN, or of an infinite number: compilers may leave open what that is."""
    dividend, divisor = current.src
    if current.dtype.kind != dt.FLOAT:
        return like(current, 0) if is_const(divisor, 0) else None
    by_nothing = is_const(divisor) and (divisor.arg.value == 0 or math.isnan(divisor.arg.value))
    of_nothing = is_const(dividend) and not math.isfinite(dividend.arg.value)
    return like(current, math.nan) if by_nothing or of_nothing else None


@rules.on(ops.MUL)
def multiply_constants(current: Node) -> Node | None:
    """(x * a) * b -> x * (ab) where a or b is -1, so that signs cancel; others may round."""
    inner, outer = current.src
    if not is_const(outer) or inner.op is not ops.MUL or not is_const(inner.src[1]):
        return None
    if outer.arg.value != -1 and inner.src[1].arg.value != -1:
        return None
    return node(ops.MUL, (inner.src[0], like(current, inner.src[1].arg.value * outer.arg.value)))


@rules.on(*(op for op in ops.ALL if op.commutative))
def constant_to_the_right(current: Node) -> Node | None:
    left, right = current.src
    if left.op is ops.CONST and right.op is not ops.CONST:
        return node(current.op, (right, left))
    return None


@rules.on(ops.DIV)
def divide_by_one(current: Node) -> Node | None:
    return current.src[0] if is_const(current.src[1], 1) else None


@rules.on(ops.DIV)
def divide_by_power_of_two(current: Node) -> Node | None:
    """Exact as a product, and products are cheaper."""
    divisor = current.src[1]
    if not is_const(divisor) or not current.dtype.is_floating_point:
        return None
    mantissa, exponent = np.frexp(divisor.arg.value)
    if abs(mantissa) != 0.5 or not -100 < exponent < 100 or current.dtype.itemsize < 4:
        return None
    return node(ops.MUL, (current.src[0], like(current, 1.0 / divisor.arg.value)))


@rules.on(ops.MAX)
def max_of_itself(current: Node) -> Node | None:
    left, right = current.src
    return left if left is right or is_const(right, current.dtype.min) else None


@rules.on(ops.AND)
def and_constant(current: Node) -> Node | None:
    """x & 0, and x & all bits."""
    left, right = current.src
    if is_const(right, 0):
        return right
    all_bits = right.dtype.max if not right.dtype.is_signed else -1
    return left if is_const(right, all_bits) else None


@rules.on(ops.XOR)
def exclusive_or(current: Node) -> Node | None:
    left, right = current.src
    if is_const(right, 0):
        return left
    if left.op is ops.XOR and is_const(right) and is_const(left.src[1]):
        return node(ops.XOR, (left.src[0], node(ops.XOR, (left.src[1], right))))
    return None


@rules.on(ops.WHERE)
def where_decided(current: Node) -> Node | None:
    condition, yes, no = current.src
    if yes is no:
        return yes
    if condition.op is ops.CONST:
        return yes if condition.arg.value else no
    if condition.op is ops.XOR and is_const(condition.src[1], True):  # where(not c, a, b)
        return node(ops.WHERE, (condition.src[0], no, yes))
    return None


@rules.on(ops.CAST)
def cast_to_same(current: Node) -> Node | None:
    """x.cast(own dtype), and a widening cast followed by another cast."""
    inner = current.src[0]
    if inner.dtype is current.dtype:
        return inner
    if inner.op is not ops.CAST:
        return None
    (first,) = inner.src
    if not _holds(inner.dtype, first.dtype):
        return None
    by_float = inner.dtype.kind == dt.FLOAT and first.dtype.is_integer and current.dtype.is_integer
    wide = semantics.wide_integer(current.dtype)
    if by_float and wide is not first.dtype and not _holds(wide, first.dtype):
        return None  # out of range as a float, but cut to its low bits as an integer
    return node(ops.CAST, (first,), current.dtype)


def _holds(wide: dt.DType, narrow: dt.DType) -> bool:
    """Every value of ``narrow`` is a value of ``wide``."""
    if narrow.kind == dt.BOOL:
        return True
    if wide.kind != narrow.kind:
        fits_float = wide.kind == dt.FLOAT and narrow.kind != dt.FLOAT
        signed_up = wide.kind == dt.SIGNED and narrow.kind == dt.UNSIGNED
        return (fits_float or signed_up) and wide.itemsize > narrow.itemsize
    return wide.itemsize > narrow.itemsize
