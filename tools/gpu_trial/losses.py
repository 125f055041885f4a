"""A small CNN learns real digits on the device as it does on the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np

STEPS, BATCH = 20, 64
TOLERANCE = 2e-3  # between losses of about 1, in which rounding grows from step to step


def items() -> list[str]:
    return ["jitted", "plain"]


def run(item: str) -> dict[str, Any]:
    losses = {device: train(device, jitted=item == "jitted") for device in ("GPU", "CPU")}
    pairs = zip(losses["GPU"], losses["CPU"], strict=True)
    apart = max(abs(mine - right) for mine, right in pairs)
    result: dict[str, Any] = {"losses": losses, "apart": apart}
    if not apart <= TOLERANCE:  # nor if it is no number
        result["failed"] = f"losses are up to {apart:.3g} apart, {TOLERANCE} is allowed"
    return result


def train(device: str, jitted: bool, steps: int = STEPS) -> list[float]:
    """The losses of the first steps, from the same weights on every device."""
    from lazygrad import Tensor, manual_seed, optim
    from lazygrad.data import load
    from lazygrad.examples.model import SmallCNN
    from lazygrad.examples.training import make_step

    manual_seed(0)
    model = SmallCNN(1, 8, 8, 10).to(device)
    step = make_step(model, optim.Adam(model.parameters(), lr=2e-3), jitted)
    images = load("digits").train
    losses = []
    for number in range(steps):
        batch = images.batch(np.arange(number * BATCH, (number + 1) * BATCH))
        x, y = (Tensor(array, device=device) for array in batch)
        losses.append(step(x, y)[0].item())
    return losses
