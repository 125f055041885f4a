"""PyTorch with a CUDA device, where there is one."""

from __future__ import annotations

from typing import Any


def torch_on_cuda() -> tuple[Any, str]:
    """The module, or None and what is missing."""
    try:
        import torch
    except ImportError as error:
        return None, f"PyTorch is not installed ({error})"
    if not torch.cuda.is_available():
        return None, f"PyTorch {torch.__version__} sees no CUDA device"
    return torch, ""
