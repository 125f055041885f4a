"""A network so small that a step measures nothing but overhead."""

from __future__ import annotations

from typing import Any

from ..frameworks import Framework, Step, Tensor
from ..workload import FLOAT, Workload, adam_bytes
from .weights import count, initial, labels, linear, normal

BATCH = 32
SHAPES = {**linear("fc1", 64, 64), **linear("fc2", 64, 64), **linear("fc3", 64, 10)}


def model(fw: Framework) -> Any:
    class MLP(fw.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.fc1 = fw.nn.Linear(64, 64)
            self.fc2 = fw.nn.Linear(64, 64)
            self.fc3 = fw.nn.Linear(64, 10)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc3(self.fc2(self.fc1(x).relu()).relu())

    return fw.load(MLP(), initial(SHAPES))


def train(fw: Framework) -> Step:
    def loss(model: Any, x: Tensor, y: Tensor) -> Tensor:
        return fw.cross_entropy(model(x), y)

    x, y = fw.tensor(normal(BATCH, 64)), fw.tensor(labels(BATCH, 10))
    return fw.training_step(model(fw), loss, x, y)


WORKLOADS = (
    Workload(
        "mlp_train",
        "MLP 64-64-64-10, training step, batch 32: overhead",
        train,
        flops=3 * 2.0 * BATCH * (64 * 64 + 64 * 64 + 64 * 10),
        bytes=FLOAT * BATCH * 64 + adam_bytes(count(SHAPES)),
    ),
)
