"""What is known of a value when it is written: see ``kernel.folding``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lazygrad.codegen.nest import Value
from lazygrad.element_types import DType
from lazygrad.kernel import folding


def value(op: Any, src: Sequence[Value], dtype: DType) -> Value | None:
    """``op(src)`` if it is a number, or one of the operands; else None."""
    for one in src:
        if not one.name:
            break
    else:
        return None
    known = [None if one.name else one.literal for one in src]
    dtypes = [one.dtype for one in src]
    found = folding.number(op, known, dtypes, dtype)
    if found is not None:
        return Value(dtype, 1, "", found)
    same = folding.operand(op, known, dtypes, dtype)
    return None if same is None else src[same]
