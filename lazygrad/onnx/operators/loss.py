"""Losses."""

from __future__ import annotations

from typing import Any

from lazygrad.nn import functional as F
from lazygrad.onnx.operators.operator import Operators, plain
from lazygrad.tensor_class import Tensor


def nll_loss(
    x: Tensor, target: Tensor, weight: Tensor | None = None, *, ignore_index: int | None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    kept = target if ignore_index is None else target.where(target != ignore_index, -100)
    return F.nll_loss(x, kept, weight, reduction=reduction)


def cross_entropy(
    x: Tensor, labels: Tensor, weight: Tensor | None = None, *, ignore_index: int | None = None,
    reduction: str = "mean", outputs: int = 1,
) -> Any:  # fmt: skip
    """The loss, and the logarithms of probabilities."""
    logs = F.log_softmax(x, 1)
    loss = nll_loss(logs, labels, weight, ignore_index=ignore_index, reduction=reduction)
    return (loss, logs) if outputs > 1 else loss


OPERATORS: Operators = plain(
    NegativeLogLikelihoodLoss=nll_loss, SoftmaxCrossEntropyLoss=cross_entropy
)
