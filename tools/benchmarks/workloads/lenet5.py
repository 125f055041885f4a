"""LeNet-5: 1x28x28, two 5x5 convolutions, tanh and average pooling, 120, 84, 10."""

from __future__ import annotations

from typing import Any

from ..frameworks import Framework, Step, Tensor
from ..workload import FLOAT, Workload, adam_bytes, conv_flops
from .classifier import classifier_step
from .weights import conv, count, initial, linear

BATCH = 64
SHAPES = {
    **conv("conv1", 1, 6, 5),
    **conv("conv2", 6, 16, 5),
    **linear("fc1", 16 * 5 * 5, 120),
    **linear("fc2", 120, 84),
    **linear("fc3", 84, 10),
}


def model(fw: Framework) -> Any:
    class LeNet5(fw.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = fw.nn.Conv2d(1, 6, 5, padding=2)
            self.conv2 = fw.nn.Conv2d(6, 16, 5)
            self.fc1 = fw.nn.Linear(16 * 5 * 5, 120)
            self.fc2 = fw.nn.Linear(120, 84)
            self.fc3 = fw.nn.Linear(84, 10)

        def forward(self, x: Tensor) -> Tensor:
            x = fw.avg_pool2d(self.conv1(x).tanh(), 2)
            x = fw.avg_pool2d(self.conv2(x).tanh(), 2)
            return self.fc3(self.fc2(self.fc1(x.flatten(1)).tanh()).tanh())

    return fw.load(LeNet5(), initial(SHAPES))


def train(fw: Framework) -> Step:
    return classifier_step(fw, model(fw), BATCH, 1, 28, 28)


def _flops() -> float:
    first = conv_flops(BATCH, 1, 6, 28, 5)
    rest = conv_flops(BATCH, 6, 16, 10, 5) + 2.0 * BATCH * (400 * 120 + 120 * 84 + 84 * 10)
    return 2 * first + 3 * rest  # the image needs no gradient


WORKLOADS = (
    Workload(
        "lenet5",
        "LeNet-5, training step, batch 64",
        train,
        flops=_flops(),
        bytes=FLOAT * BATCH * 28 * 28 + adam_bytes(count(SHAPES)),
        images=True,
    ),
)
