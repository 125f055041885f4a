"""What is computed from numbers when code is made: a number, or one of the operands as it is.

The graph's constants were folded before; loops that are written out make more of indices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lazygrad import element_types as dt, ops, semantics
from lazygrad.element_types import DType
from lazygrad.graph import Scalar
from lazygrad.kernel import expr as ex, forms
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import Index

Known = Sequence[Scalar | None]  # operands: numbers, or None

# Functions of which devices compute other last digits than NumPy.
APPROXIMATE = ops.EXP, ops.LOG, ops.SIN, ops.SQRT, forms.TANH

# Operands that change nothing, of integers and of bools; only on the right for some.
NEUTRAL: Mapping[Any, int] = {
    ops.ADD: 0, ops.MUL: 1, ops.DIV: 1, ops.XOR: 0, ops.AND: -1, forms.SUBTRACT: 0,
}  # fmt: skip
NEUTRAL_BOOL: Mapping[Any, int] = {
    ops.ADD: False, ops.MUL: True, ops.MAX: False, ops.XOR: False, ops.NE: False, ops.AND: True,
}  # fmt: skip
ON_THE_RIGHT = ops.DIV, forms.SUBTRACT


def index(op: Any, src: Sequence[Expr], dtype: DType) -> Expr | None:
    """The sum of two indices or numbers, or a multiple of an index, as an index, as long as that
    needs no wrapping."""
    if op not in (ops.ADD, ops.MUL) or not dtype.is_integer:
        return None
    left, right = (_as_index(operand) for operand in src)
    if left is None or right is None or (op is ops.MUL and left.terms and right.terms):
        return None
    if op is ops.ADD:
        found = left + right
    else:
        found = left * right.const if left.terms else right * left.const
    fits = all(_fits(one, dtype) for one in (left, right, found))
    return ex.index_value(found, dtype) if fits else None


def _as_index(value: Expr) -> Index | None:
    if value.op is ex.INDEX:
        found: Index = value.arg
        return found
    is_number = value.op is ex.LITERAL and value.dtype.is_integer
    return Index((), int(value.arg)) if is_number else None


def _fits(index: Index, dtype: DType) -> bool:
    low, high = index.interval
    return bool(dtype.min <= low and high <= dtype.max)


def number(op: Any, known: Known, dtypes: Sequence[DType], dtype: DType) -> Scalar | None:
    """``op`` of numbers, each of its dtype; None if not all are, or devices differ."""
    if op in APPROXIMATE or any(operand is None for operand in known):
        return None
    found: Scalar
    if op not in forms.MEANING:
        found = semantics.fold(op, zip(known, dtypes, strict=True), dtype)
        return found
    numbers = (semantics.cast(n, of) for n, of in zip(known, dtypes, strict=True))
    with np.errstate(all="ignore"):
        found = semantics.cast(forms.MEANING[op](*numbers), dtype).item()
    return found


def operand(op: Any, known: Known, dtypes: Sequence[DType], dtype: DType) -> int | None:
    """Which operand the result is, whatever the others that are no numbers; None: none is."""
    if op is ops.WHERE:
        return None if known[0] is None else (1 if known[0] else 2)
    if len(known) != 2 or dtype.kind == dt.FLOAT or dtypes[0] is not dtype:
        return None
    neutral = (NEUTRAL_BOOL if dtype.kind == dt.BOOL else NEUTRAL).get(op)
    if neutral is None:
        return None
    if known[1] is not None and known[1] == neutral:
        return 0
    return 1 if known[0] is not None and known[0] == neutral and op not in ON_THE_RIGHT else None
