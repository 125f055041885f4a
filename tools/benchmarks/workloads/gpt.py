"""A small GPT: 4 pre-norm blocks of width 128 and 4 heads, 8x128 tokens of a vocabulary of 65."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..frameworks import Framework, Step, Tensor
from ..workload import Workload, adam_bytes
from . import transformer
from .transformer import LENGTH, WIDTH
from .weights import count, initial, labels, linear

BATCH, LAYERS, VOCABULARY = 8, 4, 65
SHAPES = {
    "token.weight": (VOCABULARY, WIDTH),
    "position.weight": (LENGTH, WIDTH),
    **{
        f"block{i}.{name}": shape
        for i in range(LAYERS)
        for name, shape in transformer.SHAPES.items()
    },
    **linear("head", WIDTH, VOCABULARY),
}


def model(fw: Framework) -> Any:
    nn = fw.nn
    block = transformer.block_of(fw, BATCH)

    class GPT(fw.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.token = nn.Embedding(VOCABULARY, WIDTH)
            self.position = nn.Embedding(LENGTH, WIDTH)
            for i in range(LAYERS):
                setattr(self, f"block{i}", block())
            self.norm = nn.LayerNorm(WIDTH)
            self.head = nn.Linear(WIDTH, VOCABULARY)

        def forward(self, tokens: Tensor, positions: Tensor) -> Tensor:
            x = self.token(tokens) + self.position(positions)
            for i in range(LAYERS):
                x = getattr(self, f"block{i}")(x)
            return self.head(self.norm(x))

    return fw.load(GPT(), initial(SHAPES))


def train(fw: Framework) -> Step:
    def loss(model: Any, tokens: Tensor, positions: Tensor, following: Tensor) -> Tensor:
        logits = model(tokens, positions).reshape(BATCH * LENGTH, VOCABULARY)
        return fw.cross_entropy(logits, following)

    text = labels(BATCH * LENGTH + 1, VOCABULARY)
    tokens = fw.tensor(text[:-1].reshape(BATCH, LENGTH))
    return fw.training_step(
        model(fw), loss, tokens, fw.tensor(np.arange(LENGTH)), fw.tensor(text[1:])
    )


def _flops() -> float:
    head = 2.0 * BATCH * LENGTH * WIDTH * VOCABULARY
    return LAYERS * transformer.flops(BATCH) + 3 * head


WORKLOADS = (
    Workload(
        "gpt",
        "GPT (4 layers, width 128, 4 heads), training step, 8x128 tokens of 65",
        train,
        flops=_flops(),
        bytes=adam_bytes(count(SHAPES)),
    ),
)
