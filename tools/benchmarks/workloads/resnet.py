"""Residual networks with batch norm on images of 3x32x32: a small one, and ResNet-18."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..frameworks import Framework, Step, Tensor
from ..workload import FLOAT, Workload, adam_bytes, conv_flops
from .classifier import classifier_step
from .weights import count, initial, linear


@dataclass(frozen=True)
class Network:
    """A stem, then blocks (channels in, channels out, stride) of two convolutions each, whose
    shortcut may be normalised where it is a convolution."""

    batch: int
    blocks: tuple[tuple[int, int, int], ...]
    norm_shortcut: bool = False

    @property
    def stem(self) -> int:
        return self.blocks[0][0]

    @property
    def width(self) -> int:
        return self.blocks[-1][1]


SMALL = Network(64, ((16, 16, 1), (16, 32, 2), (32, 64, 2)))
RESNET18 = Network(
    16,
    (
        *((64, 64, 1), (64, 64, 1)),
        *((64, 128, 2), (128, 128, 1)),
        *((128, 256, 2), (256, 256, 1)),
        *((256, 512, 2), (512, 512, 1)),
    ),
    norm_shortcut=True,
)


def _shapes(net: Network) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"stem.weight": (net.stem, 3, 3, 3)}
    for index, (inputs, outputs, stride) in enumerate(net.blocks):
        shapes[f"block{index}.conv1.weight"] = (outputs, inputs, 3, 3)
        shapes[f"block{index}.conv2.weight"] = (outputs, outputs, 3, 3)
        if stride != 1:
            shapes[f"block{index}.short.weight"] = (outputs, inputs, 1, 1)
    return {**shapes, **linear("head", net.width, 10)}


def model(fw: Framework, net: Network) -> Any:
    nn = fw.nn

    class Block(fw.Module):  # type: ignore[name-defined]
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
            self.norm1 = nn.BatchNorm2d(outputs)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
            self.norm2 = nn.BatchNorm2d(outputs)
            self.short = self.short_norm = None
            if stride != 1:
                self.short = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
                self.short_norm = nn.BatchNorm2d(outputs) if net.norm_shortcut else None

        def forward(self, x: Tensor) -> Tensor:
            y = self.norm1(self.conv1(x)).relu()
            y = self.norm2(self.conv2(y))
            return (y + self.shortcut(x)).relu()

        def shortcut(self, x: Tensor) -> Tensor:
            x = x if self.short is None else self.short(x)
            return x if self.short_norm is None else self.short_norm(x)

    class ResNet(fw.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, net.stem, 3, padding=1, bias=False)
            self.norm = nn.BatchNorm2d(net.stem)
            for index, row in enumerate(net.blocks):
                setattr(self, f"block{index}", Block(*row))
            self.head = nn.Linear(net.width, 10)

        def forward(self, x: Tensor) -> Tensor:
            x = self.norm(self.stem(x)).relu()
            for index in range(len(net.blocks)):
                x = getattr(self, f"block{index}")(x)
            return self.head(x.mean((2, 3)))

    return fw.load(ResNet(), initial(_shapes(net)))


def train(net: Network) -> Any:
    def build(fw: Framework) -> Step:
        return classifier_step(fw, model(fw, net), net.batch, 3, 32, 32)

    return build


def _flops(net: Network) -> float:
    total = 2 * conv_flops(net.batch, 3, net.stem, 32, 3)  # the image needs no gradient
    size = 32
    for inputs, outputs, stride in net.blocks:
        size //= stride
        total += 3 * conv_flops(net.batch, inputs, outputs, size, 3)
        total += 3 * conv_flops(net.batch, outputs, outputs, size, 3)
        if stride != 1:
            total += 3 * conv_flops(net.batch, inputs, outputs, size, 1)
    return total


def _workload(name: str, what: str, net: Network, tolerance: float) -> Workload:
    return Workload(
        name,
        what,
        train(net),
        flops=_flops(net),
        bytes=FLOAT * net.batch * 3 * 32 * 32 + adam_bytes(count(_shapes(net))),
        tolerance=tolerance,
        images=True,
    )


WORKLOADS = (
    _workload(
        "resnet_train",
        "residual network (3 blocks, batch norm), training step, 64x3x32x32",
        SMALL,
        tolerance=2e-3,
    ),
    _workload(
        "resnet18",
        "ResNet-18, training step, 16x3x32x32",
        RESNET18,
        tolerance=2e-2,  # its loss falls a thousandfold; PyTorch's two layouts: 5e-3
    ),
)
