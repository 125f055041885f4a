"""Whether a value can be computed inside a kernel that needs it, and written from there: where
kernel and value meet at one point of the same loops."""

from __future__ import annotations

from math import prod

from lazygrad import ops
from lazygrad.graph import Node
from lazygrad.kernel.target import Target
from lazygrad.ops import Kind
from lazygrad.schedule.axes import FIRST, Position
from lazygrad.schedule.draft import Draft
from lazygrad.schedule.simplify import base_of

Loops = frozenset[int]

REUSE = 4  # times that a contraction reads its operands, at least: less is a sum like any other
SMALL = 1 << 15  # elements that one unit handles faster than a second kernel is launched


def of_reduction(draft: Draft, value: Node, target: Target) -> Loops | None:
    """The draft's outer loops at one point of which ``value``, a reduction, comes out; None if
    there is no such point."""
    if len(draft.at[value]) != 1 or not _is_open(draft, value):
        return None
    (position,) = draft.at[value]
    if not _plain(draft, value, position):
        return None
    shared = frozenset(position) - {FIRST}
    if contracts(value):  # its tiles leave room for what follows, element by element
        alone = not draft.reductions and draft.outer is None and shared == draft.whole
        return shared if alone else None
    return shared if _shares(draft, shared, target) else None


def of_output(draft: Draft, value: Node, target: Target) -> Loops | None:
    """The outer loops if ``value``, computed element by element, can be written from within the
    draft."""
    plain = [p for p in draft.at[value] if _plain(draft, value, p)]
    if len(plain) != 1 or not _is_open(draft, value):
        return None
    shared = frozenset(plain[0]) - {FIRST}
    if shared == draft.whole:
        return draft.outer or shared
    return shared if _shares(draft, shared, target) else None


def _is_open(draft: Draft, value: Node) -> bool:
    """Whether the draft has room for it beside its root: a scatter fills its memory alone, and an
    index is computed at every access, where no reduction can be."""
    return draft.primary.op is not ops.SCATTER and value not in draft.indices


def is_in_order(draft: Draft, value: Node) -> bool:
    """Whether the draft needs ``value`` at a point of its own loops."""
    return any(_plain(draft, value, position) for position in draft.at[value])


def _plain(draft: Draft, value: Node, position: Position) -> bool:
    """Each dim has one of the draft's own loops to itself; none is shifted or padded."""
    sizes = zip(position, value.shape, strict=True)
    return draft.axes.plain(position) and all((axis == FIRST) == (n == 1) for axis, n in sizes)


def _shares(draft: Draft, shared: Loops, target: Target) -> bool:
    """Whether all that the draft reduces can have ``shared`` as its outer loops."""
    settled = draft.outer is not None or bool(draft.reductions)
    if settled and shared != (draft.outer if draft.outer is not None else draft.whole):
        return False
    if any(map(contracts, draft.reductions)):
        return False
    return shared == draft.whole or _rows_fit(draft, shared, target)


def _rows_fit(draft: Draft, shared: Loops, target: Target) -> bool:
    """The loops that are not shared are the last ones, so that a row is contiguous; it stays in
    cache; and there are rows enough for every unit, or little to do."""
    own, primary = draft.axes.own, draft.primary
    if frozenset(own[: len(shared)]) != shared:
        return False
    sizes = [size for size in primary.shape if size != 1]
    rows, row = prod(sizes[: len(shared)]), prod(sizes[len(shared) :])
    if row * primary.dtype.itemsize > target.cache // 4:
        return False
    return rows >= 4 * target.units or rows * row <= SMALL


def contracts(value: Node) -> bool:
    """A sum of products with reuse: a kernel whose tiles leave room for no other reduction."""
    if value.op is not ops.SUM:
        return False
    product = base_of(value.src[0])
    if product.op is ops.CAST:
        product = product.src[0]
    if product.op is not ops.MUL or any(s.op.kind is not Kind.MOVEMENT for s in product.src):
        return False
    return all(s.size >= REUSE * max(base_of(s).size, 1) for s in product.src)
