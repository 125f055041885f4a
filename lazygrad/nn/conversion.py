"""Bringing the Tensors of a module to another device or dtype, under the same handles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lazygrad import dtype as dt, modes
from lazygrad.dtype import DType
from lazygrad.errors import DtypeError, JitError
from lazygrad.tensor import Tensor


def convert(tensors: Iterable[Tensor], device: str | None, dtype: Any) -> None:
    """Rebind each handle to its value on ``device``; floats also take ``dtype``.

    Gradients go with them. Leaves that require a gradient still do.

    Raises:
        DtypeError: for a dtype that is not a float: parameters must stay differentiable.
        JitError: inside a jitted function.
    """
    if modes.ambient.trace is not None:
        raise JitError("[to] a module cannot change device or dtype inside a jitted function")
    chosen = None if dtype is None else dt.of(dtype)
    if chosen is not None and not chosen.is_floating_point:
        raise DtypeError(f"[to] modules take float dtypes only, got {chosen.name}")
    listed = list(tensors)
    for tensor in listed:
        _convert(tensor, device, chosen)
        if tensor.grad is not None:
            _convert(tensor.grad, device, chosen)
    if listed:
        Tensor.realize(*listed)  # what was on the old device can go


def _convert(tensor: Tensor, device: str | None, dtype: DType | None) -> None:
    value = tensor.detach().to(device=device, dtype=dtype if tensor.is_floating_point() else None)
    if value.dtype is tensor.dtype and value.device == tensor.device:
        return
    required = tensor.requires_grad
    tensor._node = value._node  # assign() would bring the value back to the old dtype and device
    if required:
        tensor.requires_grad_()
