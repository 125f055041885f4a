"""Every item of every track is one of exactly one share."""

from __future__ import annotations

from collections import Counter

import pytest

from lazygrad_opencl.shares import by_share, in_order, share_of

COUNTS = [[32], [8, 8], [1, 1, 1], [16, 2, 32, 1]]


def test_one_track_after_the_other() -> None:
    assert [*in_order([8, 1, 16])] == [("8", "item"), ("9", "item - 8"), ("25", "item - 9")]


@pytest.mark.parametrize("workers", [1, 2, 3, 64])
@pytest.mark.parametrize("counts", COUNTS, ids=str)
def test_a_share_is_the_same_one_of_each_track(counts: list[int], workers: int) -> None:
    found: Counter[tuple[int, int]] = Counter()
    for share in range(workers):

        def first(count: int, share: int = share) -> int:
            return count * share // workers

        def size(count: int, share: int = share) -> int:
            return count * (share + 1) // workers - first(count, share)

        numbers = {"FIRST": first, "SIZE": size}
        for item in range(eval(share_of(counts), numbers)):
            own = {**numbers, "item": item}
            track = next(t for t, (end, _) in enumerate(by_share(counts)) if item < eval(end, own))
            index = eval([*by_share(counts)][track][1], own)
            assert first(counts[track]) <= index < first(counts[track]) + size(counts[track])
            found[track, index] += 1
    assert found == Counter((t, i) for t, count in enumerate(counts) for i in range(count))
