"""Comparisons, logic and bits. Comparisons with NaN are false, except ``ne``.

Integers are compared exactly: a number outside the range of the tensor's dtype, too.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from lazygrad import ops
from lazygrad.element_types import BOOL, FLOAT, bool_ as bool_dtype, fits, promote, promote_scalar
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
    """Whether it is false, which 0 alone is."""
    condition = to_bool(x)
    return node(ops.XOR, (condition, full_like(condition, True)))


def logical_and(left: Operand, right: Operand) -> Node:
    """Whether both are true; what is not 0 is."""
    return node(ops.AND, _bools("logical_and", left, right))


def logical_or(left: Operand, right: Operand) -> Node:
    """Whether one or both are true."""
    return node(ops.ADD, _bools("logical_or", left, right))


def logical_xor(left: Operand, right: Operand) -> Node:
    """Whether one is true and one is not."""
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


def lshift(x: Any, bits: Operand) -> Node:
    """``x << bits``: the product with a power of two; 0 for more bits than there are. By a tensor
    also for a negative number of them, and of a number."""
    if isinstance(bits, Node):
        own, distance = _shift_pair("lshift", x, bits)
        return node(ops.MUL, (own, _powers(own, distance, 8 * own.dtype.itemsize)))
    x = cast(x, promote_scalar(x.dtype, bits))  # bool is no integer yet
    count = _checked_shift("lshift", x, bits)
    return node(ops.MUL, (x, full_like(x, 1 << count if count < 8 * x.dtype.itemsize else 0)))


def rshift(x: Any, bits: Operand) -> Node:
    """``x >> bits``; signed integers keep their sign and round down: only the sign is left for more
    bits than there are. By a tensor also for a negative number of them."""
    if isinstance(bits, Node):
        own, distance = _shift_pair("rshift", x, bits)
        return _shifted_right(own, _powers(own, distance, _value_bits(own)))
    x = cast(x, promote_scalar(x.dtype, bits))
    count = _checked_shift("rshift", x, bits)
    if count == 0:
        return x
    return _shifted_right(x, full_like(x, 1 << count if count < _value_bits(x) else 0))


def _shift_pair(op: str, x: Operand, bits: Node) -> tuple[Node, Node]:
    first, second = pair(op, x, bits)
    if not first.dtype.is_integer:
        shifted = x.dtype.name if isinstance(x, Node) else x
        raise DtypeError(f"[{op}] needs integers, got {shifted} and {bits.dtype.name}")
    return first, second


def _powers(like: Node, exponent: Node, limit: int) -> Node:
    """``2 ** exponent`` for exponents from 0 to below ``limit``, else 0."""
    result = full_like(like, 1)
    for bit in range((limit - 1).bit_length()):
        there = node(
            ops.NE, (node(ops.AND, (exponent, full_like(like, 1 << bit))), full_like(like, 0))
        )
        factor = node(ops.WHERE, (there, full_like(like, 1 << (1 << bit)), full_like(like, 1)))
        result = node(ops.MUL, (result, factor))
    below = node(ops.LT, (exponent, full_like(like, 0)))
    outside = node(ops.ADD, (below, node(ops.LT, (full_like(like, limit - 1), exponent))))
    return node(ops.WHERE, (outside, full_like(like, 0), result))


def _shifted_right(x: Node, divisor: Node) -> Node:
    """The quotient by a power of two, rounded down; by 0, which stands for too large a one, -1 of
    negative numbers and 0 of others."""
    if not x.dtype.is_signed:
        return node(ops.DIV, (x, divisor))
    # DIV truncates; the complement of a negative number is not negative
    negative = node(ops.LT, (x, full_like(x, 0)))
    flipped = node(ops.WHERE, (negative, node(ops.XOR, (x, full_like(x, -1))), x))
    shifted = node(ops.DIV, (flipped, divisor))
    return node(ops.WHERE, (negative, node(ops.XOR, (shifted, full_like(x, -1))), shifted))


def _value_bits(x: Node) -> int:
    return 8 * x.dtype.itemsize - (1 if x.dtype.is_signed else 0)


def _checked_shift(op: str, x: Node, bits: Any) -> int:
    if not x.dtype.is_integer:
        raise DtypeError(f"[{op}] needs integers, got {x.dtype.name}")
    if not isinstance(bits, int) or bits < 0:
        raise ValueRangeError(f"[{op}] cannot shift {x.dtype.name} by {bits} bits")
    return bits


def isnan(x: Node) -> Node:
    """Whether each element is NaN, the only value that differs from itself."""
    return node(ops.NE, (x, x))


def isinf(x: Node) -> Node:
    """Whether each element is infinite, of either sign."""
    if x.dtype.kind != FLOAT:
        return full_like(x, False, bool_dtype)
    return logical_or(eq(x, float("inf")), eq(x, -float("inf")))


def isposinf(x: Node) -> Node:
    """Whether each element is infinite and positive."""
    if x.dtype.kind != FLOAT:
        return full_like(x, False, bool_dtype)
    return eq(x, float("inf"))


def isneginf(x: Node) -> Node:
    """Whether each element is infinite and negative."""
    if x.dtype.kind != FLOAT:
        return full_like(x, False, bool_dtype)
    return eq(x, -float("inf"))


def isreal(x: Node) -> Node:
    """Whether each element is a real number, as all are."""
    return full_like(x, True, bool_dtype)


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
