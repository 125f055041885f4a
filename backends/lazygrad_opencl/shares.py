"""How the items of kernels that run side by side, tracks, are numbered: one track after the other,
or in each share that workers have of a part of a launch, which is the same one of every track."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

# For each track, of so many items: up to which ``item`` it comes, and the number of that in it.
Numbers = Callable[[Sequence[int]], Iterator[tuple[str, str]]]


def in_order(counts: Sequence[int]) -> Iterator[tuple[str, str]]:
    """Those of one track after those of the other."""
    start = 0
    for count in counts:
        yield f"{start + count}", f"item - {start}" if start else "item"
        start += count


def by_share(counts: Sequence[int]) -> Iterator[tuple[str, str]]:
    """Those of a share."""
    for number, count in enumerate(counts):
        own = " - ".join([f"FIRST({count}) + item", *map(_size, counts[:number])])
        yield share_of(counts[: number + 1]), own


def share_of(counts: Sequence[int]) -> str:
    """How many items a share has."""
    return " + ".join(map(_size, counts))


def _size(count: int) -> str:
    return f"SIZE({count})"
