"""The order in which what is made of other things can be looked at."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def sources_first(roots: Iterable[T], sources: Callable[[T], Collection[T]]) -> list[T]:
    """All that is reachable from ``roots``, each once, after its ``sources``."""
    order: list[T] = []
    seen: set[T] = set()
    stack: list[T | None] = [*reversed([*roots])]
    while stack:
        current = stack.pop()
        if current is None:  # the sources of what waits below it are there
            order.append(stack.pop())  # type: ignore[arg-type]
        elif current not in seen:
            seen.add(current)
            below = sources(current)
            if below:
                stack += (current, None, *below)
            else:
                order.append(current)
    return order
