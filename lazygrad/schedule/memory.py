"""Memory planning: temporaries that are never alive together share an allocation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Lifetime:
    """A temporary of ``nbytes``, written first at step ``first`` and read last at ``last``."""

    nbytes: int
    first: int
    last: int


def assign(lifetimes: Sequence[Lifetime]) -> tuple[list[int], list[int]]:
    """The allocation of each temporary, and the bytes of each allocation, the largest first.

    Whole allocations are reused, so no device needs sub-buffers: the smallest free one that is
    large enough, or else the largest free one, grown.
    """
    sizes: list[int] = []
    free_at: list[int] = []  # the step after which an allocation is free
    chosen = [0] * len(lifetimes)
    for i in sorted(
        range(len(lifetimes)), key=lambda i: (lifetimes[i].first, -lifetimes[i].nbytes)
    ):
        life = lifetimes[i]
        free = [a for a in range(len(sizes)) if free_at[a] < life.first]
        fitting = [a for a in free if sizes[a] >= life.nbytes]
        if fitting:
            slot = min(fitting, key=lambda a: sizes[a])
        elif free:
            slot = max(free, key=lambda a: sizes[a])
            sizes[slot] = life.nbytes
        else:
            slot = len(sizes)
            sizes.append(life.nbytes)
            free_at.append(0)
        free_at[slot] = life.last
        chosen[i] = slot
    order = sorted(range(len(sizes)), key=lambda slot: -sizes[slot])
    rank = {slot: position for position, slot in enumerate(order)}
    return [rank[slot] for slot in chosen], [sizes[slot] for slot in order]
