"""The table that rules are entered in, and what they are written with."""

from __future__ import annotations

from lazygrad import ops
from lazygrad.graph import Node, Scalar, const, node
from lazygrad.rewrite import Rules
from lazygrad.shape import Shape

rules = Rules()


def is_const(value: Node, number: Scalar | None = None) -> bool:
    """A CONST, and of this number if one is given."""
    return value.op is ops.CONST and (number is None or value.arg.value == number)


def like(value: Node, number: Scalar) -> Node:
    """A constant like ``value``."""
    return const(number, value.dtype, value.shape, value.device)


def expand(inner: Node, shape: Shape) -> Node:
    """``inner`` repeated to ``shape``."""
    return inner if inner.shape == shape else node(ops.EXPAND, (inner,), shape)
