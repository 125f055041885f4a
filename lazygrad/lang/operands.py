"""What the operands of a function become before it builds a node.

Python scalars are weak: they take the tensor's shape, and its dtype as far as its kind allows.
Nodes are promoted and broadcast to each other, as PyTorch does it.
"""

from __future__ import annotations

import math
from typing import Any, TypeGuard

import numpy as np

from lazygrad import ops
from lazygrad.dtype import (
    BOOL,
    FLOAT,
    DType,
    accumulator,
    default_float,
    promote,
    promote_scalar,
)
from lazygrad.errors import DtypeError
from lazygrad.graph import Node, Scalar, const, node
from lazygrad.lang.movement import broadcast_to
from lazygrad.shape import broadcast

Operand = Node | Scalar


def cast(x: Node, dtype: DType) -> Node:
    """``x`` in another dtype; floats truncate towards zero on their way to integers."""
    return x if x.dtype is dtype else node(ops.CAST, (x,), dtype)


def full_like(x: Node, value: Scalar, dtype: DType | None = None) -> Node:
    """``value`` in the shape, on the device and (unless given) of the dtype of ``x``."""
    return const(value, dtype or x.dtype, x.shape, x.device)


def zeros_like(x: Node, dtype: DType | None = None) -> Node:
    return full_like(x, 0, dtype)


def ones_like(x: Node, dtype: DType | None = None) -> Node:
    return full_like(x, 1, dtype)


def pair(op: str, left: Operand, right: Operand) -> tuple[Node, Node]:
    """Two operands with the same shape and dtype; at least one of them is a Node."""
    if isinstance(left, Node):
        if isinstance(right, Node):
            if left.shape == right.shape and left.dtype is right.dtype:
                return left, right
            first, second = together(op, left, right)
            return first, second
        dtype = promote_scalar(left.dtype, right)
        return cast(left, dtype), const(right, dtype, left.shape, left.device)
    if isinstance(right, Node):
        dtype = promote_scalar(right.dtype, left)
        return const(left, dtype, right.shape, right.device), cast(right, dtype)
    raise DtypeError(f"[{op}] needs a tensor, got the numbers {left!r} and {right!r}")


def together(op: str, *operands: Operand) -> tuple[Node, ...]:
    """Any number of operands with one shape and dtype; at least one of them is a Node."""
    nodes = [operand for operand in operands if isinstance(operand, Node)]
    if not nodes:
        raise DtypeError(f"[{op}] needs a tensor, got the numbers {operands!r}")
    dtype = result_dtype(nodes)
    for operand in operands:
        if not isinstance(operand, Node):
            dtype = promote_scalar(dtype, operand)
    shape = broadcast(op, *(x.shape for x in nodes))
    device = nodes[0].device
    return tuple(
        broadcast_to(cast(x, dtype), shape)
        if isinstance(x, Node)
        else const(x, dtype, shape, device)
        for x in operands
    )


def result_dtype(nodes: list[Node]) -> DType:
    """torch.result_type: tensors of no dims change the kind of the result, not its width."""
    dims: DType | None = None
    scalars: DType | None = None
    for x in nodes:
        if x.shape:
            dims = x.dtype if dims is None else promote(dims, x.dtype)
        else:
            scalars = x.dtype if scalars is None else promote(scalars, x.dtype)
    if dims is None or scalars is None:
        found = dims or scalars
        return found if found is not None else default_float
    if dims.kind == FLOAT:
        return dims
    if dims.kind == BOOL or scalars.kind == FLOAT:
        return promote(dims, scalars)
    return dims


def as_node(x: Operand, like: Node) -> Node:
    """A Node as it is, a scalar as a constant like ``like`` (promoted by it)."""
    if isinstance(x, Node):
        return x
    return const(x, promote_scalar(like.dtype, x), like.shape, like.device)


def to_float(x: Node) -> Node:
    """Floats as they are, everything else in the default float dtype."""
    return x if x.dtype.kind == FLOAT else cast(x, default_float)


def widened(x: Node) -> Node:
    """A float dtype fit for computing several steps: the small ones in float32."""
    x = to_float(x)
    return cast(x, accumulator(x.dtype))


def require_float(op: str, x: Node) -> None:
    if x.dtype.kind != FLOAT:
        raise DtypeError(f"[{op}] needs a float dtype, got {x.dtype.name}; cast it first")


def require_not_bool(op: str, *nodes: Node) -> None:
    for x in nodes:
        if x.dtype.kind != BOOL:
            return
    raise DtypeError(f"[{op}] is not defined for bool; cast it, or use logical_not or ^")


def is_scalar(value: Any) -> TypeGuard[Scalar]:
    """A Python or NumPy number, or bool."""
    return isinstance(value, bool | int | float | np.number | np.bool_)


def is_whole(value: Any) -> bool:
    """A number without a fraction."""
    return is_scalar(value) and math.isfinite(value) and float(value).is_integer()
