"""What the operands of a function become before it builds a node.

Python scalars are weak: they take the tensor's shape, and its dtype as far as its kind allows. One
that this dtype does not hold is an error: it is never wrapped to another number, except for sums,
products and bits, where the result is the exact one wrapped as it is for any operands.
Nodes are promoted and broadcast to each other, as PyTorch does it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeGuard

import numpy as np

from lazygrad import ops
from lazygrad.element_types import (
    BOOL,
    FLOAT,
    DType,
    accumulator,
    default_float,
    float64,
    int64,
    promote,
    promote_scalar,
    require_fit,
    uint64,
)
from lazygrad.errors import DtypeError
from lazygrad.graph import Node, Scalar, const, node
from lazygrad.lang.movement import broadcast_to
from lazygrad.shape import broadcast
from lazygrad.symbolic import Symbolic, leaf_of

Operand = Node | Scalar


def cast(x: Node, dtype: DType) -> Node:
    """``x`` in another dtype; floats truncate towards zero on their way to integers."""
    return x if x.dtype is dtype else node(ops.CAST, (x,), dtype)


def full_like(x: Node, value: Any, dtype: DType | None = None) -> Node:
    """``value`` in the shape, on the device and (unless given) of the dtype of ``x``."""
    if type(value) is Symbolic:
        leaf = leaf_of(value, dtype or x.dtype, x.device)
        if leaf is not None:
            return broadcast_to(leaf, x.shape)
    return const(value, dtype or x.dtype, x.shape, x.device)


def zeros_like(x: Node, dtype: DType | None = None) -> Node:
    return full_like(x, 0, dtype)


def ones_like(x: Node, dtype: DType | None = None) -> Node:
    return full_like(x, 1, dtype)


def constant(op: str, value: Any, dtype: DType, like: Node, wraps: bool = False) -> Node:
    """A scalar operand, in the shape and on the device of ``like``.

    Raises:
        ValueRangeError: one that an integer ``dtype`` does not hold; with ``wraps``, one of over 64
            bits. Floats round it, to infinity if need be.
    """
    if type(value) is Symbolic:
        return full_like(like, value, dtype)
    held = dtype
    if dtype.kind == FLOAT:
        held = float64
    elif wraps and dtype.is_integer:
        held = uint64 if value >= 0 else int64
    require_fit(op, value, held)
    return const(value, dtype, like.shape, like.device)


def pair(op: str, left: Operand, right: Operand, wraps: bool = False) -> tuple[Node, Node]:
    """Two operands with the same shape and dtype; at least one of them is a Node.

    ``wraps``: the result of ``op`` wraps around as its operands do.
    """
    if isinstance(left, Node):
        if isinstance(right, Node):
            if left.shape == right.shape and left.dtype is right.dtype:
                return left, right
            first, second = together(op, left, right)
            return first, second
        dtype = promote_scalar(left.dtype, right)
        return cast(left, dtype), constant(op, right, dtype, left, wraps)
    if isinstance(right, Node):
        dtype = promote_scalar(right.dtype, left)
        return constant(op, left, dtype, right, wraps), cast(right, dtype)
    raise DtypeError(f"[{op}] needs a tensor, got the numbers {left!r} and {right!r}")


def together(op: str, *operands: Operand) -> tuple[Node, ...]:
    """Any number of operands with one shape and dtype; at least one of them is a Node."""
    return brought(op, common_dtype(op, operands), operands)


def float_pair(op: str, left: Operand, right: Operand) -> tuple[Node, Node]:
    """As ``pair``, in floats: integers become floats before they meet, so that none is wrapped."""
    dtype = common_dtype(op, (left, right))
    first, second = brought(op, dtype if dtype.kind == FLOAT else default_float, (left, right))
    return first, second


def common_dtype(op: str, operands: Sequence[Operand]) -> DType:
    """What Nodes and scalars promote to; at least one of them is a Node."""
    nodes = [operand for operand in operands if isinstance(operand, Node)]
    if not nodes:
        raise DtypeError(f"[{op}] needs a tensor, got the numbers {tuple(operands)!r}")
    dtype = result_dtype(nodes)
    for operand in operands:
        if not isinstance(operand, Node):
            dtype = promote_scalar(dtype, operand)
    return dtype


def brought(op: str, dtype: DType, operands: Sequence[Operand]) -> tuple[Node, ...]:
    """Operands in ``dtype``, broadcast to each other."""
    nodes = [operand for operand in operands if isinstance(operand, Node)]
    shape = broadcast(op, *(x.shape for x in nodes))
    spread = [broadcast_to(cast(x, dtype), shape) for x in nodes]
    moved = iter(spread)
    return tuple(
        next(moved) if isinstance(x, Node) else constant(op, x, dtype, spread[0]) for x in operands
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
