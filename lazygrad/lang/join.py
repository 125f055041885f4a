"""Several Nodes put together, and rolled."""

from __future__ import annotations

from collections.abc import Sequence

from lazygrad import ops
from lazygrad.dtype import promote
from lazygrad.errors import AxisError, ShapeError
from lazygrad.graph import Node, node
from lazygrad.lang.movement import flatten, narrow, unsqueeze
from lazygrad.lang.operands import cast
from lazygrad.shape import normalize_axes, normalize_axis


def cat(tensors: Sequence[Node], dim: int = 0) -> Node:
    """Tensors one after the other along ``dim``; their other dims are equal.

    Raises:
        ShapeError: for no tensors, or shapes that differ in another dim.
    """
    if not tensors:
        raise ShapeError("[cat] needs at least one tensor")
    # PyTorch lets the shape (0,) stand for nothing beside tensors of any shape
    pieces = [x for x in tensors if x.shape != (0,)] or list(tensors[:1])
    first = pieces[0]
    axis = normalize_axis("cat", dim, first.ndim)
    dtype = tensors[0].dtype
    for x in tensors:
        dtype = promote(dtype, x.dtype)
    for x in pieces:
        rest = x.shape[:axis] + x.shape[axis + 1 :]
        if (
            x.ndim == 0
            or x.ndim != first.ndim
            or (rest != first.shape[:axis] + first.shape[axis + 1 :])
        ):
            listed = " and ".join(str(piece.shape) for piece in pieces)
            raise ShapeError(f"[cat] shapes {listed} differ in another dim than {dim}")
    full = [cast(x, dtype) for x in pieces if x.shape[axis]] or [cast(first, dtype)]
    return node(ops.JOIN, tuple(full), axis) if len(full) > 1 else full[0]


def stack(tensors: Sequence[Node], dim: int = 0) -> Node:
    """Tensors of one shape along a new dim ``dim``."""
    if not tensors:
        raise ShapeError("[stack] needs at least one tensor")
    if any(x.shape != tensors[0].shape for x in tensors):
        listed = " and ".join(str(x.shape) for x in tensors)
        raise ShapeError(f"[stack] shapes {listed} differ")
    axis = normalize_axis("stack", dim, tensors[0].ndim + 1)
    return cat([unsqueeze(x, axis) for x in tensors], axis)


def roll(x: Node, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None) -> Node:
    """Elements moved forward by ``shifts`` along ``dims``, around the end; without ``dims``
    along the flattened tensor."""
    if dims is None:
        if not isinstance(shifts, int):
            raise AxisError(f"[roll] shifts {shifts} need dims")
        rolled = roll(flatten(x), shifts, 0)
        return node(ops.RESHAPE, (rolled,), x.shape) if rolled.shape != x.shape else rolled
    by = [shifts] if isinstance(shifts, int) else list(shifts)
    axes = [dims] if isinstance(dims, int) else list(dims)
    if len(by) != len(axes):
        raise AxisError(f"[roll] {len(by)} shifts for {len(axes)} dims")
    normalize_axes("roll", set(axes), x.ndim)
    for shift, dim in zip(by, axes, strict=True):
        axis = normalize_axis("roll", dim, x.ndim)
        size = x.shape[axis] if x.ndim else 0
        start = (-shift) % size if size else 0
        if start:
            x = cat([narrow(x, axis, start, size - start), narrow(x, axis, 0, start)], axis)
    return x
