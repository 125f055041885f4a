"""Layouts: the order in which a buffer's dims lie in memory, chosen by who computes and reads it.

Outputs of a plan are row-major. What stays inside is laid out as the kernels like it: the result
of a contraction has the range of its vector lanes innermost (for a convolution: channels last), and
elementwise kernels keep the order of what they read most of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from lazygrad.kernel import expr as ex
from lazygrad.kernel.contraction import Contraction
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import Index, Range
from lazygrad.kernel.kernel import Output, loads
from lazygrad.shape import Shape, numel

Order = tuple[int, ...]  # dims of a node, outermost in memory first
REPACK_REUSE = 16  # an operand read this often is worth a copy in the order the lanes want
COPY_WORK = 8  # multiplications that take as long as copying an element
MIN_LANES = 8  # narrower than this, a dim does not fill vectors


def strides_in_order(shape: Shape, order: Order) -> Shape:
    """Strides, by dim of ``shape``, of memory that holds the dims in ``order``."""
    strides = [0] * len(shape)
    step = 1
    for dim in reversed(order):
        strides[dim] = step
        step *= shape[dim]
    return tuple(strides)


def row_major(shape: Shape) -> Order:
    return tuple(range(len(shape)))


# -- contractions -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lanes:
    """The range that a contraction is vectorised over, and the load that must be repacked so
    that it has unit stride there (None: it has)."""

    over: Range
    repack: Expr | None


def choose_lanes(
    found: Contraction, lanes: int, repack: bool, dim_of: Mapping[Range, int]
) -> Lanes | None:
    """The range to vectorise: one that fills its vectors, has unit stride in its operand or is
    cheap to repack, and comes last in the result."""
    work = prod(r.size for r in (*found.batch, *found.m, *found.n, *found.k))
    options = []
    sides = ((found.m, found.a, found.n), (found.n, found.b, found.m))
    for side, operand, other in sides:
        read = loads([operand])
        reuse = prod(r.size for r in other)
        for r in side:
            moving = [e for e in read if r in e.ranges]
            if len(moving) != 1 or not moving[0].arg.index.affine_in(r):
                continue
            if any(r in bound.index.ranges for bound in moving[0].arg.guard):
                continue  # at the border, some lanes of a vector must not be loaded
            full = r.size / (-(-r.size // lanes) * lanes)  # share of lanes that do work
            copied, load = 0, None
            if moving[0].arg.index.coefficient(r) != 1:
                if repack and reuse < REPACK_REUSE:
                    continue
                copied, load = prod(x.size for x in moving[0].ranges), moving[0]
            cost = (1 + COPY_WORK * copied / max(work, 1)) / full
            options.append(((round(cost, 3), -dim_of.get(r, -1)), Lanes(r, load)))
    if not options:
        return None
    best = min(options, key=lambda option: option[0])[1]
    return best if best.over.size >= MIN_LANES else None


def with_last(order: Order, dim: int) -> Order:
    """``order`` with one dim moved innermost."""
    return (*(d for d in order if d != dim), dim)


# -- everything else ------------------------------------------------------------------------------


def follow_reads(
    shape: Shape, ranges: Mapping[int, Range], outputs: Sequence[Output], sizes: Mapping[int, int]
) -> Order:
    """The order of the largest load that moves with the result's dims: large strides first.

    ``ranges`` gives the range of each dim (dims of size 1 have none), ``sizes`` the bytes of each
    buffer slot.
    """
    best: tuple[int, Expr] | None = None
    for value in ex.toposort(output.value for output in outputs):
        if value.op is not ex.LOAD:
            continue
        moved_by = [r for r in ranges.values() if r in value.arg.index.ranges]
        moving = numel([r.size for r in moved_by])
        weight = moving * 2 + (sizes[value.arg.slot] >= moving)
        if best is None or weight > best[0]:
            best = weight, value
    if best is None:
        return row_major(shape)
    index = best[1].arg.index
    strides = {dim: _mean_step(index, r) for dim, r in ranges.items()}
    dims = list(range(len(shape)))
    moving_dims = [d for d in dims if strides.get(d, 0)]
    still = [d for d in dims if not strides.get(d, 0)]
    return (*still, *sorted(moving_dims, key=lambda d: (-strides[d], d)))


def _mean_step(index: Index, r: Range) -> float:
    """How far one step of ``r`` moves in memory; on average, where it is divided."""
    if index.affine_in(r):
        return abs(index.coefficient(r))
    first, last = (index.substitute({r: Index((), at)}) for at in (0, r.size - 1))
    low, high = (last - first).interval
    return max(abs(low), abs(high)) / (r.size - 1)
