"""The pool of device memory: what it hands out again, what it keeps, what it counts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lazygrad.errors import DeviceError
from lazygrad.runtime import memory, registry
from lazygrad.runtime.memory import GRANULE, Memory, Pool


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
