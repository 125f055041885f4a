"""Writing by index along one dim: every form is one SCATTER, combined with what was there."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lazygrad import ops
from lazygrad.element_types import default_int
from lazygrad.errors import DtypeError, ShapeError, ValueRangeError
from lazygrad.graph import Node, Scalar, node
from lazygrad.lang.comparison import gt
from lazygrad.lang.creation import iota
from lazygrad.lang.elementwise import (
    add,
    div,
    maximum,
    minimum,
    mul,
    reversed_order,
    sub,
    where,
)
from lazygrad.lang.indexing import scatter as scatter_into_zeros
from lazygrad.lang.movement import broadcast_to, pad, reshape, shrink
from lazygrad.lang.operands import cast, ones_like
from lazygrad.lang.reduce import cumsum
from lazygrad.lang.rounding import floor_divide
from lazygrad.ops import Op
from lazygrad.shape import normalize_axis

REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


def scatter(x: Node, dim: int, index: Node, src: Node) -> Node:
    """``out[index[i][j]][j] = src[i][j]`` for dim 0, the last one of several; ``x`` elsewhere."""
    axis, index, src = _fitting("scatter", x, dim, index, src)
    along = [1] * index.ndim
    along[axis] = index.shape[axis]
    order = add(reshape(iota(index.shape[axis], x.device, default_int), along), 1)
    writer = scatter_into_zeros(
        index, broadcast_to(order, index.shape), axis, x.shape[axis], None
    )  # 1 + which element of src comes to a place, or 0
    written = gt(writer, 0)
    taken = node(ops.GATHER, (src, where(written, sub(writer, 1), 0)), axis)
    return where(_to_shape(written, x, 0), _to_shape(taken, x, 0), x)


def scatter_reduce(
    x: Node, dim: int, index: Node, src: Node, reduce: str, include_self: bool = True
) -> Node:
    """``src`` combined with ``x``, or with each other alone, where ``index`` says they go.

    Raises:
        ValueRangeError: for an unknown reduction.
    """
    if reduce not in REDUCTIONS:
        raise ValueRangeError(
            f"[scatter_reduce] reduce must be one of {', '.join(REDUCTIONS)}, got {reduce!r}"
        )
    axis, index, src = _fitting("scatter_reduce", x, dim, index, src)
    count: Node | None = None
    if reduce == "mean" or not include_self:
        ones = ones_like(src, default_int)
        count = _to_shape(scatter_into_zeros(index, ones, axis, x.shape[axis], ops.ADD), x, 0)
    op = COMBINED[reduce]
    combined, nothing = op.over(index, src, axis, x.shape[axis])
    spread = _to_shape(combined, x, nothing)
    result = op.two(x, spread) if include_self else spread
    if count is not None and reduce == "mean":
        several = add(count, 1) if include_self else where(gt(count, 0), count, 1)
        divide = div if x.dtype.is_floating_point else floor_divide
        result = divide(result, cast(several, x.dtype))
    if count is not None and not include_self:
        result = where(gt(count, 0), result, x)
    return result


class Combination:
    """How a reduction combines: into what nothing was written to, and two values.

    ``backwards`` takes the order of numbers the other way round.
    """

    def __init__(self, op: Op, two: Callable[[Node, Node], Node], backwards: bool = False) -> None:
        self.op, self.two, self.backwards = op, two, backwards

    def over(self, index: Node, src: Node, axis: int, size: int) -> tuple[Node, Scalar]:
        """What is combined at each place, and what stands where nothing is."""
        given = reversed_order(src) if self.backwards else src
        found = scatter_into_zeros(index, given, axis, size, self.op)
        nothing: Scalar = ops.NOTHING[self.op](src.dtype)
        if not self.backwards:
            return found, nothing
        return reversed_order(found), src.dtype.max


COMBINED: Mapping[str, Combination] = {
    "sum": Combination(ops.ADD, add),
    "mean": Combination(ops.ADD, add),
    "prod": Combination(ops.MUL, mul),
    "amax": Combination(ops.MAX, maximum),
    "amin": Combination(ops.MAX, minimum, backwards=True),
}


def _fitting(op: str, x: Node, dim: int, index: Node, src: Node) -> tuple[int, Node, Node]:
    """The axis, the index, and the part of ``src`` that it speaks of; scalars as one element.

    Raises:
        ShapeError, DtypeError: for what does not fit.
    """
    axis = normalize_axis(op, dim, x.ndim)
    if src.dtype is not x.dtype:
        raise DtypeError(f"[{op}] src is {src.dtype.name}, the tensor {x.dtype.name}; cast it")
    fits = index.ndim == src.ndim == x.ndim and all(
        i <= s and (d == axis or i <= n)
        for d, (i, s, n) in enumerate(zip(index.shape, src.shape, x.shape, strict=True))
    )
    if not fits:
        raise ShapeError(
            f"[{op}] index {index.shape} and src {src.shape} do not fit shape {x.shape} along dim "
            f"{dim}: an index is at most as large as src, and as the tensor in other dims"
        )
    return axis, index, shrink(src, [(0, size) for size in index.shape])


def _to_shape(made: Node, x: Node, value: Scalar) -> Node:
    """Brought to the shape of ``x``, with ``value`` where no index led."""
    sizes = zip(made.shape, x.shape, strict=True)
    return pad(made, [(0, whole - part) for part, whole in sizes], value)


def masked_scatter(x: Node, mask: Node, source: Node) -> Node:
    """Elements of ``source`` in order where ``mask`` holds, ``x`` elsewhere."""
    spread = reshape(broadcast_to(mask, x.shape), (x.size,))
    rank = sub(cumsum(cast(spread, default_int), 0), 1)
    if not source.size:
        return x
    chosen = where(spread, rank, 0)
    taken = node(ops.GATHER, (reshape(source, (source.size,)), chosen), 0)
    return where(reshape(spread, x.shape), reshape(taken, x.shape), x)
