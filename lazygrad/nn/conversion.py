"""Modules on another device or in another dtype: their Tensors are brought there, under the same
handles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from lazygrad import element_types as dt, modes
from lazygrad.element_types import DType
from lazygrad.errors import DtypeError, JitError
from lazygrad.functional.conversion import destination
from lazygrad.public import public
from lazygrad.runtime.devices import cuda_device
from lazygrad.tensor_class import Tensor

if TYPE_CHECKING:
    from lazygrad.nn.module import Module

M = TypeVar("M", bound="Module")


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


# -- methods of Module; last, for some are called like built-in types ------------------------------


@public
def to(
    self: M, *args: Any, device: str | None = None, dtype: Any = None,
    non_blocking: bool = False, memory_format: Any = None,
) -> M:  # fmt: skip
    """Move parameters and buffers: ``to("GPU")``, ``to("float16")``, ``to("GPU",
    lazygrad.float16)``, ``to(tensor)``. Integers keep their dtype, handles stay the same.

    ``non_blocking`` and ``memory_format`` are accepted as PyTorch's.

    >>> model = nn.BatchNorm1d(2).to(lazygrad.float16)
    >>> model.weight.dtype, model.num_batches_tracked.dtype
    (lazygrad.float16, lazygrad.int64)
    """
    dtype, device = destination(args, dtype, device)
    convert([*self.parameters(), *self.buffers()], device, dtype)
    return self


def cpu(self: M) -> M:
    """On the CPU.

    >>> nn.Linear(2, 1).cpu().weight.device.type
    'cpu'
    """
    return self.to("CPU")


def cuda(self: M, device: Any = None) -> M:
    """On the GPU: the backend of this name, which PyTorch calls cuda.

    >>> layer = nn.Linear(2, 1)
    >>> layer = layer.cuda() if lazygrad.cuda.is_available() else layer
    >>> layer.weight.is_cuda == lazygrad.cuda.is_available()
    True
    """
    return self.to(cuda_device(device))


def type(self: M, dst_type: Any) -> M:
    """Parameters and buffers that are floats in another dtype.

    >>> nn.Linear(2, 1).type(lazygrad.float64).weight.dtype
    lazygrad.float64
    """
    return self.to(dtype=dst_type)


def float(self: M) -> M:
    """Parameters and buffers that are floats in float32.

    >>> nn.Linear(2, 1).half().float().weight.dtype
    lazygrad.float32
    """
    return self.to(dtype=dt.float32)


def double(self: M) -> M:
    """Parameters and buffers that are floats in float64.

    >>> nn.Linear(2, 1).double()(lazygrad.zeros(1, 2, dtype="float64")).dtype
    lazygrad.float64
    """
    return self.to(dtype=dt.float64)


def half(self: M) -> M:
    """Parameters and buffers that are floats in float16.

    >>> nn.Linear(2, 1).half().weight.dtype
    lazygrad.float16
    """
    return self.to(dtype=dt.float16)


def bfloat16(self: M) -> M:
    """Parameters and buffers that are floats in bfloat16.

    >>> nn.Linear(2, 1).bfloat16().weight.dtype
    lazygrad.bfloat16
    """
    return self.to(dtype=dt.bfloat16)
