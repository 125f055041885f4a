"""Networks of linear layers: one so small that a step measures nothing but overhead, and one whose
step reads and writes little but parameters."""

from __future__ import annotations

from typing import Any

from ..frameworks import Framework, Step, Tensor
from ..workload import FLOAT, Workload, adam_bytes
from .classifier import classifier_step
from .weights import count, initial, linear

Widths = tuple[int, int, int, int]
SMALL, SMALL_BATCH = (64, 64, 64, 10), 32
LARGE, LARGE_BATCH = (784, 512, 512, 10), 128
DECAY = 0.01


def _shapes(widths: Widths) -> dict[str, tuple[int, ...]]:
    a, b, c, d = widths
    return {**linear("fc1", a, b), **linear("fc2", b, c), **linear("fc3", c, d)}


def model(fw: Framework, widths: Widths) -> Any:
    a, b, c, d = widths

    class MLP(fw.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.fc1 = fw.nn.Linear(a, b)
            self.fc2 = fw.nn.Linear(b, c)
            self.fc3 = fw.nn.Linear(c, d)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc3(self.fc2(self.fc1(x).relu()).relu())

    return fw.load(MLP(), initial(_shapes(widths)))


def train(fw: Framework) -> Step:
    return classifier_step(fw, model(fw, SMALL), SMALL_BATCH, SMALL[0])


def train_large(fw: Framework) -> Step:
    return classifier_step(fw, model(fw, LARGE), LARGE_BATCH, LARGE[0], decay=DECAY)


def _flops(widths: Widths, batch: int) -> float:
    a, b, c, d = widths
    return 2.0 * batch * (2 * a * b + 3 * b * c + 3 * c * d)  # the input needs no gradient


def _bytes(widths: Widths, batch: int) -> float:
    return FLOAT * batch * widths[0] + adam_bytes(count(_shapes(widths)))


WORKLOADS = (
    Workload(
        "mlp_train",
        "MLP 64-64-64-10, training step, batch 32: overhead",
        train,
        flops=_flops(SMALL, SMALL_BATCH),
        bytes=_bytes(SMALL, SMALL_BATCH),
    ),
    Workload(
        "mlp784",
        "MLP 784-512-512-10, training step, batch 128, AdamW",
        train_large,
        flops=_flops(LARGE, LARGE_BATCH),
        bytes=_bytes(LARGE, LARGE_BATCH),
    ),
)
