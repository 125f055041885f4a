"""Workloads that torch.compile can be expected to speed up, the shorter to compile first."""

from __future__ import annotations

from typing import Any

from .cuda import torch_on_cuda
from .rows import compared

CONTENDERS = ("lazygrad-gpu", "torch-cuda", "torch-cuda-compile")
WORKLOADS = (
    "chain", "layer_norm", "softmax", "cnn_infer", "transformer_train", "cnn_train", "mlp_train",
    "resnet_train",
)  # fmt: skip


def items() -> list[str]:
    """None where it would be lazygrad alone."""
    return list(WORKLOADS) if torch_on_cuda()[0] is not None else []


def run(item: str) -> dict[str, Any]:
    return compared(item, CONTENDERS)
