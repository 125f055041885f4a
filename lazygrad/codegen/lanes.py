"""Vector lanes: which ranges to vectorise, by what it costs.

The cost of a kernel is the number of instructions that it takes: each expression once a point of
its own ranges, a vector's worth of points at once where it moves with the lanes, and lane by lane
where its elements do not lie side by side.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from math import prod

from lazygrad import element_types as dt
from lazygrad.element_types import DType
from lazygrad.kernel import expr as ex, index as ix
from lazygrad.kernel.expr import Expr, Guard
from lazygrad.kernel.index import Index, Range
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.target import Target
from lazygrad.ops import Op

# Instructions an element where vectors must be put together from scalars.
STRIDED, SCATTERED = 1.5, 2.5
MOST_APART = 128  # elements that a vector's worth of a kernel loads and stores one by one
FEWEST = 4  # lanes


def vector_width(kernel: Kernel, target: Target, wide: bool) -> int:
    """Lanes of a vector that holds the widest dtype in the kernel."""
    sizes = [_compute_size(e.dtype) for e in ex.toposort(kernel.values)]
    widest = max([8 if wide else 4, *sizes])
    return max(1, target.lanes * 4 // widest)


def _compute_size(dtype: DType) -> int:
    """Bytes of a lane: bool and half precision are computed in 32 bits."""
    narrow = dtype.kind == dt.BOOL or (dtype.kind == dt.FLOAT and dtype.itemsize < 4)
    return 4 if narrow else dtype.itemsize


def step_count(size: int, lanes: int) -> int:
    """Vectors and left-over scalars that cover ``size`` elements."""
    return size // lanes + size % lanes if size >= lanes else size.bit_count()


def element_cost(index: Index, guard: Guard, r: Range, lanes: int) -> float:
    """Instructions an element of an access that is vectorised over ``r``."""
    if any(r in bound.index.ranges for bound in guard):
        return SCATTERED
    moved = index
    if not index.affine_in(r) and r.size % lanes == 0:  # blocks of lanes may still be contiguous
        lane = Range("lane", lanes)
        block = ix.of(Range("block", r.size // lanes)) * lanes
        moved, r = index.substitute({r: block + ix.of(lane)}), lane
    if r not in moved.ranges:
        return 1 / lanes
    if not moved.affine_in(r):
        return SCATTERED
    return step_count(r.size, lanes) / r.size if moved.coefficient(r) == 1 else STRIDED


def cost(kernel: Kernel, over: Collection[Range], lanes: int) -> float:
    """Instructions of ``kernel`` when it is vectorised over the ranges ``over``."""
    total = 0.0
    for value in ex.toposort(kernel.values):
        ranges = value.src[0].ranges if value.op is ex.REDUCE else value.ranges
        if value.op is ex.COLLECT:
            ranges = (ranges - value.arg.at.ranges) | frozenset(value.arg.ranges)
        each = _cost(value)
        lane = _lane(ranges, over)
        if lane is not None:
            if value.op is ex.LOAD:
                each = element_cost(value.arg.index, value.arg.guard, lane, lanes)
            else:
                each *= step_count(lane.size, lanes) / lane.size
        total += each * prod(r.size for r in ranges)
    for output in kernel.outputs:
        lane = _lane(output.ranges, over)
        each = 1.0 if lane is None else element_cost(output.index, (), lane, lanes)
        total += each * prod(r.size for r in output.ranges)
    return total


def _cost(value: Expr) -> float:
    if isinstance(value.op, Op):
        return value.op.cost
    return 0.0 if value.op is ex.LITERAL else 1.0


def narrowed(kernel: Kernel, over: Collection[Range], lanes: int) -> int:
    """Fewer lanes where most of what is done is to load and store lane by lane, and there is much
    of it: compilers take long to read that, and it is no faster."""
    accesses = chain(((o.index, ()) for o in kernel.outputs), _accesses(kernel.values))
    apart = sum(
        any(element_cost(index, guard, r, lanes) >= STRIDED for r in over)
        for index, guard in accesses
    )
    computed = sum(e.op.cost for e in ex.toposort(kernel.values) if isinstance(e.op, Op))
    while lanes > FEWEST and apart * lanes > MOST_APART and computed <= 2 * apart:
        lanes //= 2
    return lanes


def _lane(ranges: Iterable[Range], over: Collection[Range]) -> Range | None:
    return next((r for r in ranges if r in over), None)


def choose(kernel: Kernel, lanes: int) -> frozenset[Range]:
    """The ranges to vectorise: one of the kernel's, or ranges inside (of rows)."""
    if lanes == 1:
        return frozenset()
    inside = _inside(kernel, lanes)
    options = [frozenset[Range](), *(frozenset([r]) for r in reversed(kernel.ranges))]
    options += [inside] if inside else []
    return min(options, key=lambda over: cost(kernel, over, lanes))


def _inside(kernel: Kernel, lanes: int) -> frozenset[Range]:
    """For each reduction and each output, the range of its own that vectorises best; none has
    lanes along two."""
    found: set[Range] = set()
    for output in sorted(kernel.outputs, key=lambda o: -len(o.ranges)):
        taken = {r for o in kernel.outputs if not found.isdisjoint(o.ranges) for r in o.ranges}
        own = [r for r in output.ranges if r not in kernel.ranges and r not in taken]
        accesses = chain([(output.index, ())], _accesses([output.value]))
        found.update(_best(own, list(accesses), lanes))
    for e in reversed(kernel.reductions()):  # outer ones first
        if e.ranges & found:  # it has lanes already, those of what it is computed for
            continue
        found.update(_best(list(e.arg.ranges), list(_accesses(e.src)), lanes))
    return frozenset(found)


def _best(ranges: list[Range], accesses: list[tuple[Index, Guard]], lanes: int) -> Iterator[Range]:
    def price(r: Range) -> float:
        return sum(element_cost(index, guard, r, lanes) for index, guard in accesses)

    if ranges:
        yield min(reversed(ranges), key=price)


def _accesses(roots: Iterable[Expr]) -> Iterator[tuple[Index, Guard]]:
    for value in ex.toposort(roots):
        if value.op is ex.LOAD:
            yield value.arg.index, value.arg.guard
