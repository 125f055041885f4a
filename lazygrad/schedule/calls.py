"""Calls of routines, and loops: steps of their own between kernels. Operands are whole values in
memory, row by row; all results of one call that anybody needs are written by one step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lazygrad import ops
from lazygrad.graph import Node, node, toposort
from lazygrad.kernel.plan import LoopCall
from lazygrad.kernel.routine import RoutineCall
from lazygrad.ops import Kind
from lazygrad.schedule.draft import Draft, sources
from lazygrad.schedule.naming import kernel_name, origins
from lazygrad.schedule.simplify import base_of


def with_stored_operands(roots: Sequence[Node]) -> list[Node]:
    """``roots`` with what a call reads written to memory where it is a view or a constant; a
    reshape is the same memory."""
    made: dict[Node, Node] = {}
    for value in toposort(roots):
        src = tuple(made[operand] for operand in value.src)
        if value.op.kind is Kind.CALL:
            src = tuple(_stored(operand, value) for operand in src)
        made[value] = value
        if src != value.src:
            made[value] = node(value.op, src, value.arg)
            made[value].origin = made[value].origin or value.origin
    return [made[root] for root in roots]


def _stored(operand: Node, call: Node) -> Node:
    value = operand
    while value.op is ops.RESHAPE:
        (value,) = value.src
    if value.op is ops.BUFFER or value.op.kind not in (Kind.MOVEMENT, Kind.LEAF):
        return operand
    written = node(ops.CONTIGUOUS, (operand,))
    written.origin = written.origin or call.origin
    return written


class CallDraft(Draft):
    """A step that calls a routine, or loops: it computes nothing but that."""

    def __init__(self, number: int, root: Node, reason: str) -> None:
        super().__init__(number, root, reason)
        self.reads = dict.fromkeys(sources(root))

    def take(self, value: Node) -> list[Node]:
        """Operands are read whole, and so at no position."""
        return []


@dataclass(frozen=True)
class BuiltCall:
    """The call of a routine or a loop, the values behind its buffer slots, and the bytes of memory
    that it needs besides, in the slots after those."""

    kernel: RoutineCall | LoopCall
    buffers: tuple[Node, ...]
    scratch: tuple[int, ...] = ()


def built(draft: Draft) -> BuiltCall:
    """The step of a draft that calls a routine."""
    results = sorted(draft.roots, key=lambda root: root.arg.result)
    first = draft.primary
    step = RoutineCall(
        name=kernel_name(draft, results),
        routine=first.arg.routine,
        options=first.arg.options,
        wanted=tuple(root.arg.result for root in results),
        results=tuple(root.shape for root in results),
        operands=tuple(operand.shape for operand in first.src),
        dtype=first.dtype,
        origins=origins(results),
        reasons=tuple(draft.reasons),
    )
    return BuiltCall(step, (*results, *map(base_of, first.src)))
