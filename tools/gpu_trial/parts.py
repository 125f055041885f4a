"""The parts of a trial, and how the time is shared among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SHARES = "percents after rates are shares of the limits"
MINUTES = 8.0  # for which the seconds below are meant


@dataclass(frozen=True)
class Part:
    """One part: a module with ``items()``, their names, and ``run(item)``, its result as a dict:
    with "failed" where what the device gave is wrong, and an exception where it gave nothing.

    Attributes:
        least: seconds that are kept for it, whatever the parts before it do.
        most: seconds that it may take.
        patience: seconds without a word after which an item counts as hung.
        package: where the module of that name is.
    """

    name: str
    what: str
    least: float
    most: float
    patience: float
    package: str = "gpu_trial."

    @property
    def module(self) -> str:
        return self.package + self.name


PARTS = (
    Part("facts", "the device", 10, 40, 30),
    Part("limits", "its limits", 15, 45, 30),
    Part("losses", "a small CNN on the GPU and on the CPU", 20, 75, 60),
    Part("kernels", f"the kernels of the bench's CNN step; {SHARES}", 10, 45, 40),
    Part("conformance", "every op against float64", 40, 110, 20),
    Part("rows", f"the bench against PyTorch; {SHARES}", 100, 220, 120),
    Part("compiled", f"the bench against torch.compile; {SHARES}", 0, 240, 160),
)


def allowance(parts: Sequence[Part], number: int, left: float, minutes: float) -> float:
    """Seconds for a part when ``left`` seconds are left: what later ones need is kept for them."""
    scale = minutes / MINUTES
    kept = sum(part.least for part in parts[number + 1 :]) * scale
    return max(0.0, min(parts[number].most * scale, left - kept))
