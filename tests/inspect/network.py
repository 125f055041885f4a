"""A small network, its jitted step, and a batch, for tests that look inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lazygrad import Tensor, jit, nn, optim


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3)
        self.fc = nn.Linear(4 * 6 * 6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv1(x).relu().flatten(1))


def training_step(device: str) -> Callable[[Tensor, Tensor], Tensor]:
    """Not jitted; Adam updates the network."""
    model = Net().to(device)
    optimizer = optim.Adam(model.parameters(), lr=1e-3)

    def step(images: Tensor, labels: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = model(images).cross_entropy(labels)
        loss.backward()
        optimizer.step()
        return loss

    return step


def jitted_step(device: str) -> Any:
    return jit(training_step(device))


def batch(device: str) -> tuple[Tensor, Tensor]:
    x = np.random.default_rng(0).standard_normal((5, 1, 8, 8)).astype(np.float32)
    return Tensor(x, device=device), Tensor(np.array([0, 1, 2, 0, 1]), device=device)
