"""Comparisons, logic and bits. Comparisons with NaN are false, except ``ne``.

Integers are compared exactly: a number outside the range of the tensor's dtype, too.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from lazygrad import ops
from lazygrad.dtype import BOOL, FLOAT, bool_ as bool_dtype, fits, promote, promote_scalar
from lazygrad.errors import DtypeError, ValueRangeError
from lazygrad.graph import Node, node
from lazygrad.lang.operands import Operand, cast, full_like, pair


def lt(left: Operand, right: Operand) -> Node:
    """``left < right``"""
    return _compared("lt", left, right, lambda first, second: node(ops.LT, (first, second)))


def gt(left: Operand, right: Operand) -> Node:
    """``left > right``"""
    return _compared("gt", left, right, lambda first, second: node(ops.LT, (second, first)))


def le(left: Operand, right: Operand) -> Node:
    """``left <= right``: not ``right < left``, which holds for NaN as well."""
    return _compared("le", left, right, _less_or_equal)


def ge(left: Operand, right: Operand) -> Node:
    """``left >= right``"""
    return _compared("ge", left, right, lambda first, second: _less_or_equal(second, first))


def _less_or_equal(first: Node, second: Node) -> Node:
    if first.dtype.kind != FLOAT:
        return logical_not(node(ops.LT, (second, first)))
    equal = logical_not(node(ops.NE, (first, second)))
    return node(ops.ADD, (node(ops.LT, (first, second)), equal))


def ne(left: Operand, right: Operand) -> Node:
    """``left != right``"""
    return _compared("ne", left, right, lambda first, second: node(ops.NE, (first, second)))


def eq(left: Operand, right: Operand) -> Node:
    """``left == right``"""
    return _compared(
        "eq", left, right, lambda first, second: logical_not(node(ops.NE, (first, second)))
    )


def _compared(op: str, left: Operand, right: Operand, build: Callable[[Node, Node], Node]) -> Node:
    """What ``build`` makes of two operands of one dtype that holds the values of both."""
    if isinstance(left, Node) and isinstance(right, Node):
        if left.dtype is not right.dtype and FLOAT not in (left.dtype.kind, right.dtype.kind):
            dtype = promote(left.dtype, right.dtype)
            left, right = cast(left, dtype), cast(right, dtype)
    elif isinstance(left, Node) and not _held(left, right):
        return full_like(left, getattr(operator, op)(0, right), bool_dtype)
    elif isinstance(right, Node) and not _held(right, left):
        return full_like(right, getattr(operator, op)(left, 0), bool_dtype)
    return build(*pair(op, left, right))


def _held(x: Node, number: Any) -> bool:
    """Whether the dtype that ``x`` and a number are compared in holds the number; else it is on
    the same side of every element as it is of 0."""
    return fits(number, promote_scalar(x.dtype, number))


def to_bool(x: Node) -> Node:
    """Whether each element differs from 0."""
    return x if x.dtype is bool_dtype else node(ops.NE, (x, full_like(x, 0)))


def logical_not(x: Node) -> Node:
    condition = to_bool(x)
    return node(ops.XOR, (condition, full_like(condition, True)))


def logical_and(left: Operand, right: Operand) -> Node:
    return node(ops.AND, _bools("logical_and", left, right))


def logical_or(left: Operand, right: Operand) -> Node:
    return node(ops.ADD, _bools("logical_or", left, right))


def logical_xor(left: Operand, right: Operand) -> Node:
    return node(ops.XOR, _bools("logical_xor", left, right))


def _bools(op: str, left: Operand, right: Operand) -> tuple[Node, Node]:
    return pair(op, _truth(left), _truth(right))


def _truth(x: Operand) -> Operand:
    return to_bool(x) if isinstance(x, Node) else bool(x)


def bitwise_and(left: Operand, right: Operand) -> Node:
    """``left & right`` of integers or bools."""
    return node(ops.AND, _bits("bitwise_and", left, right))


def bitwise_or(left: Operand, right: Operand) -> Node:
    """``left | right`` of integers or bools: what either has, by ``(a ^ b) ^ (a & b)``."""
    first, second = _bits("bitwise_or", left, right)
    if first.dtype.kind == BOOL:
        return node(ops.ADD, (first, second))
    return node(ops.XOR, (node(ops.XOR, (first, second)), node(ops.AND, (first, second))))


def bitwise_xor(left: Operand, right: Operand) -> Node:
    """``left ^ right`` of integers or bools."""
    return node(ops.XOR, _bits("bitwise_xor", left, right))


def bitwise_not(x: Node) -> Node:
    """``~x`` of integers; of bools: not."""
    first, _ = _bits("bitwise_not", x, x)
    return node(ops.XOR, (first, full_like(first, True if first.dtype.kind == BOOL else -1)))


def _bits(op: str, left: Operand, right: Operand) -> tuple[Node, Node]:
    first, second = pair(op, left, right, wraps=True)
    if first.dtype.kind == FLOAT:
        raise DtypeError(f"[{op}] needs integers or bools, got {first.dtype.name}")
    return first, second


def lshift(x: Node, bits: Operand) -> Node:
    """``x << bits`` by a Python integer: the product with a power of two."""
    distance = _checked_shift("lshift", x, bits)
    return node(ops.MUL, (x, full_like(x, 1 << distance)))


def rshift(x: Node, bits: Operand) -> Node:
    """``x >> bits`` by a Python integer; signed integers keep their sign and round down."""
    distance = _checked_shift("rshift", x, bits)
    if distance == 0:
        return x
    divisor = full_like(x, 1 << distance) if distance < _value_bits(x) else None
    negative = node(ops.LT, (x, full_like(x, 0)))
    if divisor is None:  # only the sign is left
        return node(ops.WHERE, (negative, full_like(x, -1), full_like(x, 0)))
    if not x.dtype.is_signed:
        return node(ops.DIV, (x, divisor))
    # DIV truncates; the complement of a negative number is not negative
    flipped = node(ops.WHERE, (negative, node(ops.XOR, (x, full_like(x, -1))), x))
    shifted = node(ops.DIV, (flipped, divisor))
    return node(ops.WHERE, (negative, node(ops.XOR, (shifted, full_like(x, -1))), shifted))


def _value_bits(x: Node) -> int:
    return 8 * x.dtype.itemsize - (1 if x.dtype.is_signed else 0)


def _checked_shift(op: str, x: Node, bits: Operand) -> int:
    if not x.dtype.is_integer:
        raise DtypeError(f"[{op}] needs integers, got {x.dtype.name}")
    if isinstance(bits, Node):
        raise DtypeError(f"[{op}] shifts by a Python integer only, not by a tensor")
    if not 0 <= bits < 8 * x.dtype.itemsize:
        raise ValueRangeError(f"[{op}] cannot shift {x.dtype.name} by {bits} bits")
    return int(bits)


def isnan(x: Node) -> Node:
    """Whether each element is NaN, the only value that differs from itself."""
    return node(ops.NE, (x, x))


def isinf(x: Node) -> Node:
    """Whether each element is infinite, of either sign."""
    if x.dtype.kind != FLOAT:
        return full_like(x, False, bool_dtype)
    return logical_or(eq(x, float("inf")), eq(x, -float("inf")))


def isfinite(x: Node) -> Node:
    """Whether each element is neither infinite nor NaN."""
    if x.dtype.kind != FLOAT:
        return full_like(x, True, bool_dtype)
    return logical_and(lt(x, float("inf")), gt(x, -float("inf")))


def isclose(
    left: Node, right: Operand, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Node:
    """``|left - right| <= atol + rtol * |right|``, or equal (infinities)."""
    first, second = pair("isclose", left, right)
    close = eq(first, second)
    if first.dtype.kind == FLOAT:
        gap = node(ops.ADD, (first, node(ops.MUL, (second, full_like(second, -1)))))
        bound = node(ops.MUL, (_magnitude(second), full_like(second, rtol)))
        bound = node(ops.ADD, (bound, full_like(second, atol)))
        near = logical_and(le(_magnitude(gap), bound), isfinite(second))
        close = logical_or(close, near)
    if equal_nan:
        close = logical_or(close, logical_and(isnan(first), isnan(second)))
    return close


def _magnitude(x: Node) -> Node:
    return node(ops.MAX, (x, node(ops.MUL, (x, full_like(x, -1)))))
