"""The pool of device memory: what it hands out again, what it keeps, what it counts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lazygrad.errors import DeviceError
from lazygrad.runtime import memory, registry
from lazygrad.runtime.memory import GRANULE, KEEP, Memory, Pool, Scratchpad


class Device:
    """A backend with so many bytes, each piece an object of its own."""

    def __init__(self) -> None:
        self.made: list[int] = []
        self.left = 1 << 30

    def allocate(self, nbytes: int) -> object:
        if nbytes > self.left:
            raise DeviceError(f"out of memory: {nbytes} bytes")
        self.made.append(nbytes)
        return object()


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    found = Device()
    monkeypatch.setattr(registry, "backend", lambda name: found)
    return found


@pytest.fixture
def pool(device: Device, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    found = Pool("FAKE")
    monkeypatch.setitem(memory._pools, "FAKE", found)
    yield found


def test_what_was_given_back_is_handed_out_again(device: Device, pool: Pool) -> None:
    first = Memory("FAKE", 1000)
    raw = first.raw
    del first
    assert Memory("FAKE", 900).raw is raw  # both are four granules
    assert Memory("FAKE", 5 * GRANULE).raw is not raw
    assert device.made == [4 * GRANULE, 5 * GRANULE]


def test_bytes_are_counted(device: Device, pool: Pool) -> None:
    one, two = Memory("FAKE", 1), Memory("FAKE", 2 * GRANULE)
    assert (pool.in_use, pool.peak, pool.kept) == (3 * GRANULE, 3 * GRANULE, 0)
    del two
    assert (pool.in_use, pool.peak, pool.kept) == (GRANULE, 3 * GRANULE, 2 * GRANULE)
    two = Memory("FAKE", 2 * GRANULE)
    assert (pool.in_use, pool.peak, pool.kept) == (3 * GRANULE, 3 * GRANULE, 0)
    del one, two
    pool.clear()
    assert (pool.in_use, pool.peak, pool.kept) == (0, 3 * GRANULE, 0)


def test_no_more_is_kept_than_allowed(device: Device, pool: Pool) -> None:
    pool.keep = 3 * GRANULE
    held = [Memory("FAKE", 1) for _ in range(5)]
    held.clear()
    assert (pool.kept, sum(map(len, pool.free.values()))) == (3 * GRANULE, 3)
    held = [Memory("FAKE", 1) for _ in range(5)]
    assert len(device.made) == 5 + 2


def test_what_is_kept_goes_back_before_memory_runs_out(device: Device, pool: Pool) -> None:
    kept = Memory("FAKE", 1)
    del kept
    device.left = 0
    with pytest.raises(DeviceError, match="out of memory"):
        Memory("FAKE", 2 * GRANULE)
    assert (pool.in_use, pool.kept, pool.free) == (0, 0, {})


# -- temporaries -----------------------------------------------------------------------------------


@pytest.fixture
def pad(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> Scratchpad:
    found = Scratchpad()
    monkeypatch.setattr(memory, "scratchpad", found)
    return found


def test_plans_share_an_arena_that_grows(device: Device, pool: Pool, pad: Scratchpad) -> None:
    (first,) = pad.reserve("FAKE", [4 * GRANULE])
    assert pad.reserve("FAKE", [2 * GRANULE]) == [first]
    assert pad.reserve("FAKE", []) == []
    del first
    (second,) = pad.reserve("FAKE", [6 * GRANULE])
    assert pad.reserve("FAKE", [4 * GRANULE, GRANULE])[0] is second
    assert device.made == [4 * GRANULE, 6 * GRANULE, GRANULE]
    assert (pool.in_use, pool.peak, pool.kept) == (7 * GRANULE, 7 * GRANULE, 0)


def test_much_memory_for_temporaries_stays_as_long_as_plans_need_as_much(
    device: Device, pool: Pool, pad: Scratchpad
) -> None:
    device.left = 2 * KEEP
    (large,) = pad.reserve("FAKE", [KEEP + 1])
    assert pad.reserve("FAKE", []) == []
    assert pad.reserve("FAKE", [KEEP + 1]) == [large]
    assert pad.reserve("FAKE", [GRANULE]) != [large]
    del large
    pool.clear()
    assert (pool.in_use, pool.kept) == (GRANULE, 0)


def test_temporaries_of_earlier_plans_go_back_before_memory_runs_out(
    device: Device, pool: Pool, pad: Scratchpad
) -> None:
    pad.reserve("FAKE", [4 * GRANULE])
    device.left = 0
    with pytest.raises(DeviceError, match="out of memory"):
        Memory("FAKE", GRANULE)
    pool.clear()
    assert (pool.in_use, pad.arenas) == (0, {})
