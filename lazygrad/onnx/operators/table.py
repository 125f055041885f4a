"""All operators."""

from __future__ import annotations

from lazygrad.onnx.operators import (
    activation,
    attention,
    control,
    elementwise,
    indexing,
    linear,
    loss,
    movement,
    normalization,
    pooling,
    quantization,
    recurrent,
    reduce,
    resize,
    windows,
)
from lazygrad.onnx.operators.operator import Operator, Operators

FAMILIES = (
    activation, attention, control, elementwise, indexing, linear, loss, movement, normalization,
    pooling, quantization, recurrent, reduce, resize, windows,
)  # fmt: skip
OPERATORS: Operators = {
    name: versions for family in FAMILIES for name, versions in family.OPERATORS.items()
}


def find(domain: str, name: str, version: int) -> Operator | None:
    """What an operator means in a version of the standard; None if it is not here."""
    known = OPERATORS.get(name, ()) if domain in ("", "ai.onnx") else ()
    return next((op for op in reversed(known) if op.since <= version), None)
