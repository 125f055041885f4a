"""Counts of values, and where values belong among ordered ones."""

from __future__ import annotations

from lazygrad import ops
from lazygrad.element_types import default_int, float32, float64, int64, promote
from lazygrad.errors import ShapeError
from lazygrad.graph import Node, const, node
from lazygrad.lang.comparison import eq, ge, le, logical_and, logical_not
from lazygrad.lang.creation import iota
from lazygrad.lang.elementwise import add, clamp, detach, div, lerp, mul, sub, where
from lazygrad.lang.indexing import scatter
from lazygrad.lang.movement import broadcast_to, flatten, narrow, reshape, unsqueeze
from lazygrad.lang.operands import cast, full_like, ones_like, require_float
from lazygrad.lang.reduce import amax, amin, any as any_over, sum as sum_over
from lazygrad.lang.rounding import floor
from lazygrad.lang.sort import order, search

COMPARED = 64  # elements that are compared with all others


def bincount(index: Node, weights: Node | None, size: int) -> Node:
    """int64 (size,): how often each index occurs, or the sum of its weights in their dtype."""
    if weights is None:
        value = ones_like(index, int64)
    else:
        value = cast(weights, float32 if weights.dtype is float32 else float64)
    if not index.size:
        return const(0, value.dtype, (size,), index.device)
    return scatter(index, value, 0, size, ops.ADD)


def histc(x: Node, bins: int, low: float, high: float) -> Node:
    """How many elements lie in each of ``bins`` parts of [low, high], the last one closed."""
    require_float("histc", x)
    flat = flatten(detach(x))
    if not flat.size:
        return const(0, x.dtype, (bins,), x.device)
    least, most = full_like(flat, low), full_like(flat, high)
    if low == high:
        least = broadcast_to(amin(flat, 0, keepdim=True), flat.shape)
        most = broadcast_to(amax(flat, 0, keepdim=True), flat.shape)
        same = eq(least, most)
        least, most = where(same, sub(least, 1), least), where(same, add(most, 1), most)
    inside = logical_and(ge(flat, least), le(flat, most))
    place = floor(mul(div(sub(flat, least), sub(most, least)), float(bins)))
    place = where(inside, clamp(cast(place, default_int), 0, bins - 1), -1)
    return scatter(place, ones_like(flat), 0, bins, ops.ADD)


def edges(x: Node, bins: int, low: float, high: float) -> Node:
    """``bins + 1`` edges from ``low`` to ``high``; of equal bounds, the extremes of ``x``."""
    count = iota(bins + 1, x.device)
    least, most = (const(bound, x.dtype, (1,), x.device) for bound in (low, high))
    if low == high and x.size:
        flat = flatten(detach(x))
        least, most = amin(flat, 0, keepdim=True), amax(flat, 0, keepdim=True)
    same = eq(least, most)
    least, most = where(same, sub(least, 0.5), least), where(same, add(most, 0.5), most)
    share = div(cast(count, x.dtype), float(bins))
    return lerp(broadcast_to(least, share.shape), broadcast_to(most, share.shape), share)


def histogram(x: Node, bounds: Node, weights: Node | None, density: bool) -> Node:
    """How many elements, or how much of their weight, lies between neighbours of ``bounds``."""
    flat, bounds = flatten(detach(x)), detach(bounds)
    bins = bounds.shape[0] - 1
    share = ones_like(flat) if weights is None else cast(flatten(detach(weights)), x.dtype)
    place = sub(search(bounds, flat, right=True), 1)
    last = broadcast_to(narrow(bounds, 0, bins, 1), flat.shape)
    place = where(eq(flat, last), bins - 1, place)
    found = scatter(place, share, 0, bins, ops.ADD)
    if not density:
        return found
    widths = sub(narrow(bounds, 0, 1, bins), narrow(bounds, 0, 0, bins))
    return div(div(found, sum_over(found)), widths)


def searchsorted(op: str, ordered: Node, values: Node, right: bool) -> Node:
    """int32: where values belong in (.., n), whose leading dims are theirs; or in a vector."""
    if not ordered.ndim:
        raise ShapeError(f"[{op}] a sequence has at least one dim, got a scalar")
    dtype = promote(ordered.dtype, values.dtype)
    ordered, values = cast(detach(ordered), dtype), cast(detach(values), dtype)
    if ordered.ndim == 1:
        flat = reshape(values, (values.size,))
        return reshape(search(ordered, flat, right), values.shape)
    if not values.ndim or ordered.shape[:-1] != values.shape[:-1]:
        raise ShapeError(
            f"[{op}] a sequence of shape {ordered.shape} does not fit values of shape "
            f"{values.shape}: give a vector, or the same leading dims"
        )
    return search(ordered, values, right)


def isin(x: Node, tested: Node, invert: bool) -> Node:
    """Bool: whether each element is among those of the vector ``tested``."""
    dtype = promote(x.dtype, tested.dtype)
    x, tested = cast(detach(x), dtype), cast(detach(tested), dtype)
    if tested.size <= COMPARED:
        found = any_over(eq(unsqueeze(x, -1), tested), -1)
    else:
        ordered = node(ops.GATHER, (tested, order(tested)), 0)
        flat = reshape(x, (x.size,))
        place = clamp(search(ordered, flat), 0, tested.size - 1)
        found = reshape(eq(node(ops.GATHER, (ordered, place), 0), flat), x.shape)
    return logical_not(found) if invert else found
