"""Long reductions with few results taken apart in two, so that every unit has work and each part
stays in cache."""

from __future__ import annotations

from math import prod

from lazygrad import ops
from lazygrad.graph import Node, node
from lazygrad.kernel.target import Target
from lazygrad.lang.movement import pad
from lazygrad.rewrite import Rules, rewrite
from lazygrad.schedule.products import is_matrix_product, scale_behind
from lazygrad.schedule.simplify import base_of, simplification

LONG = 1 << 12  # elements that make one result: below this a reduction stays in one piece
CONTRACTION_LONG = 1 << 11
PARTS = 8  # into which a unit's share is split, for balance
BLOCK = 1 << 10  # results of a contraction that a group of a GPU computes
LONG_PART = 1 << 10  # elements: from there on a part is made of whole
STEP = 64  # elements: as many as the largest step of vectors takes
SPLIT = "split"  # what the CONTIGUOUS of the parts says
GROUPS = 2  # for each unit of a GPU, so that one works while the other waits for memory


def splitting(target: Target, done: dict[Node, Node]) -> Rules:
    """The rules of simplification, and then those that split long reductions, for devices where we
    generate the reduction ourselves, and what follows it in the same kernel. What is split is
    entered in ``done``: the parts are not split again."""
    rules = Rules(simplification)
    rules.on(ops.SUM)(scale_behind)

    @rules.on(*ops.REDUCE)
    def split(current: Node) -> Node | None:
        if not isinstance(current.op, ops.Reduction):
            return None
        parts = _parts(current, target)
        if parts is None:
            return None
        total = _in_two(current, current.op, *parts)
        return rewrite([total], simplification, done)[total]

    return rules


def _parts(current: Node, target: Target) -> tuple[int, int] | None:
    """The axis to split and the length of a part, or None to leave it whole."""
    inner = current.src[0]
    if current.size == 0 or inner.size == 0:
        return None
    length = inner.size // current.size
    contraction = is_matrix_product(base_of(inner))
    if length < (CONTRACTION_LONG if contraction else LONG):
        return None
    wanted = _wanted_parts(current, target, contraction)
    if wanted <= 1:
        return None
    sizes = [(inner.shape[axis], axis) for axis in current.arg if inner.shape[axis] > 1]
    size, axis = min(sizes, key=lambda pair: (pair[0] < wanted, pair[1]))
    return axis, _length(size, min(wanted, size))


def _length(size: int, wanted: int) -> int:
    """Of parts of equal length where about as many as are wanted divide ``size``; the last part is
    shorter otherwise."""
    few = range(max(2, wanted // 2), min(size, 2 * wanted) + 1)
    divisors = [count for count in few if size % count == 0]
    if divisors:
        return size // min(divisors, key=lambda count: abs(count - wanted))
    length = -(-size // wanted)
    return -(-length // STEP) * STEP if length >= LONG_PART else length


def _wanted_parts(current: Node, target: Target, contraction: bool) -> int:
    if contraction and not target.is_gpu:
        # enough tiles already; what counts is that a part's operands stay in cache
        operands = sum(base_of(s).size for s in base_of(current.src[0]).src)
        return min(PARTS * target.units, -(-operands * 8 // target.cache))
    if contraction:
        results = GROUPS * target.units * BLOCK
    else:
        results = PARTS * target.units * (256 if target.is_gpu else max(target.lanes, 1))
    wanted = results // max(current.size, 1)
    length = prod(current.src[0].shape[axis] for axis in current.arg)
    return min(wanted, length // 256)


def _in_two(current: Node, op: ops.Reduction, axis: int, length: int) -> Node:
    """The reduction of parts, whose results the same reduction combines."""
    inner = current.src[0]
    size = inner.shape[axis]
    count = -(-size // length)
    if count * length > size:  # of which nobody sees anything, since the identity changes nothing
        edge = [(0, count * length - size if a == axis else 0) for a in range(inner.ndim)]
        inner = pad(inner, edge, op.identity(inner.dtype))
    shape = (*inner.shape[:axis], count, length, *inner.shape[axis + 1 :])
    parted = node(ops.RESHAPE, (inner,), shape)
    moved = tuple(a if a < axis else a + 1 for a in current.arg)
    partial = node(op, (parted,), moved)
    stored = node(ops.CONTIGUOUS, (partial,), (SPLIT,))
    total = node(op, (stored,), (axis,))
    for made in (partial, stored, total):
        made.origin = made.origin or current.origin
    return node(ops.RESHAPE, (total,), current.shape)
