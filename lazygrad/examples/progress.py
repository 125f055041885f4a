"""How far a run is: a bar on a terminal with tqdm, a line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any, Protocol

SECONDS_BETWEEN_LINES = 5.0


class Progress(Protocol):
    """Something that shows how an epoch, or another count, is doing."""

    def advance(self, count: int) -> None:
        """So many more are done."""

    def show(self, **means: float) -> None:
        """The means so far, by what they are of."""

    def close(self) -> None:
        """It has ended."""


def make_progress(title: str, total: int, unit: str = "images") -> Progress:
    """A bar or lines for ``total`` images or other units, whichever fits the terminal."""
    if sys.stderr.isatty():
        try:
            from tqdm import tqdm
        except ImportError:
            pass
        else:
            return _Bar(
                tqdm(total=total, desc=title, unit=f" {unit}", unit_scale=True, leave=False)
            )
    return _Lines(title, total, unit)


class _Bar:
    def __init__(self, bar: Any) -> None:
        self.bar = bar

    def advance(self, count: int) -> None:
        self.bar.update(count)

    def show(self, **means: float) -> None:
        self.bar.set_postfix_str(_in_words(means), refresh=False)

    def close(self) -> None:
        self.bar.close()


class _Lines:
    def __init__(self, title: str, total: int, unit: str) -> None:
        self.title = title
        self.total = total
        self.unit = unit
        self.done = 0
        self.start = self.last = time.monotonic()

    def advance(self, count: int) -> None:
        self.done += count

    def show(self, **means: float) -> None:
        now = time.monotonic()
        if now - self.last < SECONDS_BETWEEN_LINES:
            return
        self.last = now
        rate = self.done / (now - self.start)
        print(
            f"{self.title}: {self.done:,} of {self.total:,} {self.unit}, "
            f"{_in_words(means)}, {rate:,.0f} {self.unit}/s",
            flush=True,
        )

    def close(self) -> None:
        pass


def _in_words(means: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in means.items())
