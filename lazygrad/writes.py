"""Values with some elements replaced: what a write through a view, or to ``x[key]``, makes of them.

A view is made of movements. Run on a stand-in for the memory, and transposed, they say where its
elements lie there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lazygrad import ops
from lazygrad.autodiff.rules import RULES
from lazygrad.element_types import bool_, int64
from lazygrad.errors import ShapeError, WriteError
from lazygrad.graph import Node, const, node
from lazygrad.lang.comparison import gt
from lazygrad.lang.creation import iota
from lazygrad.lang.elementwise import add, sub, where
from lazygrad.lang.indexing import (
    basic_view,
    expanded,
    outside,
    pick_arrays,
    scatter,
    take,
    wrapped,
)
from lazygrad.lang.movement import broadcast_to, reshape
from lazygrad.lang.operands import cast
from lazygrad.runtime.cache import Placeholder
from lazygrad.shape import numel

View = Callable[[Node], Node]
PLACED = (ops.RESHAPE, ops.PERMUTE, ops.FLIP)  # movements that leave no element out


def spread(view: View, memory: Placeholder, value: Node) -> tuple[Node | None, Node]:
    """Where the elements of a view of ``memory`` lie in it, as a mask (None: they are all there
    is), and ``value`` at these places, with zeros around.

    Raises:
        WriteError: if an element of the memory is shown at several places.
    """
    root = node(ops.BUFFER, (), memory)
    current = view(root)
    mask: Node | None = None
    while current is not root:
        if current.op is ops.EXPAND or current.op not in ops.MOVEMENT:
            raise WriteError(
                f"[write] a view of shape {current.shape} shows elements of a tensor of shape "
                f"{memory.shape} several times, so that a write to it is not defined; clone() it "
                "first"
            )
        if mask is None and current.op not in PLACED:
            mask = const(True, bool_, current.shape, memory.device)
        rule = RULES[current.op]
        value = rule.vjp(value, current, 0)
        mask = None if mask is None else rule.vjp(mask, current, 0)
        current = current.src[0]
    return mask, value


def put(x: Node, view: View, value: Node) -> Node:
    """``x``, where ``view`` of it shows ``value``."""
    mask, filled = spread(view, Placeholder.like(x), value)
    return filled if mask is None else where(mask, filled, x)


def put_where(x: Node, mask: Node, value: Node) -> Node:
    """``x``, where ``mask`` of its first dims holds ``value``, which broadcasts to the others.

    Raises:
        ShapeError: a mask of another shape than these dims.
    """
    if mask.shape != x.shape[: mask.ndim]:
        raise ShapeError(f"[put] a mask of shape {mask.shape} does not fit shape {x.shape}")
    aligned = reshape(mask, (*mask.shape, *(1,) * (x.ndim - mask.ndim)))
    return where(broadcast_to(aligned, x.shape), broadcast_to(value, x.shape), x)


def put_items(
    x: Node, items: Sequence[Any], value: Node, in_range: bool, accumulate: bool = False
) -> Node:
    """``x``, where ``x[items]`` is ``value``, which broadcasts to it, or the sum of both."""
    items = expanded(x, tuple(items))
    viewed, arrays = basic_view(x, items)
    if arrays:
        value = put_arrays(viewed, arrays, value, in_range, accumulate)
    else:
        extra = max(value.ndim - viewed.ndim, 0)
        if value.shape[:extra] == (1,) * extra:
            value = reshape(value, value.shape[extra:])
        value = broadcast_to(value, viewed.shape)
        value = add(viewed, value) if accumulate else value
    return put(x, lambda memory: basic_view(memory, items)[0], value)


def put_arrays(
    x: Node, arrays: Sequence[Node | None], value: Node, in_range: bool, accumulate: bool = False
) -> Node:
    """``x``, where what the integer Nodes ``arrays`` pick, one for each dim or None, is ``value``,
    which broadcasts to it. Of several values for one place the last one stays, or all are added.

    ``in_range`` says that every index is known to be within its dim; otherwise negative ones count
    from the end, and those that are out of range write nothing.
    """
    last = max(axis for axis, index in enumerate(arrays) if index is not None)
    lead, rest = x.shape[: last + 1], x.shape[last + 1 :]
    if not in_range:
        arrays = [a and _dropped(a, n, numel(lead)) for a, n in zip(arrays, x.shape, strict=True)]
    numbers = reshape(add(iota(numel(lead), x.device, int64), 1), lead)
    places = pick_arrays(numbers, list(arrays[: last + 1]), in_range=True)  # 0: out of range
    target = reshape(sub(places, 1), (places.size,))
    rows = reshape(broadcast_to(value, (*places.shape, *rest)), (places.size, *rest))
    flat = reshape(x, (numel(lead), *rest))
    if accumulate:
        spread_index = broadcast_to(_along_rows(target, rows), rows.shape)
        return reshape(add(flat, scatter(spread_index, rows, 0, flat.shape[0], ops.ADD)), x.shape)
    order = add(iota(places.size, x.device, int64), 1)
    writer = scatter(target, order, 0, flat.shape[0], None)  # 1 + the row for each place, or 0
    written = gt(writer, 0)
    taken = take(rows, 0, where(written, sub(writer, 1), 0), in_range=True)
    return reshape(where(_along_rows(written, flat), taken, flat), x.shape)


def _along_rows(of_rows: Node, like: Node) -> Node:
    return reshape(of_rows, (of_rows.size, *(1,) * (like.ndim - 1)))


def _dropped(index: Node, size: int, all: int) -> Node:
    """Positions from the start; for an index out of range one that is outside, whatever is added
    for other dims."""
    index = wrapped(cast(index, int64), size)
    return where(outside(index, size), -all, index)
