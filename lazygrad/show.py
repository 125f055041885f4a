"""Graphs as text, one line a node."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lazygrad import ops
from lazygrad.graph import Node, toposort


def show_graph(roots: Iterable[Node]) -> str:
    """For example ``%3 = MUL(%1, %2) (4, 8) float32``; sources come first."""
    order = toposort(roots)
    number = {value: i for i, value in enumerate(order)}
    lines = []
    for value in order:
        sources = ", ".join(f"%{number[s]}" for s in value.src)
        origin = f"  # {value.origin}" if value.origin else ""
        text = f"{value.op.name}({sources}{_argument(value)})"
        lines.append(f"%{number[value]} = {text} {value.shape} {value.dtype.name}{origin}")
    return "\n".join(lines)


def _argument(value: Node) -> str:
    shown: Any = value.arg
    if value.op is ops.CONST:
        shown = value.arg.value
    elif shown is None or value.op in (ops.BUFFER, ops.IOTA, ops.VARIABLE):
        return ""
    return f"{', ' if value.src else ''}{shown}"
