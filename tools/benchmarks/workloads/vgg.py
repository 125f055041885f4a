"""Six 3x3 convolutions with batch norm, pooled after every two: 64 images of 3x32x32."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from ..frameworks import Framework, Step, Tensor
from ..workload import FLOAT, Workload, adam_bytes, conv_flops
from .classifier import classifier_step
from .weights import count, initial, linear

BATCH = 64
CHANNELS = (3, 32, 32, 64, 64, 128, 128)
LAYERS = tuple(pairwise(CHANNELS))
SIZES = (32, 32, 16, 16, 8, 8)  # of the images, layer by layer


def _shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        f"conv{i}.weight": (outputs, inputs, 3, 3) for i, (inputs, outputs) in enumerate(LAYERS)
    }
    return {**shapes, **linear("head", 128 * 4 * 4, 10)}


def model(fw: Framework) -> Any:
    class VGG(fw.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            for i, (inputs, outputs) in enumerate(LAYERS):
                conv = fw.nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
                setattr(self, f"conv{i}", conv)
                setattr(self, f"norm{i}", fw.nn.BatchNorm2d(outputs))
            self.head = fw.nn.Linear(128 * 4 * 4, 10)

        def forward(self, x: Tensor) -> Tensor:
            for i in range(len(LAYERS)):
                x = getattr(self, f"norm{i}")(getattr(self, f"conv{i}")(x)).relu()
                if i % 2:
                    x = fw.max_pool2d(x, 2)
            return self.head(x.flatten(1))

    return fw.load(VGG(), initial(_shapes()))


def train(fw: Framework) -> Step:
    return classifier_step(fw, model(fw), BATCH, 3, 32, 32)


def _flops() -> float:
    forward = [
        conv_flops(BATCH, inputs, outputs, size, 3)
        for (inputs, outputs), size in zip(LAYERS, SIZES, strict=True)
    ]
    # The image needs no gradient.
    return 3 * (sum(forward) + 2.0 * BATCH * 128 * 4 * 4 * 10) - forward[0]


WORKLOADS = (
    Workload(
        "vgg",
        "six 3x3 convolutions with batch norm, training step, 64x3x32x32",
        train,
        flops=_flops(),
        bytes=FLOAT * BATCH * 3 * 32 * 32 + adam_bytes(count(_shapes())),
        tolerance=1e-2,  # PyTorch's two layouts: 2e-3
        images=True,
    ),
)
