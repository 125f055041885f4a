"""Normalisation over the last dims, over groups of channels and over neighbouring channels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from lazygrad import element_types as dt
from lazygrad.arguments import require_range
from lazygrad.errors import ShapeError
from lazygrad.functional import normalization
from lazygrad.nn import init
from lazygrad.nn.module import Module
from lazygrad.nn.parameter import Parameter
from lazygrad.public import public
from lazygrad.shape import Shape, as_shape, checked_shape
from lazygrad.tensor_class import Tensor


class LayerNorm(Module):
    """Normalises over the last dims, which have shape ``normalized_shape``, with a ``weight`` and
    a ``bias`` of that shape.

    >>> nn.LayerNorm(2)(Tensor([[1.0, 3.0], [10.0, 30.0]])).realize()
    Tensor([[-1.,  1.],
            [-1.,  1.]], requires_grad=True)
    """

    weight: Parameter | None
    bias: Parameter | None

    @public
    def __init__(
        self,
        normalized_shape: int | Iterable[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        require_range("LayerNorm", 0, eps=eps)
        self.normalized_shape: Shape = checked_shape(
            "LayerNorm", as_shape("LayerNorm", (normalized_shape,))
        )
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        made = {"device": device, "dtype": dtype}
        has_weight, has_bias = elementwise_affine, elementwise_affine and bias
        self.weight = Parameter(filled(self.normalized_shape, 1, **made)) if has_weight else None
        self.bias = Parameter(filled(self.normalized_shape, 0, **made)) if has_bias else None

    def reset_parameters(self) -> None:
        """Back to initial values."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    @public
    def forward(self, input: Tensor) -> Tensor:
        return input.layer_norm(self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """Divides by the root of the mean square over the last dims, which have shape
    ``normalized_shape``, and scales by a ``weight`` of that shape.

    >>> nn.RMSNorm(2)(Tensor([[3.0, 4.0]])).realize()
    Tensor([[0.8485, 1.1314]], requires_grad=True)
    """

    weight: Parameter | None

    @public
    def __init__(
        self,
        normalized_shape: int | Iterable[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape: Shape = checked_shape(
            "RMSNorm", as_shape("RMSNorm", (normalized_shape,))
        )
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        made = {"device": device, "dtype": dtype}
        self.weight = (
            Parameter(filled(self.normalized_shape, 1, **made)) if elementwise_affine else None
        )

    def reset_parameters(self) -> None:
        """Back to initial values."""
        if self.weight is not None:
            init.ones_(self.weight)

    @public
    def forward(self, input: Tensor) -> Tensor:
        return normalization.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )


class GroupNorm(Module):
    """Normalises groups of channels (dim 1) of each instance, with a ``weight`` and a ``bias`` for
    each channel.

    >>> nn.GroupNorm(num_groups=2, num_channels=8)(lazygrad.zeros(1, 8, 4, 4)).shape
    (1, 8, 4, 4)
    """

    weight: Parameter | None
    bias: Parameter | None

    @public
    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: str | None = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        require_range("GroupNorm", 1, num_groups=num_groups, num_channels=num_channels)
        if num_channels % num_groups:
            raise ShapeError(
                f"[GroupNorm] num_groups={num_groups} must divide num_channels={num_channels}"
            )
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        made = {"device": device, "dtype": dtype}
        self.weight = Parameter(filled(num_channels, 1, **made)) if affine else None
        self.bias = Parameter(filled(num_channels, 0, **made)) if affine and bias else None

    def reset_parameters(self) -> None:
        """Back to initial values."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    @public
    def forward(self, input: Tensor) -> Tensor:
        return input.group_norm(self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """``x / (k + alpha * mean(x ** 2)) ** beta``, the mean over ``size`` neighbouring channels.

    >>> nn.LocalResponseNorm(size=3, alpha=3.0, beta=1.0)(lazygrad.ones(1, 3, 1)).realize()
    Tensor([[[0.3333],
             [0.25  ],
             [0.3333]]])
    """

    @public
    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        require_range("LocalResponseNorm", 1, size=size)
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    @public
    def forward(self, input: Tensor) -> Tensor:
        return normalization.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


def filled(shape: int | Shape, value: float, device: str | None, dtype: Any) -> Tensor:
    """In memory from the start, so that the first step compiles to the kernels of all others."""
    wanted = dt.default_float if dtype is None else dtype
    shape = checked_shape("zeros", as_shape("zeros", (shape,)))
    return Tensor(np.full(shape, value, np.float32), dtype=wanted, device=device)
