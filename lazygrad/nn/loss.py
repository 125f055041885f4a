"""Losses as modules."""

from __future__ import annotations

from lazygrad.arguments import require_range
from lazygrad.nn.module import Module
from lazygrad.public import public
from lazygrad.tensor import Tensor


class CrossEntropyLoss(Module):
    """Of logits (N, C, *) and labels (N, *) or probabilities (N, C, *)."""

    weight: Tensor | None

    @public
    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        require_range("CrossEntropyLoss", 0, 1, label_smoothing=label_smoothing)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.reduction = reduction
        self.label_smoothing = label_smoothing

    @public
    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return input.cross_entropy(
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )
