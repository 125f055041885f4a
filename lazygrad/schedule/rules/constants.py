"""What is nothing, marks that do no work, and operations on constants."""

from __future__ import annotations

import numpy as np

from lazygrad import element_types as dt, ops, semantics
from lazygrad.graph import Node
from lazygrad.ops import Kind
from lazygrad.schedule.rules.table import is_const, like, rules


@rules.on(*(op for op in ops.ALL if op.kind is not Kind.LEAF))
def drop_empty(current: Node) -> Node | None:
    """A value without elements needs no computation, so later stages meet none in a kernel."""
    return like(current, 0) if current.size == 0 else None


@rules.on(*ops.REDUCE)
def reduce_nothing(current: Node) -> Node | None:
    if current.src[0].size or not isinstance(current.op, ops.Reduction):
        return None
    return like(current, current.op.identity(current.dtype))


@rules.on(*ops.DERIVATIVE_MARKS)
def drop_mark(current: Node) -> Node | None:
    """Marks speak to derivatives only."""
    return current.src[0]


@rules.on(ops.CONTIGUOUS)
def contiguous_of_memory(current: Node) -> Node | None:
    """Unless it says what it is stored for: as a piece of something else, say."""
    inner = current.src[0]
    stored = inner.op in (ops.BUFFER, ops.CONTIGUOUS) or inner.op.kind is Kind.CALL
    return inner if stored and current.arg is None else None


@rules.on(ops.COPY)
def copy_to_same_device(current: Node) -> Node | None:
    return current.src[0] if current.src[0].device == current.arg else None


@rules.on(*ops.ELEMENTWISE)
def fold_constants(current: Node) -> Node | None:
    if not all(operand.op is ops.CONST for operand in current.src):
        return None
    constants = [(operand.arg.value, operand.dtype) for operand in current.src]
    return like(current, semantics.fold(current.op, constants, current.dtype))


@rules.on(ops.RESHAPE, ops.PERMUTE, ops.EXPAND, ops.SHRINK, ops.FLIP)
def move_constant(current: Node) -> Node | None:
    inner = current.src[0]
    return like(current, inner.arg.value) if inner.op is ops.CONST else None


@rules.on(ops.PAD, ops.SHEAR)
def pad_zero(current: Node) -> Node | None:
    inner = current.src[0]
    nothing = inner.size == 0 or (is_const(inner, 0) and inner.arg.sign > 0)
    return like(current, 0) if nothing else None


@rules.on(ops.SUM)
def sum_constant(current: Node) -> Node | None:
    """A sum of equal numbers, where the product is exact."""
    inner = current.src[0]
    if inner.op is not ops.CONST:
        return None
    count = int(np.prod([inner.shape[axis] for axis in current.arg], dtype=np.int64))
    if inner.dtype.kind == dt.BOOL:
        return like(current, bool(inner.arg.value) and count > 0)
    if inner.dtype.kind == dt.FLOAT and (inner.arg.value != 0 and count > 1 << 20):
        return None
    return like(current, inner.arg.value * count if count else 0)


@rules.on(ops.REDUCE_MAX)
def max_constant(current: Node) -> Node | None:
    inner = current.src[0]
    return like(current, inner.arg.value) if inner.op is ops.CONST and inner.size else None
