"""Rows of a table, and sums of them."""

from __future__ import annotations

from collections.abc import Callable

from lazygrad import ops
from lazygrad.element_types import float32
from lazygrad.graph import Node
from lazygrad.lang import indexing, reduce
from lazygrad.lang.comparison import eq, gt, le, logical_and
from lazygrad.lang.creation import iota
from lazygrad.lang.elementwise import add, detach, div, maximum, mul, sub, surrogate, where
from lazygrad.lang.movement import broadcast_to, reshape, unsqueeze
from lazygrad.lang.norms import vector_norm
from lazygrad.lang.operands import cast, full_like, widened

SMALLEST_LENGTH = 1e-7  # that rows are divided by, PyTorch's


def frozen_row(table: Node, row: int) -> Node:
    """``table``, of which one row gets no gradient."""
    numbers = reshape(iota(table.shape[0], table.device), (-1, 1))
    kept = where(eq(numbers, row), detach(table), table)
    return surrogate(table, kept)


def _named(index: Node, rows: int) -> Node:
    """How often ``index`` names each row: float32 (rows,)."""
    flat = reshape(index, (index.size,))
    ones = full_like(flat, 1, float32)
    return indexing.scatter(flat, ones, 0, rows, ops.ADD)


def shortened(table: Node, index: Node, most: float, p: float) -> Node:
    """``table``, with the rows that ``index`` names brought to a p-norm of at most ``most``."""
    size = vector_norm(table, p, 1)
    longer = logical_and(gt(size, most), gt(_named(index, table.shape[0]), 0.0))
    factor = where(longer, div(most, add(size, SMALLEST_LENGTH)), 1.0)
    return mul(table, unsqueeze(cast(factor, table.dtype), 1))


def by_frequency(found: Node, index: Node, rows: int) -> Node:
    """Rows that ``index`` named, whose gradient is divided by how often it named each."""
    counts = indexing.take(_named(index, rows), 0, index, in_range=True)
    share = cast(div(1.0, maximum(counts, 1.0)), found.dtype)
    return surrogate(found, mul(found, unsqueeze(share, -1)))


# -- bags ------------------------------------------------------------------------------------------


def bag_numbers(count: int, offsets: Node) -> Node:
    """For each of ``count`` places the bag that it is in, (count,): bags start at ``offsets``. Of
    bags that start at one place the last one holds it; the others are empty."""
    places = reshape(iota(count, offsets.device, offsets.dtype), (-1, 1))
    begun = cast(le(reshape(offsets, (1, -1)), places), offsets.dtype)
    return sub(reduce.sum(begun, 1), 1)


def bagged(rows: Node, bag: Node, bags: int, mode: str) -> Node:
    """``rows`` (L, D) to one row for each of ``bags``, by the (L,) number of the bag that each is
    in: "sum", "mean" or "max"; 0 for an empty one. A number outside is that of no bag."""
    return _BAGS[mode](rows, bag, bags)


def _sums(rows: Node, bag: Node, bags: int) -> Node:
    return indexing.scatter(broadcast_to(unsqueeze(bag, 1), rows.shape), rows, 0, bags, ops.ADD)


def _means(rows: Node, bag: Node, bags: int) -> Node:
    counts = _named(bag, bags)
    return cast(
        div(_sums(widened(rows), bag, bags), unsqueeze(maximum(counts, 1.0), 1)), rows.dtype
    )


def _maxima(rows: Node, bag: Node, bags: int) -> Node:
    numbers = reshape(iota(bags, bag.device, bag.dtype), (1, -1))
    member = eq(unsqueeze(bag, 1), numbers)  # L, bags
    seen = where(unsqueeze(member, 2), unsqueeze(rows, 1), rows.dtype.min)
    value, _ = reduce.max_with_index(seen, 0)
    return where(unsqueeze(reduce.any(member, 0), 1), value, 0.0)


_BAGS: dict[str, Callable[[Node, Node, int], Node]] = {
    "sum": _sums,
    "mean": _means,
    "max": _maxima,
}
