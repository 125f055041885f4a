"""Numbers with units, as people read them."""

from __future__ import annotations

import pytest

from lazygrad import units


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0, "0"), (3e-12, "0.003 ns"), (8.1e-9, "8.1 ns"), (12.34e-6, "12.3 us"),
        (999.9e-6, "1 ms"), (4.56e-3, "4.56 ms"), (1.2, "1.2 s"), (1234.0, "1230 s"),
    ],
)  # fmt: skip
def test_durations(seconds: float, expected: str) -> None:
    assert units.duration(seconds) == expected


@pytest.mark.parametrize(
    ("number", "flops", "size"),
    [
        (0, "0 FLOP", "0 B"), (0.5, "0.5 FLOP", "0.5 B"), (12, "12 FLOP", "12 B"),
        (397_168, "397 kFLOP", "397 kB"), (999_900, "1 MFLOP", "1 MB"),
        (1.7314e6, "1.73 MFLOP", "1.73 MB"), (4.2e9, "4.2 GFLOP", "4.2 GB"),
        (1.5e13, "15 TFLOP", "15 TB"),
    ],
)  # fmt: skip
def test_operations_and_bytes(number: float, flops: str, size: str) -> None:
    assert (units.flops(number), units.size(number)) == (flops, size)


def test_shares() -> None:
    assert (units.share(1, 8), units.share(1, 0)) == ("12.5%", "")
