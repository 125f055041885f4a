"""One pre-norm transformer block: batch 16, sequence 128, width 128, 4 heads, causal."""

from __future__ import annotations

from typing import Any

from ..frameworks import Framework, Step, Tensor
from ..workload import FLOAT, Workload, adam_bytes
from .weights import count, initial, linear, normal

BATCH, LENGTH, WIDTH, HEADS = 16, 128, 128, 4
SHAPES = {
    **linear("query", WIDTH, WIDTH),
    **linear("key", WIDTH, WIDTH),
    **linear("value", WIDTH, WIDTH),
    **linear("out", WIDTH, WIDTH),
    **linear("up", WIDTH, 4 * WIDTH),
    **linear("down", 4 * WIDTH, WIDTH),
}


def block_of(fw: Framework, batch: int) -> Any:
    """The class of a block for a batch of this size."""
    nn = fw.nn

    def heads(x: Tensor) -> Tensor:
        return x.reshape(batch, LENGTH, HEADS, WIDTH // HEADS).transpose(1, 2)

    class Block(fw.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
            self.query, self.key = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
            self.value, self.out = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
            self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

        def forward(self, x: Tensor) -> Tensor:
            h = self.norm1(x)
            mixed = fw.attention(heads(self.query(h)), heads(self.key(h)), heads(self.value(h)))
            x = x + self.out(mixed.transpose(1, 2).reshape(batch, LENGTH, WIDTH))
            return x + self.down(fw.gelu(self.up(self.norm2(x))))

    return Block


def model(fw: Framework) -> Any:
    return fw.load(block_of(fw, BATCH)(), initial(SHAPES))


def train(fw: Framework) -> Step:
    def loss(model: Any, x: Tensor, target: Tensor) -> Tensor:
        error = model(x) - target
        return (error * error).mean()

    x = fw.tensor(normal(BATCH, LENGTH, WIDTH))
    target = fw.tensor(normal(BATCH, LENGTH, WIDTH, seed=3))
    return fw.training_step(model(fw), loss, x, target)


def flops(batch: int) -> float:
    """Of a block, forward and backward."""
    projections = 2.0 * batch * LENGTH * 12 * WIDTH * WIDTH
    # Half of each attention matrix is masked: the least work is half.
    attention = 2.0 * 2 * batch * LENGTH * LENGTH * WIDTH / 2
    return 3 * (projections + attention)


WORKLOADS = (
    Workload(
        "transformer_train",
        "transformer block (16x128x128, 4 heads, causal), training step",
        train,
        flops=flops(BATCH),
        bytes=2.0 * FLOAT * BATCH * LENGTH * WIDTH + adam_bytes(count(SHAPES)),
    ),
)
