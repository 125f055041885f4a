"""Forms: operations that the graph has not, because others do for it, but that languages have:
``a + b * -1`` is ``a - b``, and what differs from a difference is equal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lazygrad import element_types as dt, ops
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Expr, KernelOp

SUBTRACT = KernelOp("SUBTRACT", "src[0] - src[1]")
EQUAL = KernelOp("EQUAL", "src[0] == src[1]")
NOT = KernelOp("NOT", "the opposite of a bool")
TANH = KernelOp("TANH", "the hyperbolic tangent of src[0]")  # see codegen.composed

MEANING: Mapping[Any, Callable[..., Any]] = {  # in NumPy, as ``semantics`` says it of other ops
    SUBTRACT: np.subtract, EQUAL: np.equal, NOT: np.logical_not,
    TANH: np.tanh,
}  # fmt: skip

STEMS: Mapping[Any, str] = {  # what code calls the results of ops
    ops.EXP: "exp", ops.LOG: "log", ops.SIN: "sin", ops.SQRT: "root", ops.CAST: "cast",
    ops.ADD: "sum", ops.MUL: "product", ops.DIV: "ratio", ops.MAX: "max", ops.WHERE: "chosen",
    ops.LT: "less", ops.NE: "differs", ops.MOD: "rest", ops.AND: "both", ops.XOR: "bits",
    SUBTRACT: "difference", EQUAL: "equal", NOT: "opposite",
    TANH: "tanh",
    ops.SUM: "sum", ops.REDUCE_MAX: "max",
}  # fmt: skip


def stem(value: Expr) -> str:
    """What code calls ``value``."""
    return STEMS.get(value.arg.op if value.op is ex.REDUCE else value.op, "value")


Sources = tuple[Expr, ...]
Form = tuple[Any, Sources]  # an op, and what it is applied to


def form(value: Expr) -> Form:
    """The op and the sources that say the same as those of ``value``, as shortly as can be."""
    find = _FORMS.get(value.op)
    return (find(value.src) if find is not None else None) or (value.op, value.src)


def difference(src: Sources) -> Form | None:
    """A sum with something negated."""
    if src[0].dtype.kind not in (dt.SIGNED, dt.FLOAT):
        return None
    for kept, other in (src, src[::-1]):
        if other.op is ops.MUL and any(is_literal(factor, -1) for factor in other.src):
            positive = next((f for f in other.src if not is_literal(f, -1)), other.src[0])
            return SUBTRACT, (kept, positive)
    return None


def opposite(src: Sources) -> Form | None:
    """A bool that differs from True; of a comparison, the opposite comparison."""
    for condition, other in (src, src[::-1]):
        if condition.dtype.kind == dt.BOOL and is_literal(other, True):
            return negated(condition)
    return None


def negated(condition: Expr) -> Form:
    """The opposite of a bool."""
    return (EQUAL, condition.src) if condition.op is ops.NE else (NOT, (condition,))


def is_literal(e: Expr, value: Any) -> bool:
    return e.op is ex.LITERAL and bool(e.arg == value)


_FORMS: Mapping[Any, Callable[[Sources], Form | None]] = {
    ops.ADD: difference,
    ops.NE: opposite,
    ops.XOR: opposite,
}
