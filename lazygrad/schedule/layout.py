"""Layouts: the order in which a buffer's dims lie in memory, chosen by who computes and reads it.

Outputs of a plan are row-major. What stays inside is laid out as the kernels like it: the result
of a contraction has the range of its vector lanes innermost (for a convolution: channels last), and
elementwise kernels keep the order of what they read most of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
FEWEST_READS = 2  # where a library packs it; less is no product of matrices
COPY_WORK = 8  # multiplications that take as long as copying an element
LOADED = 2  # instructions of a product whose operands are both loaded for it
WORTH = 6  # instructions of a product: where nothing lies side by side, it takes more
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
    """The range that a contraction is vectorised over, whether it is one of both operands, and the
    loads that must be repacked so that they have unit stride there."""

    over: Range
    repack: tuple[Expr, ...] = ()
    in_both: bool = False


@dataclass(frozen=True)
class Places:
    """Where the ranges of a kernel lie, and what it takes to put its memory in another order.

    Attributes:
        dim_of: the dim of the result that a range runs along.
        copying: multiplications that take as long as a copy of a buffer, by its slot, shared by all
            kernels that read it.
    """

    dim_of: Mapping[Range, int]
    copying: Mapping[int, float]


def choose_lanes(found: Contraction, lanes: int, repack: bool, places: Places) -> Lanes | None:
    """The range to vectorise: one that fills its vectors, has unit stride in its operand or is
    cheap to repack, and comes last in the result."""
    options = [*_of_sides(found, lanes, repack, places)]
    options += _of_batch(found, lanes, places) if repack else ()
    if not options:
        return None
    best = min(options, key=lambda option: option[0])[1]
    return best if best.over.size >= MIN_LANES else None


Option = tuple[tuple[float, int], Lanes]


def _of_sides(found: Contraction, lanes: int, repack: bool, places: Places) -> Iterator[Option]:
    """Lanes along one operand; the other one's elements are the same for all of them."""
    first, second = found.sides
    for side, operands, other in ((found.m, first, found.n), (found.n, second, found.m)):
        reuse = prod(r.size for r in other)
        for r in side:
            moving = [[e for e in loads([x]) if r in e.ranges] for x in dict.fromkeys(operands)]
            if not all(len(read) == 1 and _may_have_lanes(read[0], r) for read in moving):
                continue
            apart = {e: None for (e,) in moving if e.arg.index.coefficient(r) != 1}
            paid = [e for e in apart if places.copying[e.arg.slot]]
            if paid and reuse < (REPACK_REUSE if repack else FEWEST_READS):
                continue
            yield _option(found, Lanes(r, tuple(apart)), 1, lanes, places)


def _of_batch(found: Contraction, lanes: int, places: Places) -> Iterator[Option]:
    """Lanes along a range of both operands: both are loaded as vectors for every product. The
    channels of a depthwise convolution."""
    read = loads(factor for side in found.sides for factor in side)
    for r in found.batch:
        moving = [e for e in read if r in e.ranges]
        if not all(_may_have_lanes(e, r) for e in moving):
            continue
        apart = tuple(e for e in moving if e.arg.index.coefficient(r) != 1)
        option = _option(found, Lanes(r, apart, in_both=True), LOADED, lanes, places)
        if option[0][0] <= WORTH:
            yield option


def _may_have_lanes(load: Expr, r: Range) -> bool:
    """At a border, some lanes of a vector must not be loaded."""
    guarded = any(r in bound.index.ranges for bound in load.arg.guard)
    return load.arg.index.affine_in(r) and not guarded


def _option(found: Contraction, lanes: Lanes, each: float, width: int, places: Places) -> Option:
    """``lanes`` by the instructions of a product: ``each`` with full vectors, and copies."""
    work = prod(r.size for r in (*found.batch, *found.m, *found.n, *found.k))
    copies = sum(places.copying[load.arg.slot] for load in lanes.repack)
    size = lanes.over.size
    full = size / (-(-size // width) * width)  # share of lanes that do work
    cost = (each + copies / max(work, 1)) / full
    return (round(cost, 3), -places.dim_of.get(lanes.over, -1)), lanes


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
