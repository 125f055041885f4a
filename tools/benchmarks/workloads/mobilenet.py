"""Five depthwise-separable blocks with batch norm: 32 images of 3x32x32."""

from __future__ import annotations

from typing import Any

from ..frameworks import Framework, Step, Tensor
from ..workload import FLOAT, Workload, adam_bytes, conv_flops
from .classifier import classifier_step
from .weights import count, initial, linear

BATCH = 32
STEM = 32
BLOCKS = ((32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1))
# of each block: channels in, channels out, stride


def _shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"stem.weight": (STEM, 3, 3, 3)}
    for i, (inputs, outputs, _) in enumerate(BLOCKS):
        shapes[f"block{i}.depthwise.weight"] = (inputs, 1, 3, 3)
        shapes[f"block{i}.pointwise.weight"] = (outputs, inputs, 1, 1)
    return {**shapes, **linear("head", 256, 10)}


def model(fw: Framework) -> Any:
    nn = fw.nn

    class Block(fw.Module):  # type: ignore[name-defined]
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            self.depthwise = nn.Conv2d(
                inputs, inputs, 3, stride=stride, padding=1, groups=inputs, bias=False
            )
            self.norm1 = nn.BatchNorm2d(inputs)
            self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)
            self.norm2 = nn.BatchNorm2d(outputs)

        def forward(self, x: Tensor) -> Tensor:
            x = self.norm1(self.depthwise(x)).relu()
            return self.norm2(self.pointwise(x)).relu()

    class MobileNet(fw.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, STEM, 3, padding=1, bias=False)
            self.norm = nn.BatchNorm2d(STEM)
            for i, row in enumerate(BLOCKS):
                setattr(self, f"block{i}", Block(*row))
            self.head = nn.Linear(256, 10)

        def forward(self, x: Tensor) -> Tensor:
            x = self.norm(self.stem(x)).relu()
            for i in range(len(BLOCKS)):
                x = getattr(self, f"block{i}")(x)
            return self.head(x.mean((2, 3)))

    return fw.load(MobileNet(), initial(_shapes()))


def train(fw: Framework) -> Step:
    return classifier_step(fw, model(fw), BATCH, 3, 32, 32)


def _flops() -> float:
    total = 2 * conv_flops(BATCH, 3, STEM, 32, 3)  # the image needs no gradient
    size = 32
    for inputs, outputs, stride in BLOCKS:
        size //= stride
        total += 3 * conv_flops(BATCH, 1, inputs, size, 3)
        total += 3 * conv_flops(BATCH, inputs, outputs, size, 1)
    return total + 3 * 2.0 * BATCH * 256 * 10


WORKLOADS = (
    Workload(
        "mobilenet",
        "five depthwise-separable blocks, training step, 32x3x32x32",
        train,
        flops=_flops(),
        bytes=FLOAT * BATCH * 3 * 32 * 32 + adam_bytes(count(_shapes())),
        images=True,
    ),
)
