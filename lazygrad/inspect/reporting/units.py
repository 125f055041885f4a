"""Numbers with units, as a page shows them."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """``12.3 us``, ``4.56 ms``, ``1.2 s``."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns" if seconds else "0"


def scaled(number: float, unit: str) -> str:
    """``1.73 MFLOP``, ``397 kB``."""
    for prefix, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g} {prefix}{unit}"
    return f"{number:.3g} {unit}"


def flops(number: float) -> str:
    return scaled(number, "FLOP")


def size(nbytes: float) -> str:
    return scaled(nbytes, "B")


def share(part: float, whole: float) -> str:
    return f"{part / whole:.1%}" if whole else ""
