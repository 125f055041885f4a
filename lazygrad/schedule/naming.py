"""Kernel names and origins: what a kernel computes, in the user's words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lazygrad import ops
from lazygrad.graph import Node
from lazygrad.ops import Kind
from lazygrad.schedule.draft import Draft

MAX_LABELS = 4
REPACKED = "repack"  # begins what the CONTIGUOUS of a copy in another order says
CONSTANTS = (ops.CONST, ops.IOTA)
COMPUTING = (Kind.ELEMENTWISE, Kind.REDUCE, Kind.INDEXED, Kind.CALL)


def kernel_name(draft: Draft, inside: Sequence[Node]) -> str:
    """For example "conv2d_relu_128x64x11x11": the operations, then the shape of the result."""
    labels = list(dict.fromkeys(_label(value) for value in _computing(inside)))
    if not labels:
        labels = ["copy"]
    if len(labels) > MAX_LABELS:
        labels = [*labels[: MAX_LABELS - 1], labels[-1]]
    shape = "x".join(map(str, draft.primary.shape)) or "scalar"
    name = "_".join([*labels, shape])
    return re.sub(r"\W+", "_", name).strip("_")


def _computing(inside: Sequence[Node]) -> list[Node]:
    return [value for value in inside if value.op.kind in COMPUTING] or [
        value for value in inside if value.op is ops.CONTIGUOUS
    ]


def _label(value: Node) -> str:
    if value.op is ops.CONTIGUOUS and value.arg and value.arg[0] == REPACKED:
        return REPACKED
    if value.origin:
        return value.origin.label.lower()
    return str(value.arg.routine) if value.op is ops.CALL else value.op.name.lower()


def origins(inside: Sequence[Node]) -> tuple[str, ...]:
    """The user's operations and lines, each once, in order; ``inside`` comes sources first. Not
    those of constants, and of what is made of nothing else, which belong to whoever used them first
    in the whole program."""
    known = [value for value in inside if value.origin]
    constant: set[Node] = set()
    for value in inside:
        if value.op in CONSTANTS or (value.src and constant.issuperset(value.src)):
            constant.add(value)
    made = [value for value in known if value not in constant]
    return tuple(dict.fromkeys(str(value.origin) for value in made or known))
