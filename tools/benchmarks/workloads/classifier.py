"""The training step of networks that tell ten classes of images or rows apart."""

from __future__ import annotations

from typing import Any

from ..frameworks import Framework, Step, Tensor
from .weights import labels, normal

CLASSES = 10


def classifier_step(fw: Framework, model: Any, *shape: int, decay: float = 0.0) -> Step:
    """Adam on the cross-entropy of a batch of this shape; AdamW with a `decay`."""

    def loss(model: Any, x: Tensor, y: Tensor) -> Tensor:
        return fw.cross_entropy(model(x), y)

    x, y = fw.tensor(normal(*shape)), fw.tensor(labels(shape[0], CLASSES))
    return fw.training_step(model, loss, x, y, decay=decay)
