"""Reductions of what a reduction computes: the transpose of a sliding window sums what a
contraction has summed, and a pooling looks at the results of a convolution."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import prod

from lazygrad import ops
from lazygrad.graph import Node
from lazygrad.kernel import expr as ex
from lazygrad.kernel.contraction import LARGEST_WINDOW
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import Index
from lazygrad.kernel.target import Target
from lazygrad.ops import Kind
from lazygrad.schedule.draft import Draft, is_constant
from lazygrad.schedule.lower import Lowering, whole
from lazygrad.schedule.meet import contracts
from lazygrad.schedule.simplify import base_of
from lazygrad.shape import Shape, strides_of

GUARD_WASTE = 1.9  # merged sums may visit so many times the points of the innermost one
PHASES = 4  # of a stride, and strides of a window: what is longer is an image, which has borders


def of_sums(draft: Draft, value: Node, target: Target) -> str | None:
    """Why ``value`` and the sum of it that the draft computes are one reduction; None if not."""
    around = _read_directly(draft, value)
    if around is None or any(r.op is not ops.SUM for r in (*draft.reductions, value)):
        return None
    lowered = _lowered(draft.reductions[0], {*draft.reductions, value})
    reductions = [e for e in ex.toposort([lowered]) if e.op is ex.REDUCE]
    if len(reductions) != 1:
        return None
    visited = draft.reductions[0].size * prod(r.size for r in reductions[0].arg.ranges)
    if not (target.blas or target.is_gpu):
        visited *= _needed(reductions[0])
    if visited > GUARD_WASTE * value.src[0].size:
        return None
    return "it sums a sum: both are one reduction"


def _needed(reduction: Expr) -> Fraction:
    """The share of its steps that are not skipped: a window of three has no fourth tap."""
    found = dict.fromkeys(b for e in ex.toposort(reduction.src) for b in ex.guard_of(e))
    share = Fraction(1)
    for bound in found:
        ranges = sorted(bound.index.ranges, key=str)
        if all(r.size <= PHASES for r in ranges):
            points = [
                bound.index.substitute({r: Index((), i) for r, i in zip(ranges, at, strict=True)})
                for at in product(*(range(r.size) for r in ranges))
            ]
            inside = sum(1 for point in points if bound.low <= point.const < bound.high)
            share *= Fraction(inside, len(points))
    return share


def in_windows(draft: Draft, value: Node, total: Node, target: Target) -> str | None:
    """Why ``value``, what follows the contraction ``total`` element by element, stays in registers
    for the pooling that the draft computes, which also leaves out what no window holds; None if it
    does not."""
    if target.blas or target.is_gpu:  # a library writes all results; so do the groups of a GPU
        return None
    pooling = _read_directly(draft, value)
    if pooling is None or len(draft.reductions) != 1 or not contracts(total):
        return None
    windows = pooling.src[0]
    if windows.size > min(LARGEST_WINDOW * pooling.size, value.size):
        return None
    lowered = _lowered(pooling, {pooling, total})
    guarded = any(e.op is ex.GUARD for e in ex.toposort([lowered]))
    if lowered.op is not ex.REDUCE or guarded:
        return None
    return "its windows hold results of one contraction"


def _read_directly(draft: Draft, value: Node) -> Node | None:
    """The reduction of the draft that combines ``value``, if nothing else there reads it."""
    if len(draft.at[value]) != 1:
        return None
    readers = [v for v in draft.inside if any(base_of(operand) is value for operand in v.src)]
    return readers[0] if len(readers) == 1 and readers[0] in draft.reductions else None


def _lowered(root: Node, inside: set[Node]) -> Expr:
    """``root`` as a kernel of its own would compute it, with the reductions ``inside``."""

    def in_memory(value: Node) -> tuple[int, Shape] | None:
        computed = value.op.kind in (Kind.ELEMENTWISE, Kind.MOVEMENT) or value in inside
        return None if computed or is_constant(value) else (0, strides_of(value.shape))

    return Lowering(in_memory).lower(root, whole(root.shape)[1], from_memory=False)
