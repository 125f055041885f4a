"""A GPT as minGPT writes it: 2 layers of width 128 and 4 heads, attention in full, with dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..frameworks import Framework, Step, Tensor
from ..workload import Workload
from .weights import initial_of, labels

BATCH, LENGTH, LAYERS, WIDTH, HEADS, VOCABULARY = 16, 64, 2, 128, 4, 65
DROPOUT = 0.1


def model(fw: Framework) -> Any:
    nn, functional = fw.nn, fw.torch.nn.functional

    class Attention(fw.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.inward, self.outward = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
            self.dropout, self.end_dropout = nn.Dropout(DROPOUT), nn.Dropout(DROPOUT)

        def forward(self, x: Tensor, future: Tensor) -> Tensor:
            batch, length, width = x.shape
            query, key, value = (
                part.reshape(batch, length, HEADS, width // HEADS).transpose(1, 2)
                for part in self.inward(x).split(width, dim=2)
            )
            scores = (query @ key.transpose(-2, -1)) * (width // HEADS) ** -0.5
            weights = functional.softmax(scores.masked_fill(future, float("-inf")), dim=-1)
            mixed = (self.dropout(weights) @ value).transpose(1, 2).reshape(batch, length, width)
            return self.end_dropout(self.outward(mixed))

    class Block(fw.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
            self.attention, self.dropout = Attention(), nn.Dropout(DROPOUT)
            self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

        def forward(self, x: Tensor, future: Tensor) -> Tensor:
            x = x + self.attention(self.norm1(x), future)
            return x + self.dropout(self.down(functional.gelu(self.up(self.norm2(x)))))

    class GPT(fw.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.token, self.position = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(LENGTH, WIDTH)
            self.dropout = nn.Dropout(DROPOUT)
            self.blocks = nn.ModuleList([Block() for _ in range(LAYERS)])
            self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, VOCABULARY, bias=False)

        def forward(self, tokens: Tensor) -> Tensor:
            length = tokens.shape[1]
            future = fw.torch.ones(length, length).triu(1).bool()
            x = self.dropout(self.token(tokens) + self.position(fw.torch.arange(length)))
            for block in self.blocks:
                x = block(x, future)
            return self.head(self.norm(x))

    gpt = GPT()
    return fw.load(gpt, initial_of(gpt))


def train(fw: Framework) -> Step:
    def loss(model: Any, tokens: Tensor, following: Tensor) -> Tensor:
        return fw.cross_entropy(model(tokens).flatten(0, 1), following)

    text = labels(BATCH * LENGTH + 1, VOCABULARY)
    tokens = np.ascontiguousarray(text[:-1].reshape(BATCH, LENGTH))
    return fw.training_step(model(fw), loss, fw.tensor(tokens), fw.tensor(text[1:]))


PROGRAMS = (
    Workload(
        "mingpt",
        "minGPT (2 layers, width 128, dropout), training step, 16x64 tokens of 65",
        train,
        tolerance=0.1,  # each drops out others
        torch_names=True,
    ),
)
