"""What generated code calls to collect elements by index."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
WIDE_ROW = 8  # elements from which rows are combined as a whole
FEW = 64  # rows that go to one place: more are reduced by themselves
AT_ONCE = 1 << 14  # elements of rows that are combined together


def collect(
    step: np.ufunc | None,
    out: Array,
    place: Array,
    value: Array,
    first: int,
    axis: int,
    turns: Sequence[tuple[int, int]],
) -> None:
    """Combines ``value`` into ``out`` where ``place`` says.

    Args:
        step: combines two; None: the later one stays.
        out: contiguous, of size 1 along the axes of ``turns``.
        place, value: with the axes of ``out``, of size 1 along those where they do not vary.
        first: the place of the first element of ``out`` along ``axis``; -1: there is one place.
        turns: the axes that are collected over, outermost first, and their sizes.
    """
    along = [turn for turn, _ in turns]
    before = [a for a in range(axis) if a not in along]
    after = [a for a in range(axis + 1, out.ndim) if a not in along]
    axes = [*before, *along, *after, *([axis] if axis >= 0 else [])]
    outer, inner = ([out.shape[a] for a in side] for side in (before, after))
    sizes = [size for _, size in turns]
    rows, width = prod(outer), prod(inner)
    place, value = (_laid(source, out.ndim, axes, axis >= 0) for source in (place, value))
    target = out.reshape(rows, -1, width)
    values = np.broadcast_to(value, (*outer, *sizes, *inner)).reshape(rows, -1, width)
    own = place.shape[len(before) : len(before) + len(along)]
    if width >= WIDE_ROW and place.size == prod(own):
        row_places = np.broadcast_to(place.reshape(own), sizes).reshape(-1)
        _rows(step, target, row_places - first, values)
    else:
        places = np.broadcast_to(place, (*outer, *sizes, *inner)).reshape(rows, -1, width)
        _elements(step, target, places - first, values)


def _laid(source: Array, ndim: int, axes: Sequence[int], drop: bool) -> Array:
    """``source`` over outer dims, turns and inner dims; what counts places in int64."""
    whole = source.reshape((1,) * (ndim - source.ndim) + source.shape).transpose(axes)
    whole = whole[..., 0] if drop else whole
    return whole.astype(np.int64, copy=False) if whole.dtype == np.int32 else whole


def _elements(step: np.ufunc | None, target: Array, at: Array, values: Array) -> None:
    """One by one: each element has a place of its own."""
    rows, places, width = target.shape
    inside = (at >= 0) & (at < places)
    where, flat = at, target.reshape(-1)
    if rows > 1 or width > 1:
        where = (np.arange(rows).reshape(-1, 1, 1) * places + at) * width + np.arange(width)
    chosen = np.flatnonzero(inside)  # taken by number: masks are slow where they change often
    where, taken = where.take(chosen), values.take(chosen)
    if step is None:
        flat[where] = taken  # in order
    else:
        step.at(flat, where, taken)


def _rows(step: np.ufunc | None, target: Array, at: Array, values: Array) -> None:
    """Rows that have a place each, those of the same place together: in halves, all places at
    once, in as many steps as the largest number of rows has digits."""
    inside = np.flatnonzero((at >= 0) & (at < target.shape[1]))
    if not inside.size:
        return
    order, in_order = _sorted(at.take(inside))
    order = inside.take(order)
    begins = np.ones(order.size, np.bool_)
    np.not_equal(in_order[1:], in_order[:-1], out=begins[1:])
    starts = np.flatnonzero(begins)
    places, counts = in_order[starts], np.diff(starts, append=order.size)
    if step is None:
        target[:, places] = values.take(order[starts + counts - 1], 1)
        return
    many = counts > FEW
    for i in np.flatnonzero(many):
        rows = values.take(order[starts[i] : starts[i] + counts[i]], 1)
        total = step.reduce(rows, 1, dtype=values.dtype)
        target[:, places[i]] = step(target[:, places[i]], total)
    left = np.flatnonzero(~many)
    places, starts, counts = places[left], starts[left], counts[left]
    while places.size:
        single = counts == 1
        _once(step, target, places[single], values, order[starts[single]])
        left = np.flatnonzero(~single)
        places, starts, counts = places[left], starts[left], counts[left]
        values, ends = _halved(step, values, order, starts, counts)
        counts = counts // 2
        starts = ends - counts
        order = np.arange(values.shape[1])


def _sorted(at: Array) -> tuple[Array, Array]:
    """The order in which ``at`` is sorted, equal ones in turn, and ``at`` in that order. Numbers
    that hold both are sorted several times faster than their order is found."""
    bits = at.size.bit_length()
    keys = (at.astype(np.int64) << bits) | np.arange(at.size)
    keys.sort()
    return keys & ((1 << bits) - 1), keys >> bits


def _halved(
    step: np.ufunc, values: Array, order: Array, starts: Array, counts: Array
) -> tuple[Array, Array]:
    """Runs of rows, each two of a run combined, the last of an odd number with those before it;
    and where the shorter runs end."""
    pairs = counts // 2
    ends = np.cumsum(pairs)
    first = 2 * np.arange(pairs.sum()) + np.repeat(starts - 2 * (ends - pairs), pairs)
    halves = values.take(order[first], 1)
    step(halves, values.take(order[first + 1], 1), out=halves)
    odd = np.flatnonzero(counts % 2)
    last = ends[odd] - 1
    rest = values.take(order[starts[odd] + counts[odd] - 1], 1)
    halves[:, last] = step(halves[:, last], rest)
    return halves, ends


def _once(step: np.ufunc, target: Array, to: Array, values: Array, chosen: Array) -> None:
    """Combines a row into each of the places ``to``; few at a time, whose memory is in cache, and
    is not fetched from the system each time."""
    count = max(1, AT_ONCE // (target.shape[0] * target.shape[2]))
    for i in range(0, to.size, count):
        where = to[i : i + count]
        rows = target.take(where, 1)
        target[:, where] = step(rows, values.take(chosen[i : i + count], 1), out=rows)
