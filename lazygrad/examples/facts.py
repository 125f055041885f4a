"""What a program computes beside what is known by hand."""

from __future__ import annotations

from typing import Any, NamedTuple

import lazygrad as lg
from lazygrad.errors import LazygradError

TOLERANCE = 1e-4


class Fact(NamedTuple):
    """What was computed, and what it has to be: tensors, numbers or lists of numbers."""

    what: str
    found: Any
    known: Any


def check(fact: Fact) -> None:
    """Print a fact.

    Raises:
        LazygradError: if it is wrong.
    """
    print(f"   {fact.what}: {shown(fact.found)}", flush=True)
    found, known = (lg.as_tensor(value).float() for value in fact[1:])
    if not lg.allclose(found, known, rtol=TOLERANCE, atol=TOLERANCE):
        raise LazygradError(f"[facts] {fact.what}: {shown(known)} is right")


def shown(value: Any) -> str:
    """A few digits of each number, on one line; the ends of what is long."""
    numbers = lg.as_tensor(value).float().flatten().tolist()
    words = [f"{0 if abs(number) < TOLERANCE else number:.4g}" for number in numbers]
    return " ".join(words if len(words) <= 6 else [*words[:2], "...", words[-1]])
