"""How far an epoch is: a bar on a terminal with tqdm, a line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any, Protocol

SECONDS_BETWEEN_LINES = 5.0


class Progress(Protocol):
    """Something that shows how an epoch is doing."""

    def advance(self, images: int) -> None:
        """So many images more have been given to the model."""

    def show(self, loss: float, accuracy: float) -> None:
        """The means of the epoch so far."""

    def close(self) -> None:
        """The epoch has ended."""


def make_progress(title: str, images: int) -> Progress:
    """A bar or lines for an epoch of ``images`` images, whichever fits the terminal."""
    if sys.stderr.isatty():
        try:
            from tqdm import tqdm
        except ImportError:
            pass
        else:
            return _Bar(tqdm(total=images, desc=title, unit="img", unit_scale=True, leave=False))
    return _Lines(title, images)


class _Bar:
    def __init__(self, bar: Any) -> None:
        self.bar = bar

    def advance(self, images: int) -> None:
        self.bar.update(images)

    def show(self, loss: float, accuracy: float) -> None:
        self.bar.set_postfix_str(f"loss {loss:.4f}, accuracy {accuracy:.4f}", refresh=False)

    def close(self) -> None:
        self.bar.close()


class _Lines:
    def __init__(self, title: str, images: int) -> None:
        self.title = title
        self.images = images
        self.done = 0
        self.start = self.last = time.monotonic()

    def advance(self, images: int) -> None:
        self.done += images

    def show(self, loss: float, accuracy: float) -> None:
        now = time.monotonic()
        if now - self.last < SECONDS_BETWEEN_LINES:
            return
        self.last = now
        rate = self.done / (now - self.start)
        print(
            f"{self.title}: {self.done:,} of {self.images:,} images, "
            f"loss {loss:.4f}, accuracy {accuracy:.4f}, {rate:,.0f} images/s",
            flush=True,
        )

    def close(self) -> None:
        pass
