"""Order, and where values belong in it. NaN counts as larger than any number, as in PyTorch."""

from __future__ import annotations

from lazygrad import ops
from lazygrad.element_types import FLOAT, default_int, float32, float64, int32
from lazygrad.graph import Node, node
from lazygrad.lang.calls import call
from lazygrad.lang.comparison import ge, gt, isnan, logical_and, logical_not, logical_or
from lazygrad.lang.creation import positions
from lazygrad.lang.elementwise import add, where
from lazygrad.lang.indexing import scatter
from lazygrad.lang.join import cat
from lazygrad.lang.movement import broadcast_to, flip, pad, reshape, shrink, unsqueeze
from lazygrad.lang.operands import cast, full_like, zeros_like
from lazygrad.lang.reduce import sum as sum_over
from lazygrad.lang.rounding import floor_divide, remainder

RANKED = 128  # elements of which each is compared with every other
COUNTED = 2**24  # that float32 counts
WORD = 2**32


def order(x: Node, descending: bool = False, count: int | None = None) -> Node:
    """int64: where along the last dim the first ``count`` elements in order are; equals stay in
    the order that they have. Many elements are sorted by a routine on the host."""
    size = x.shape[-1]
    count = size if count is None else count
    if size <= RANKED:
        return cast(_order_by_rank(x, descending, count), default_int)
    places = _order_by_routine(x, descending)
    return shrink(places, [*((0, n) for n in x.shape[:-1]), (0, count)])


def _order_by_rank(x: Node, descending: bool, count: int) -> Node:
    """By how many elements come before each."""
    shape = (*x.shape, x.shape[-1])
    own, other = broadcast_to(unsqueeze(x, -1), shape), broadcast_to(unsqueeze(x, -2), shape)
    row, column = positions(own, x.ndim - 1), positions(own, x.ndim)
    not_after = logical_not(_precedes(own, other, descending))
    before = where(_lt(column, row), not_after, _precedes(other, own, descending))
    rank = sum_over(cast(before, int32), -1, dtype=int32)
    return scatter(rank, positions(x, x.ndim - 1), x.ndim - 1, count, None)


def _order_by_routine(x: Node, descending: bool) -> Node:
    """Integers of 64 bits, which no float holds, by their lower halves, and then by the upper."""
    if x.dtype.kind != FLOAT and x.dtype.itemsize == 8:
        first = _order_by_routine(cast(remainder(x, WORD), float64), descending)
        upper = node(ops.GATHER, (cast(floor_divide(x, WORD), float64), first), x.ndim - 1)
        return node(ops.GATHER, (first, _order_by_routine(upper, descending)), x.ndim - 1)
    small = x.shape[-1] <= COUNTED and x.dtype.itemsize <= (4 if x.dtype.kind == FLOAT else 2)
    (places,) = call("order", cast(x, float32 if small else float64), options=(descending,))
    return cast(places, default_int)


def _precedes(left: Node, right: Node, descending: bool) -> Node:
    if descending:
        left, right = right, left
    smaller = _lt(left, right)
    if left.dtype.kind != FLOAT:
        return smaller
    return logical_or(smaller, logical_and(isnan(right), logical_not(isnan(left))))


def _lt(left: Node, right: Node) -> Node:
    return node(ops.LT, (left, right))


# -- integers as a network of comparisons, the same on every device --------------------------------


def sort_last(x: Node) -> Node:
    """Ascending along the last dim: a bitonic network, each layer of it one kernel."""
    size = x.shape[-1]
    if size < 2:
        return x
    full = 1 << (size - 1).bit_length()
    edge = [(0, 0)] * (x.ndim - 1)
    x = pad(x, [*edge, (0, full - size)], value=x.dtype.max)
    width = 2
    while width <= full:
        x = _compare_halves(x, width, mirrored=True)
        step = width // 2
        while step > 1:
            x = _compare_halves(x, step, mirrored=False)
            step //= 2
        width *= 2
    return shrink(x, [*((0, n) for n in x.shape[:-1]), (0, size)])


def _compare_halves(x: Node, width: int, mirrored: bool) -> Node:
    """In blocks of ``width`` the smaller of each pair goes to the first half; a pair is equally
    far from the start of the halves, or from the block's ends if ``mirrored``."""
    half = width // 2
    blocks = reshape(x, (*x.shape[:-1], x.shape[-1] // width, 2, half))
    lead = [(0, n) for n in blocks.shape[:-2]]
    first = shrink(blocks, [*lead, (0, 1), (0, half)])
    second = shrink(blocks, [*lead, (1, 2), (0, half)])
    if mirrored:
        second = flip(second, -1)
    swap = node(ops.LT, (second, first))
    smaller, larger = where(swap, second, first), where(swap, first, second)
    if mirrored:
        larger = flip(larger, -1)
    return node(ops.CONTIGUOUS, (reshape(cat([smaller, larger], -2), x.shape),))


# -- searching -------------------------------------------------------------------------------------


def search(ordered: Node, values: Node, right: bool = False) -> Node:
    """int32: before which element of ``ordered`` (ascending along its last dim) each of ``values``
    belongs; behind those that equal it if ``right``. Other dims and dtypes are the same.

    By halving: one chain of reads for each value.
    """
    size, axis = ordered.shape[-1], values.ndim - 1
    ordered = node(ops.CONTIGUOUS, (ordered,))
    place = zeros_like(values, int32)
    step = 1 << size.bit_length() >> 1
    while step:
        ahead = add(place, step)
        probe = node(ops.GATHER, (ordered, add(ahead, -1)), axis)
        passed = logical_not((gt if right else ge)(probe, values))
        passed = logical_and(passed, _lt(ahead, full_like(ahead, size + 1)))
        place = where(passed, ahead, place)
        step //= 2
    return place
