"""The small CNN: two convolutions with pooling, then two linear layers."""

from __future__ import annotations

from collections.abc import Sequence

from lazygrad import Tensor, nn


class SmallCNN(nn.Module):
    """Logits float32 ``(N, classes)`` for images float32 ``(N, channels, height, width)``.

    Args:
        channels: of an image.
        height: of an image; 4 at least.
        width: of an image; 4 at least.
        classes: how many there are.
        mean, std: of each channel over the training images; inputs are brought to mean 0 and
            standard deviation 1, which makes the first epochs count.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        channels: int,
        height: int,
        width: int,
        classes: int,
        *,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        self.register_buffer("mean", _by_channel(mean or [0.0] * channels))
        self.register_buffer("std", _by_channel(std or [1.0] * channels))
        # Without padding, two rounds of convolution and pooling leave nothing of an 8x8 image.
        padding = 1 if min(height, width) < 16 else 0
        rows, columns = (_pooled(_pooled(side, padding), padding) for side in (height, width))
        self.conv1 = nn.Conv2d(channels, 32, 3, padding=padding)
        self.conv2 = nn.Conv2d(32, 64, 3, padding=padding)
        self.hidden = nn.Linear(64 * rows * columns, 128)
        self.output = nn.Linear(128, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = (x - self.mean) / self.std
        x = self.conv1(x).relu().max_pool2d(2)
        x = self.conv2(x).relu().max_pool2d(2)
        x = self.hidden(x.flatten(1)).relu()
        return self.output(x)


def _by_channel(values: Sequence[float]) -> Tensor:
    return Tensor(list(values)).reshape(1, -1, 1, 1).realize()


def _pooled(side: int, padding: int) -> int:
    """What a 3x3 convolution and a pooling of 2 make of one side of an image."""
    return (side + 2 * padding - 2) // 2
