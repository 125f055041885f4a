"""Schedules of contractions on GPUs: a group computes a block of the result.

Step by step along the sum, its work-items copy a piece of every factor to memory that they share,
so that each element is read from global memory once a block; each work-item adds up the products
of its own register tile. The ranges of the rows, of the columns and of the sum are one range each:
an index takes them apart again where it must, once an element that is copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod

from lazygrad.codegen import products
from lazygrad.codegen.normal import flatten
from lazygrad.codegen.schedule import Blocks, Schedule, Side, Walk
from lazygrad.kernel import contraction
from lazygrad.kernel.contraction import Contraction
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import Index, Range
from lazygrad.kernel.kernel import Kernel, loads
from lazygrad.kernel.target import Target

SMALLEST = 16  # rows, columns, and elements of the sum: below that a block is mostly empty
GROUPS = (256, 128, 64)  # work-items
FEWEST_MEMBERS = 4  # along a side
TILES = ((8, 8), (8, 4), (4, 8), (4, 4))  # of a work-item, in registers: rows and columns
DEPTHS = (16, 8)  # elements along the sum: with 8, neighbours still read whole sectors of memory

# What a unit does in a cycle, roughly, on GPUs of today: multiplications, elements read from shared
# memory, bytes from global memory; and the cycles that it waits for memory, an element of the sum:
# other groups may work meanwhile, but there may be none.
MULTIPLICATIONS = 128
SHARED_READS = 85
GLOBAL_BYTES = 32
WAITING = 30


def schedule(kernel: Kernel, target: Target, lanes: int, wide: bool) -> Schedule | None:
    """Blocks for ``kernel``, or None if it is no contraction that is large enough for them."""
    found = products.find(kernel)
    if found is None or found.window or _is_small(found) or _gathers(found):
        return None
    kernel, rows, columns, pairs, along = _form(kernel, found)
    others = tuple(r for r in kernel.ranges if r not in (rows, columns))
    (total,) = kernel.reductions()
    (summed,) = total.arg.ranges
    lanes = lanes if columns.size % lanes == 0 else 1
    shapes = product(_sides(rows, columns, lanes, target.max_group), DEPTHS)
    options = [Blocks(*sides, summed, depth, pairs, along) for sides, depth in shapes]
    options = [option for option in options if _fits(option, target)]
    if not options:
        return None
    count, units = prod(r.size for r in others), target.units
    blocks = min(options, key=lambda option: _cycles(option, count, units))
    walks = {r: Walk(items=r.size) for r in others}
    walks |= {side.r: Walk(side.size, items=side.count) for side in (blocks.rows, blocks.columns)}
    order = (*others, rows, columns)
    return Schedule(
        kernel, order, order, walks, blocks.group, wide, blocks=blocks, notes=(str(blocks),)
    )


def _is_small(found: Contraction) -> bool:
    return any(prod(r.size for r in ranges) < SMALLEST for ranges in (found.m, found.n, found.k))


def _gathers(found: Contraction) -> bool:
    """Whether an index is read from memory: that could not be guarded at the edge of a block."""
    read = loads(factor for pair in found.pairs for factor in pair)
    return any(e.operands for e in read)


# -- the form of the kernel ---------------------------------------------------------------------

Pairs = tuple[tuple[Expr, Expr], ...]


def _form(
    kernel: Kernel, found: Contraction
) -> tuple[Kernel, Range, Range, Pairs, frozenset[Expr]]:
    """The kernel with one range for the rows, one for the columns, along which neighbours of the
    result lie in memory, and one for the sum; its pairs of factors, and those of them that are
    contiguous along the sum."""
    place = kernel.outputs[0].index
    m, n, pairs = found.m, found.n, list(found.pairs)
    if _step(place, m) < _step(place, n):
        m, n, pairs = n, m, [(b, a) for a, b in pairs]
    rows = [a for a, _ in pairs]
    m, k = products.outward(rows, m), products.outward(rows, found.k)
    n = tuple(sorted(n, key=lambda r: -abs(place.coefficient(r))))
    along = [(_is_along(a, k[-1], m[-1]), _is_along(b, k[-1], n[-1])) for a, b in pairs]
    kernel = products.formed(kernel, found, pairs, k)
    kernel, row = flatten(kernel, m)
    kernel, column = flatten(kernel, n)
    kernel, _ = flatten(kernel, k)
    formed = tuple(contraction.factors(kernel.reductions()[0].src[0]) or ())
    contiguous = frozenset(
        factor
        for pair, each in zip(formed, along, strict=True)
        for factor, is_along in zip(pair, each, strict=True)
        if is_along
    )
    return kernel, row, column, formed, contiguous


def _step(place: Index, ranges: tuple[Range, ...]) -> int:
    """The smallest step in memory of the result."""
    return min(abs(place.coefficient(r)) for r in ranges)


def _is_along(factor: Expr, summed: Range, side: Range) -> bool:
    """Whether its neighbours in memory are those of the sum, not those of its side."""
    read = loads([factor])
    return products.stride(read, summed) < products.stride(read, side)


# -- shapes -------------------------------------------------------------------------------------


def _sides(rows: Range, columns: Range, lanes: int, max_group: int) -> Iterator[tuple[Side, Side]]:
    """Shapes of a block, larger ones first."""
    tiles = [(down, across // lanes) for down, across in TILES if across >= lanes]
    for group, (down, across) in product(GROUPS, tiles):
        members = FEWEST_MEMBERS
        while group <= max_group and group // members >= FEWEST_MEMBERS:
            yield Side(rows, members, down), Side(columns, group // members, across, lanes)
            members *= 2


def _fits(blocks: Blocks, target: Target) -> bool:
    """Half of the local memory holds all factors, so that a unit can take a second group; and the
    work-items copy equally much."""
    even = all(side.size * blocks.depth % blocks.group == 0 for _, side in blocks.factors)
    return even and 2 * blocks.nbytes <= target.local_memory


def _cycles(blocks: Blocks, others: int, units: int) -> float:
    """Cycles of a unit for all of its groups, an element of the sum."""
    rows, columns = blocks.rows, blocks.columns
    down, across = rows.steps, columns.steps * columns.lanes
    each = blocks.group * (down * across / MULTIPLICATIONS + (down + across) / SHARED_READS)
    copied = sum(side.size * factor.dtype.itemsize for factor, side in blocks.factors)
    each += copied / GLOBAL_BYTES
    groups = others * rows.count * columns.count
    return -(-groups // units) * each + WAITING
