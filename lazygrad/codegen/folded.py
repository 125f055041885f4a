"""What is known of a value when it is written: loops that are written out make numbers of indices,
and what is computed from numbers is a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lazygrad import element_types as dt, ops, semantics
from lazygrad.codegen.nest import Value
from lazygrad.element_types import DType
from lazygrad.kernel import forms

# Functions of which devices compute other last digits than NumPy.
APPROXIMATE = ops.EXP, ops.LOG, ops.SIN, ops.SQRT

# What changes nothing as the right operand, of integers; and of bools.
NEUTRAL: Mapping[Any, int] = {
    ops.ADD: 0, ops.MUL: 1, ops.DIV: 1, ops.XOR: 0, ops.AND: -1, forms.SUBTRACT: 0,
}  # fmt: skip
NEUTRAL_BOOL: Mapping[Any, bool] = {
    ops.ADD: False, ops.MUL: True, ops.MAX: False, ops.XOR: False, ops.NE: False, ops.AND: True,
}  # fmt: skip


def value(op: Any, src: Sequence[Value], dtype: DType) -> Value | None:
    """``op(src)`` if it is a number, or one of the operands; else None."""
    for operand in src:
        if not operand.name:
            return _value(op, src, dtype)
    return None


def _value(op: Any, src: Sequence[Value], dtype: DType) -> Value | None:
    if op is ops.WHERE:
        condition, left, right = src
        return None if condition.name else (left if condition.literal else right)
    if all(not operand.name for operand in src):
        return None if op in APPROXIMATE else Value(dtype, 1, "", _number(op, src, dtype))
    if len(src) == 2 and dtype.kind != dt.FLOAT and src[0].dtype is dtype:
        neutral = (NEUTRAL_BOOL if dtype.kind == dt.BOOL else NEUTRAL).get(op)
        if neutral is not None:
            return _other(src, neutral, op)
    return None


def _number(op: Any, src: Sequence[Value], dtype: DType) -> Any:
    if op not in forms.MEANING:
        return semantics.fold(op, [(operand.literal, operand.dtype) for operand in src], dtype)
    numbers = (semantics.cast(operand.literal, operand.dtype) for operand in src)
    with np.errstate(all="ignore"):
        return semantics.cast(forms.MEANING[op](*numbers), dtype).item()


def _other(src: Sequence[Value], neutral: int, op: Any) -> Value | None:
    left, right = src
    if not right.name and right.literal == neutral:
        return left
    commutes = op not in (ops.DIV, forms.SUBTRACT)
    return right if commutes and not left.name and left.literal == neutral else None
