"""Memory planning: temporaries that are never alive together share an allocation."""

from __future__ import annotations

from bisect import bisect, insort
from collections.abc import Sequence
from typing import NamedTuple


class Lifetime(NamedTuple):
    """A temporary of ``nbytes``, written first at step ``first`` and read last at ``last``."""

    nbytes: int
    first: int
    last: int


def assign(lifetimes: Sequence[Lifetime]) -> tuple[list[int], list[int]]:
    """The allocation of each temporary, and the bytes of each allocation, the largest first.

    Whole allocations are reused, so no device needs sub-buffers. Large temporaries come first, and
    smaller ones go where they fit in between: of the allocations that are free all the while, to
    that which was left last before, so that no small one keeps a large allocation from others for
    long. (In the order of time, 16 blocks whose values are computed again took twice as much.)
    """
    sizes: list[int] = []
    taken: list[list[tuple[int, int]]] = []  # of each allocation, when: first and last steps
    chosen = [0] * len(lifetimes)
    for i in sorted(
        range(len(lifetimes)), key=lambda i: (-lifetimes[i].nbytes, lifetimes[i].first)
    ):
        nbytes, first, last = lifetimes[i]
        best, left = -1, -2
        for slot, spans in enumerate(taken):
            at = bisect(spans, (first, last))
            before = spans[at - 1][1] if at else -1  # where nothing was
            after = spans[at][0] if at < len(spans) else last + 1
            if left < before < first and last < after:
                best, left = slot, before
        if best < 0:
            best = len(sizes)
            sizes.append(nbytes)
            taken.append([])
        insort(taken[best], (first, last))
        chosen[i] = best
    return chosen, sizes
