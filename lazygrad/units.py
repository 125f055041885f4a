"""Numbers with units, wherever people read them: three digits, in the unit that leaves most of them
before the point."""

from __future__ import annotations

from collections.abc import Sequence

PREFIXES = (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3), ("", 1.0))
TIMES = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9))


def duration(seconds: float) -> str:
    """``12.3 us``, ``4.56 ms``, ``1.2 s``."""
    return _told(seconds, TIMES) if seconds else "0"


def flops(number: float) -> str:
    """``1.73 MFLOP``."""
    return _told(number, [(f"{prefix}FLOP", size) for prefix, size in PREFIXES])


def size(nbytes: float) -> str:
    """``397 kB``."""
    return _told(nbytes, [(f"{prefix}B", size) for prefix, size in PREFIXES])


def share(part: float, whole: float) -> str:
    """``5.3%``; nothing of nothing."""
    return f"{part / whole:.1%}" if whole else ""


def _told(number: float, units: Sequence[tuple[str, float]]) -> str:
    """In the first unit of which it is one at least, or else in the last."""
    rounded = float(f"{number:.3g}")  # 999.9 us are 1 ms
    unit, one = next((each for each in units if rounded >= each[1]), units[-1])
    return f"{rounded / one:g} {unit}"
