"""Boxes of a graph put together: those that are part of one thing and hang together."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from graphlib import TopologicalSorter

Edge = tuple[int, int]


def groups(keys: Sequence[Hashable], edges: Sequence[Edge]) -> list[list[int]]:
    """Groups of boxes of one key that edges lead between, sources first. No group needs what
    itself is needed for, so they are a graph as the boxes are. None is no key."""
    after: dict[int, set[int]] = {number: set() for number in range(len(keys))}
    before: dict[int, set[int]] = {number: set() for number in after}
    members = {number: [number] for number in after}
    of = list(after)
    for a, b in edges:
        after[a].add(b)
        before[b].add(a)
    for a, b in sorted(edges, key=lambda edge: edge[1]):
        first, second = of[a], of[b]
        if keys[a] is None or keys[a] != keys[b] or first == second:
            continue
        if _leads_around(after, first, second):
            continue
        for number in members[second]:
            of[number] = first
        members[first] += members.pop(second)
        for ways, back in ((after, before), (before, after)):
            for other in ways.pop(second):
                back[other].discard(second)
                if other != first:
                    back[other].add(first)
                    ways[first].add(other)
            ways[first].discard(second)
    order = TopologicalSorter(before).static_order()
    return [sorted(members[number]) for number in order]


def _leads_around(after: dict[int, set[int]], first: int, second: int) -> bool:
    """Whether there is a way from one group to another beside the direct one."""
    todo, seen = list(after[first] - {second}), set[int]()
    while todo:
        number = todo.pop()
        if number == second:
            return True
        if number not in seen:
            seen.add(number)
            todo += after[number]
    return False
