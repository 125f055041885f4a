"""The small CNN that lazygrad is for: 1x28x28, conv 32, pool, conv 64, pool, 128, 10."""

from __future__ import annotations

from typing import Any

from ..frameworks import Framework, Step, Tensor
from ..workload import FLOAT, Workload, adam_bytes, conv_flops
from .classifier import classifier_step
from .weights import conv, count, initial, linear, normal

SHAPES = {
    **conv("conv1", 1, 32, 3),
    **conv("conv2", 32, 64, 3),
    **linear("fc1", 64 * 5 * 5, 128),
    **linear("fc2", 128, 10),
}
IMAGE = 28 * 28


def model(fw: Framework) -> Any:
    class SmallCNN(fw.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = fw.nn.Conv2d(1, 32, 3)
            self.conv2 = fw.nn.Conv2d(32, 64, 3)
            self.fc1 = fw.nn.Linear(64 * 5 * 5, 128)
            self.fc2 = fw.nn.Linear(128, 10)

        def forward(self, x: Tensor) -> Tensor:
            x = fw.max_pool2d(self.conv1(x).relu(), 2)
            x = fw.max_pool2d(self.conv2(x).relu(), 2)
            return self.fc2(self.fc1(x.flatten(1)).relu())

    return fw.load(SmallCNN(), initial(SHAPES))


def train(fw: Framework) -> Step:
    return classifier_step(fw, model(fw), 128, 1, 28, 28)


def infer(batch: int) -> Any:
    def build(fw: Framework) -> Step:
        return fw.function(model(fw), fw.tensor(normal(batch, 1, 28, 28)))

    return build


def flops(batch: int, training: bool) -> float:
    first = conv_flops(batch, 1, 32, 26, 3)
    rest = conv_flops(batch, 32, 64, 11, 3) + 2.0 * batch * (1600 * 128 + 128 * 10)
    # Training adds both gradients of each contraction; the image needs none.
    return 2 * first + 3 * rest if training else first + rest


def _infer_bytes(batch: int) -> float:
    return float(FLOAT * (batch * (IMAGE + 10) + count(SHAPES)))


WORKLOADS = (
    Workload(
        "cnn_train",
        "small CNN, training step, batch 128, Adam",
        train,
        flops=flops(128, training=True),
        bytes=FLOAT * 128 * IMAGE + adam_bytes(count(SHAPES)),
        images=True,
    ),
    Workload(
        "cnn_infer",
        "the same CNN, inference, batch 256",
        infer(256),
        flops=flops(256, training=False),
        bytes=_infer_bytes(256),
        images=True,
    ),
    Workload(
        "cnn_infer_1",
        "the same CNN, inference, batch 1",
        infer(1),
        flops=flops(1, training=False),
        bytes=_infer_bytes(1),
        images=True,
    ),
)
