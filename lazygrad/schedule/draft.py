"""Drafts: which nodes are written to memory, and which of them share a kernel.

A draft is a kernel in the making: its roots are the nodes that it writes. Everything between its
roots and the nodes in memory below them is computed inside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lazygrad import ops
from lazygrad.graph import Node, toposort
from lazygrad.ops import Kind

MAX_OPS = 192  # operations in one kernel: more only slows the compiler down


@dataclass(eq=False)
class Draft:
    """A kernel in the making; ``roots[0]`` is the primary one, whose dims span its ranges."""

    roots: list[Node]
    reasons: list[str] = field(default_factory=list)

    @property
    def primary(self) -> Node:
        return self.roots[0]


@dataclass
class Partition:
    """The graph cut into drafts.

    Attributes:
        order: every node, sources first.
        readers: the nodes that use a node's value, movement ops skipped over.
        owner: the draft that writes a node; a node without owner is computed where it is used.
        outputs: nodes whose memory outlives the plan.
    """

    order: list[Node]
    outputs: frozenset[Node]
    readers: dict[Node, list[Node]]
    owner: dict[Node, Draft]
    position: dict[Node, int] = field(init=False)

    def __post_init__(self) -> None:
        self.position = {value: i for i, value in enumerate(self.order)}

    def add(self, root: Node, reason: str) -> None:
        """Write ``root`` to memory, in a draft of its own."""
        if root not in self.owner:
            self.owner[root] = Draft([root], [reason])

    def drop(self, root: Node) -> None:
        """Compute ``root`` inside its readers instead."""
        del self.owner[root]

    def drafts(self) -> list[Draft]:
        """Every draft, producers before consumers.

        A draft with several roots can stand in a circle, because another draft reads one of its
        roots and feeds another: such drafts are taken apart again.
        """
        ordered, waiting = self._sorted()
        while waiting:
            for draft in waiting:
                for root in draft.roots[1:]:
                    self.owner[root] = Draft([root], ["it would close a circle of kernels"])
                del draft.roots[1:]
            ordered, waiting = self._sorted()
        return ordered

    def _sorted(self) -> tuple[list[Draft], list[Draft]]:
        """Drafts in order of dependency, and those that wait for themselves."""
        found = dict.fromkeys(sorted_by(self.owner, self.position))
        below = {d: self._reads(d) for d in found}
        readers: dict[Draft, list[Draft]] = {d: [] for d in found}
        for draft, producers in below.items():
            for producer in producers:
                readers[producer].append(draft)
        ready = _peel(list(found), below, readers)
        rest = [d for d in found if d not in set(ready)]
        after = set(_peel(rest, readers, below)) if rest else set()
        return ready, [d for d in rest if d not in after]

    def _reads(self, draft: Draft) -> list[Draft]:
        """The drafts that a draft reads from, each once."""
        owners = (self.owner.get(read) for read in self.region(draft)[1])
        return list(dict.fromkeys(d for d in owners if d is not None and d is not draft))

    def region(self, draft: Draft) -> tuple[list[Node], list[Node]]:
        """The nodes computed inside a draft (sources first), and those that it reads."""
        inside = set(draft.roots)
        reads: dict[Node, None] = {}

        def sources(value: Node) -> Iterable[Node]:
            below = []
            for operand in value.src:
                if operand.op is ops.BUFFER or (operand in self.owner and operand not in inside):
                    reads[operand] = None
                else:
                    below.append(operand)
            return below

        return toposort(draft.roots, sources), list(reads)


def _peel(
    drafts: list[Draft], before: dict[Draft, list[Draft]], after: dict[Draft, list[Draft]]
) -> list[Draft]:
    """Takes away, again and again, the drafts with nothing left before them (Kahn's algorithm)."""
    inside = set(drafts)
    missing = {d: sum(1 for b in before[d] if b in inside) for d in drafts}
    ready = [d for d in drafts if not missing[d]]
    for draft in ready:  # grows while it is walked
        for following in after[draft]:
            if following in inside:
                missing[following] -= 1
                if not missing[following]:
                    ready.append(following)
    return ready


def sorted_by(owner: dict[Node, Draft], position: dict[Node, int]) -> list[Draft]:
    """The drafts in the order of their first root."""
    return [owner[root] for root in sorted(owner, key=position.__getitem__)]


def is_view(value: Node) -> bool:
    return value.op.kind is Kind.MOVEMENT


def is_leaf(value: Node) -> bool:
    return value.op.kind is Kind.LEAF


def readers_through_views(order: Sequence[Node]) -> dict[Node, list[Node]]:
    """For each node the non-movement nodes that use it, directly or through movement ops."""
    readers: dict[Node, dict[Node, None]] = {value: {} for value in order}
    for value in reversed(order):
        for operand in value.src:
            if operand in readers:
                readers[operand].update(readers[value] if is_view(value) else {value: None})
    return {value: list(found) for value, found in readers.items()}
