"""A U-Net at a sixteenth of its width: four levels of 4 to 64 channels, on images of 3x64x64."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from ..frameworks import Framework, Step, Tensor
from ..workload import Workload
from .weights import initial_of, normal

BATCH, SIDE, CLASSES = 4, 64, 2
WIDTHS = (4, 8, 16, 32, 64)


def doubled(image: Tensor) -> Tensor:
    """Every pixel four times."""
    count, channels, rows, columns = image.shape
    pixels = image.reshape(count, channels, rows, 1, columns, 1)
    wide = pixels.expand(count, channels, rows, 2, columns, 2)
    return wide.reshape(count, channels, 2 * rows, 2 * columns)


def model(fw: Framework) -> Any:
    nn = fw.nn

    def twice(inputs: int, outputs: int) -> Any:
        layers = []
        for channels in (inputs, outputs):
            layers += [
                nn.Conv2d(channels, outputs, 3, padding=1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
            ]
        return nn.Sequential(*layers)

    class UNet(fw.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            levels = list(pairwise(WIDTHS))
            self.enter = twice(3, WIDTHS[0])
            self.down = nn.ModuleList([twice(high, low) for high, low in levels])
            self.up = nn.ModuleList([nn.Conv2d(low, high, 3, padding=1) for high, low in levels])
            self.join = nn.ModuleList([twice(2 * high, high) for high, _ in levels])
            self.leave = nn.Conv2d(WIDTHS[0], CLASSES, 1)

        def forward(self, x: Tensor) -> Tensor:
            kept = [self.enter(x)]
            for down in self.down:
                kept.append(down(fw.max_pool2d(kept[-1], 2)))
            x = kept.pop()
            for up, join in zip(reversed(list(self.up)), reversed(list(self.join)), strict=True):
                x = join(fw.torch.cat([kept.pop(), up(doubled(x))], 1))
            return self.leave(x)

    unet = UNet()
    return fw.load(unet, initial_of(unet))


def train(fw: Framework) -> Step:
    def loss(model: Any, x: Tensor, target: Tensor) -> Tensor:
        return ((model(x) - target) ** 2).mean()

    x = fw.tensor(normal(BATCH, 3, SIDE, SIDE))
    return fw.training_step(
        model(fw), loss, x, fw.tensor(normal(BATCH, CLASSES, SIDE, SIDE, seed=3))
    )


PROGRAMS = (
    Workload(
        "unet",
        "U-Net (4 levels, 1/16 width, batch norm), training step, 4x3x64x64",
        train,
        images=True,
        torch_names=True,
    ),
)
