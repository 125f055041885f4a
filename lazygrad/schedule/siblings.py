"""Siblings: kernels that read the same memory over the same loops become one, so that it is read
once; and so do those that write pieces of the same memory."""

from __future__ import annotations

from collections.abc import Hashable

from lazygrad import ops
from lazygrad.graph import Node
from lazygrad.kernel.target import Target
from lazygrad.ops import Kind
from lazygrad.schedule import meet
from lazygrad.schedule.draft import MAX_BUFFERS, MAX_OPS, MAX_REDUCTIONS, Draft
from lazygrad.schedule.meet import SMALL
from lazygrad.schedule.partition import Partition
from lazygrad.shape import numel, without_ones

LEAST_PIECES = 8  # small ones that make a kernel worth a launch
PIECES = "pieces of a join are stored together"


def merge_pieces(cut: Partition, target: Target) -> None:
    """Merges kernels that write pieces of one join, as many as a kernel may have memory and
    operations: those of equal shape, and small ones, each with loops of its own."""
    kinds: dict[Hashable, tuple[Draft, set[Node]]] = {}  # the last one of a kind, what it reads
    drafts = [draft for draft in cut.live() if cut.within.keys() >= set(draft.roots)]
    for draft in sorted(drafts, key=lambda draft: cut.memory_of(draft.primary)[1]):
        loops = SMALL if is_small(draft.primary) and not draft.reductions else _loops(draft)
        if loops is None:
            continue
        kind = loops, frozenset(cut.memory_of(root)[0] for root in draft.roots)
        last, reads = kinds.get(kind, (draft, set()))
        reads |= draft.reads.keys()
        elements = sum(root.size for root in last.roots) if loops == SMALL else 0
        if (
            last is draft
            or elements > SMALL
            or len(reads) >= min(MAX_BUFFERS, target.buffers)
            or len(last.roots) + last.operations + draft.operations_beside(last) > MAX_OPS
            or len(last.reductions) + len(draft.reductions) > MAX_REDUCTIONS
            or cut.depends(draft, on=last)
            or cut.depends(last, on=draft)
        ):
            kinds[kind] = draft, set(draft.reads)
        else:
            cut.merge(last, draft, PIECES)
            kinds[kind] = last, reads


def merge(cut: Partition, target: Target) -> None:
    """Merges them two by two, in the order of the graph."""
    most = min(MAX_BUFFERS, target.buffers)
    ordered = cut.ordered()
    turn = {draft: number for number, draft in enumerate(ordered)}
    readers: dict[Hashable, dict[Draft, None]] = {}  # of as much, over the same loops; with room
    for draft in ordered:
        loops = None if draft.roots[0] in cut.within else _loops(draft)
        if (
            loops is None
        ):  # pieces of a join were merged with the others, near which they are needed
            continue
        others = {other for value in draft.reads for other in readers.get((loops, value), ())}
        in_turn = sorted(others, key=turn.__getitem__)
        found = next((other for other in in_turn if _fit(cut, other, draft, most)), draft)
        if found is not draft:
            cut.merge(found, draft, "both read the same memory over the same loops")
        room = len(found.roots) + len(found.reads) < most
        for value in found.reads:
            if room and _as_large(value, found):
                readers.setdefault((loops, value), {})[found] = None
            elif not room and (loops, value) in readers:
                readers[loops, value].pop(found, None)


def is_small(piece: Node) -> bool:
    """Whether storing it takes one unit less time than a launch."""
    return piece.size * LEAST_PIECES <= SMALL


def _loops(draft: Draft) -> Hashable | None:
    """What siblings have in common: their loops, and those that they reduce over."""
    alone = draft.primary.op is ops.SCATTER or draft.primary.op.kind is Kind.CALL
    if alone or any(map(meet.contracts, draft.reductions)):
        return None
    loops = without_ones(draft.primary.shape)
    if any(without_ones(root.shape) != loops for root in draft.roots):
        return None
    reduced = {(value.src[0].shape, value.arg) for value in draft.reductions}
    return loops, draft.outer, frozenset(reduced)


def _fit(cut: Partition, first: Draft, second: Draft, most: int) -> bool:
    buffers = len(first.roots) + len(second.roots) + len(first.reads.keys() | second.reads.keys())
    if buffers > most or first.operations + second.operations > MAX_OPS:
        return False
    return not cut.depends(first, on=second) and not cut.depends(second, on=first)


def _as_large(value: Node, draft: Draft) -> bool:
    """Whether it is what the draft reads most of: reading it once is worth a merge."""
    shapes = [draft.primary.shape, *(r.src[0].shape for r in draft.reductions)]
    return 2 * value.size >= max(map(numel, shapes))
