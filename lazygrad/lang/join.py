"""Several Nodes put together, and rolled."""

from __future__ import annotations

from collections.abc import Sequence

from lazygrad import ops
from lazygrad.element_types import promote
from lazygrad.errors import AxisError, ShapeError, ValueRangeError
from lazygrad.graph import Node, node
from lazygrad.lang.movement import (
    aligned,
    broadcast_to,
    flatten,
    narrow,
    pad,
    reshape,
    unsqueeze,
)
from lazygrad.lang.operands import cast
from lazygrad.shape import Shape, normalize_axes, normalize_axis, numel


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


def with_dims(x: Node, ndim: int) -> Node:
    """With dims of size 1 until there are ``ndim`` (up to 3), as torch.atleast_1d, 2d and 3d."""
    shape = x.shape
    if len(shape) < 2:
        shape = (1,) * (min(ndim, 2) - len(shape)) + shape
    return reshape(x, shape + (1,) * (ndim - len(shape)))


def stack_columns(op: str, tensors: Sequence[Node], axis: int, ndim: int) -> Node:
    """Tensors of at least ``ndim`` dims, one after the other along ``axis``."""
    if not tensors:
        raise ShapeError(f"[{op}] needs at least one tensor")
    grown = [with_dims(x, ndim) for x in tensors]
    return cat(grown, axis if grown[0].ndim > axis else 0)


def column_stack(tensors: Sequence[Node]) -> Node:
    """Vectors as columns beside each other, and matrices as they are."""
    columns = [x if x.ndim > 1 else reshape(x, (x.size, 1)) for x in tensors]
    return stack_columns("column_stack", columns, 1, 2)


def block_diag(matrices: Sequence[Node]) -> Node:
    """Matrices along a diagonal, zeros elsewhere; vectors are rows.

    Raises:
        ShapeError: for more than two dims.
    """
    blocks = [with_dims(x, 2) for x in matrices]
    for x in blocks:
        if x.ndim != 2:
            raise ShapeError(f"[block_diag] needs matrices, got shape {x.shape}")
    width = sum(x.shape[1] for x in blocks)
    starts = [sum(x.shape[1] for x in blocks[:i]) for i in range(len(blocks))]
    return cat([
        pad(x, [(0, 0), (start, width - start - x.shape[1])])
        for x, start in zip(blocks, starts, strict=True)
    ])  # fmt: skip


def grid(shapes: Sequence[Shape], indexing: str = "ij") -> tuple[list[int], Shape]:
    """Along which dim each of several vectors lies in a grid, and the grid's shape; with "xy" the
    first two dims are exchanged.

    Raises:
        ShapeError: for anything but vectors and scalars.
        ValueRangeError: for another ``indexing``.
    """
    if indexing not in ("ij", "xy"):
        raise ValueRangeError(f'[meshgrid] indexing must be "ij" or "xy", got {indexing!r}')
    if any(len(shape) > 1 for shape in shapes):
        listed = " and ".join(map(str, shapes))
        raise ShapeError(f"[meshgrid] needs vectors, got shapes {listed}")
    axes = list(range(len(shapes)))
    if indexing == "xy" and len(shapes) > 1:
        axes[:2] = [1, 0]
    sizes = {axis: numel(shape) for axis, shape in zip(axes, shapes, strict=True)}
    return axes, tuple(sizes[axis] for axis in range(len(shapes)))


def along(x: Node, axis: int, shape: Shape) -> Node:
    """A vector or scalar as dim ``axis`` of ``shape``, repeated along the others."""
    return broadcast_to(aligned(flatten(x), axis, len(shape)), shape)


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
            twice = cat([x, x], axis)  # so that rolls differ in where a slice starts, and no more
            x = narrow(twice, axis, start, size)
    return x
