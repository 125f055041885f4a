"""What each kind of table shows beside the times, and how it writes numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .cold import CACHES, STEPS

PARTS = ("first", "second", "later")  # of `Row.parts`, which step each is


@dataclass(frozen=True)
class Column:
    """A number of each row: its key in the row's record, and how it is written."""

    title: str
    key: str
    width: int
    show: Callable[[Any], str]


@dataclass(frozen=True)
class Kind:
    """`what` says which time it is, where that is not a step's; `short`, in the summary."""

    columns: tuple[Column, ...] = ()
    what: str = ""
    short: str = ""
    limit: bool = False


def duration(milliseconds: float | None) -> str:
    if milliseconds is None:
        return ""
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.2f} s"
    if milliseconds >= 1:
        return f"{milliseconds:.2f} ms"
    return f"{milliseconds * 1000:.1f} us"


def factor(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def megabytes(value: float) -> str:
    return f"{value:.0f} MB"


STEADY = (
    Column("/limit", "over_limit", 7, factor),
    Column("cores", "cores", 5, factor),
    Column("memory", "memory_mb", 8, megabytes),
)
LOOP = (
    Column("prepared", "beside_ms", 9, duration),
    Column("/prepared", "over_beside", 9, factor),
)
TRANSFORM = (
    Column("gradient", "beside_ms", 9, duration),
    Column("/gradient", "over_beside", 9, factor),
)
FIRST = tuple(Column(part, f"{part}_ms", 9, duration) for part in PARTS)

KINDS = {
    "steady": Kind(STEADY, limit=True),
    "unjitted": Kind(STEADY, limit=True),
    "loop": Kind(LOOP, "beside the same loop, prepared"),
    "transform": Kind(STEADY, limit=True),
    "gradients": Kind(TRANSFORM, "beside one gradient of the batch"),
}
for caches in CACHES:
    KINDS |= {
        caches: Kind(
            what=f"process start to first finished step, {caches} caches", short=f", {caches}"
        ),
        caches + STEPS: Kind(
            FIRST, f"first and second step together, {caches} caches", f", {caches}{STEPS}"
        ),
    }
