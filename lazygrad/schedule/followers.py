"""Followers: a kernel that goes on, element by element, with what another one writes over the same
loops becomes part of it. What nobody else reads is not written then.

Fusion decides value by value. What two kernels need, neither of which could take in the other at
that time, one of them writes, and then they follow each other.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

from lazygrad import ops
from lazygrad.graph import Node
from lazygrad.kernel.target import Target
from lazygrad.ops import Kind
from lazygrad.schedule import meet
from lazygrad.schedule.axes import FIRST
from lazygrad.schedule.draft import MAX_BUFFERS, MAX_OPS, Draft
from lazygrad.schedule.partition import Partition
from lazygrad.shape import without_ones

FOLLOWS = "it goes on where its operands are computed"


def merge(cut: Partition, target: Target) -> None:
    """Merges them two by two, in the order of the graph."""
    most = min(MAX_BUFFERS, target.buffers)
    loops = {draft: found for draft in cut.live() if (found := _loops(draft)) is not None}
    if len(loops) < 2:
        return
    elsewhere: dict[Draft, set[Node]] = {}  # what a draft reads not only of its own element
    for draft in sorted(loops, key=lambda d: min(cut.position[root] for root in d.roots)):
        writers = {cut.owner[value]: None for value in draft.reads if value in cut.owner}
        for writer in writers:
            if writer is draft or loops.get(writer) != loops[draft]:
                continue
            for one in (draft, writer):
                if one not in elsewhere:
                    elsewhere[one] = {value for value in one.reads if not _own(one, value)}
            if _follows(cut, draft, writer, elsewhere[draft]) and _fits(draft, writer, most):
                cut.follow(writer, draft, FOLLOWS)
                elsewhere[writer] |= elsewhere[draft]
                draft = writer


def _loops(draft: Draft) -> Sequence[int] | None:
    """Those of a kernel that computes nothing but each element by itself."""
    kind = draft.primary.op.kind
    alone = draft.primary.op is ops.SCATTER or kind is Kind.CALL or draft.windows is not None
    if alone or draft.reductions or draft.outer is not None:
        return None
    loops = without_ones(draft.primary.shape)
    same = all(without_ones(root.shape) == loops for root in draft.roots)
    return loops if same else None


def _follows(cut: Partition, draft: Draft, writer: Draft, elsewhere: Container[Node]) -> bool:
    """Whether all that it reads of the other one's is the element that it is about, and it waits
    for nothing else that waits for the other one."""
    memory = {cut.memory_of(root)[0] for root in writer.roots if root in cut.within}
    for value in draft.reads:
        if cut.owner.get(value) is writer:
            if value.op is ops.CONTIGUOUS or value in elsewhere:
                return False
        elif cut.memory_of(value)[0] in memory:
            return False
    return not cut.between(writer, draft)


def _own(draft: Draft, value: Node) -> bool:
    """Whether each element of the draft is made of that element of ``value`` alone."""
    if value in draft.indices or value not in draft.at or not meet.is_in_order(draft, value):
        return False
    (position, *more) = draft.at[value]
    return not more and [axis for axis in position if axis != FIRST] == list(draft.axes.own)


def _fits(draft: Draft, writer: Draft, most: int) -> bool:
    reads = (draft.reads.keys() | writer.reads.keys()).difference(writer.roots)
    if len(draft.roots) + len(writer.roots) + len(reads) > most:
        return False
    return writer.operations + draft.operations_beside(writer) <= MAX_OPS
