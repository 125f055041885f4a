"""Derivatives under torch.autograd's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lazygrad.backward import backward as _backward, grad as grad
from lazygrad.errors import GradError
from lazygrad.func.function import Function as Function
from lazygrad.functional.creation import as_tensor
from lazygrad.modes import (
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
)
from lazygrad.names import lookup
from lazygrad.public import public
from lazygrad.tensor_class import Tensor

__all__ = [
    "Function", "Variable", "backward", "enable_grad", "grad", "inference_mode", "no_grad",
    "set_grad_enabled",
]  # fmt: skip


@public
def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
) -> None:
    """As ``Tensor.backward`` of each of ``tensors``, with its gradient.

    Raises:
        GradError: for another number of gradients than tensors.

    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> lazygrad.autograd.backward([w.sum(), (w * w).sum()])
    >>> w.grad.tolist()
    [3.0, 5.0]
    """
    outputs = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    given: list[Any] = [None] * len(outputs)
    if grad_tensors is not None:
        given = [grad_tensors] if isinstance(grad_tensors, Tensor) else list(grad_tensors)
    if len(given) != len(outputs):
        raise GradError(f"[backward] {len(given)} grad_tensors for {len(outputs)} tensors")
    for output, gradient in zip(outputs, given, strict=True):
        _backward(output, gradient)


@public
def Variable(data: Any, requires_grad: bool = False, volatile: bool = False) -> Tensor:
    """What PyTorch had before tensors could require gradients: the tensor itself, as one that does
    or does not. ``volatile`` has no meaning any more.

    >>> x = Tensor([1.0])
    >>> lazygrad.autograd.Variable(x) is x
    True
    """
    made = as_tensor(data)
    return made.requires_grad_() if requires_grad else made


__getattr__ = lookup("autograd", "torch.autograd", globals())
