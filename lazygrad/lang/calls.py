"""Calls of routines: the one way from Nodes to the op CALL."""

from __future__ import annotations

from lazygrad import ops
from lazygrad.graph import Node, Scalar, const, node
from lazygrad.lang.creation import eye
from lazygrad.lang.elementwise import add
from lazygrad.lang.movement import broadcast_to
from lazygrad.lang.reduce import sum
from lazygrad.ops import Called
from lazygrad.routines import EYE, ROUTINES


def call(routine: str, *operands: Node, options: tuple[Scalar, ...] = ()) -> tuple[Node, ...]:
    """All results of a routine; a plan computes those that are needed, together.

    Raises:
        ShapeError, DtypeError: for operands that the routine does not take.
    """
    results = range(len(ROUTINES[routine].nothing))
    made = [node(ops.CALL, operands, Called(routine, options, number)) for number in results]
    if all(operand.size for operand in operands):
        return tuple(made)
    nothing = zip(made, ROUTINES[routine].nothing, strict=True)
    return tuple(_filled(result, value) if result.size else result for result, value in nothing)


def sibling(result: Node, number: int) -> Node:
    """Another result of the call that ``result`` is one of."""
    return node(ops.CALL, result.src, result.arg._replace(result=number))


def _filled(result: Node, value: int | str) -> Node:
    """What stands for a result where there is nothing to compute it from; its derivative is one
    without elements."""
    shape, dtype, device = result.shape, result.dtype, result.device
    if value == EYE:
        filled = broadcast_to(eye(shape[-2], shape[-1], dtype, device), shape)
    else:
        filled = const(int(value), dtype, shape, device)
    empty = next(operand for operand in result.src if not operand.size)
    return add(filled, sum(empty))
