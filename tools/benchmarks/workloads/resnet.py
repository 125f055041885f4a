"""A small residual network: a stem and three blocks, batch norm, 64 images of 3x32x32."""

from __future__ import annotations

from typing import Any

from ..frameworks import Framework, Step, Tensor
from ..workload import FLOAT, Workload, adam_bytes, conv_flops
from .weights import count, initial, labels, linear, normal

BATCH = 64
BLOCKS = ((16, 16, 1), (16, 32, 2), (32, 64, 2))  # channels in, channels out, stride


def _shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"stem.weight": (16, 3, 3, 3)}
    for index, (inputs, outputs, stride) in enumerate(BLOCKS):
        shapes[f"block{index}.conv1.weight"] = (outputs, inputs, 3, 3)
        shapes[f"block{index}.conv2.weight"] = (outputs, outputs, 3, 3)
        if stride != 1:
            shapes[f"block{index}.short.weight"] = (outputs, inputs, 1, 1)
    return {**shapes, **linear("head", 64, 10)}


def model(fw: Framework) -> Any:
    nn = fw.nn

    class Block(fw.Module):  # type: ignore[name-defined]
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
            self.norm1 = nn.BatchNorm2d(outputs)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
            self.norm2 = nn.BatchNorm2d(outputs)
            self.short = None
            if stride != 1:
                self.short = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            y = self.norm1(self.conv1(x)).relu()
            y = self.norm2(self.conv2(y))
            return (y + (x if self.short is None else self.short(x))).relu()

    class ResNet(fw.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 16, 3, padding=1, bias=False)
            self.norm = nn.BatchNorm2d(16)
            self.block0, self.block1, self.block2 = (Block(*row) for row in BLOCKS)
            self.head = nn.Linear(64, 10)

        def forward(self, x: Tensor) -> Tensor:
            x = self.norm(self.stem(x)).relu()
            x = self.block2(self.block1(self.block0(x)))
            return self.head(x.mean((2, 3)))

    return fw.load(ResNet(), initial(_shapes()))


def train(fw: Framework) -> Step:
    def loss(model: Any, x: Tensor, y: Tensor) -> Tensor:
        return fw.cross_entropy(model(x), y)

    x, y = fw.tensor(normal(BATCH, 3, 32, 32)), fw.tensor(labels(BATCH, 10))
    return fw.training_step(model(fw), loss, x, y)


def _flops() -> float:
    total = 2 * conv_flops(BATCH, 3, 16, 32, 3)  # the image needs no gradient
    size = 32
    for inputs, outputs, stride in BLOCKS:
        size //= stride
        total += 3 * conv_flops(BATCH, inputs, outputs, size, 3)
        total += 3 * conv_flops(BATCH, outputs, outputs, size, 3)
        if stride != 1:
            total += 3 * conv_flops(BATCH, inputs, outputs, size, 1)
    return total


WORKLOADS = (
    Workload(
        "resnet_train",
        "residual network (3 blocks, batch norm), training step, 64x3x32x32",
        train,
        flops=_flops(),
        bytes=FLOAT * BATCH * 3 * 32 * 32 + adam_bytes(count(_shapes())),
        images=True,
    ),
)
