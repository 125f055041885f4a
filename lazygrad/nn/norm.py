"""Normalisation layers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from lazygrad import dtype as dt, modes
from lazygrad.arguments import require_range
from lazygrad.errors import ShapeError
from lazygrad.nn import init
from lazygrad.nn.module import Module
from lazygrad.nn.parameter import Parameter
from lazygrad.public import public
from lazygrad.shape import Shape, as_shape, checked_shape
from lazygrad.tensor import Tensor


class BatchNorm2d(Module):
    """Normalises each channel of images (N, C, H, W) over the batch and all positions.

    In training with the statistics of the batch, which also move the running ones:
    ``running = (1 - momentum) * running + momentum * batch`` (unbiased variance); with
    ``momentum=None`` the running ones are plain averages. In evaluation with the running ones.

    Buffers ``running_mean`` and ``running_var`` of shape (C,), ``num_batches_tracked`` of shape
    (); None if ``track_running_stats`` is False: then the batch's are always used.
    """

    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    @public
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: str | None = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        require_range("BatchNorm2d", 0, num_features=num_features, eps=eps)
        if momentum is not None:
            require_range("BatchNorm2d", 0, 1, momentum=momentum)
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        made = {"device": device, "dtype": dtype}
        self.weight = Parameter(_filled(num_features, 1, **made)) if affine else None
        self.bias = Parameter(_filled(num_features, 0, **made)) if affine and bias else None
        tracks = track_running_stats
        count = Tensor(np.zeros((), np.int64), device=device)
        self.register_buffer("running_mean", _filled(num_features, 0, **made) if tracks else None)
        self.register_buffer("running_var", _filled(num_features, 1, **made) if tracks else None)
        self.register_buffer("num_batches_tracked", count if tracks else None)

    def reset_running_stats(self) -> None:
        """Forget the running statistics."""
        if self.running_mean is None or self.running_var is None:
            return
        init.zeros_(self.running_mean)
        init.ones_(self.running_var)
        if self.num_batches_tracked is not None:
            init.zeros_(self.num_batches_tracked)

    def reset_parameters(self) -> None:
        """Back to initial values, running statistics included."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    @public
    def forward(self, input: Tensor) -> Tensor:
        if input.ndim != 4 or input.shape[1] != self.num_features:
            raise ShapeError(
                f"[BatchNorm2d] needs shape (N, {self.num_features}, H, W), got {input.shape}"
            )
        mean, var = self.running_mean, self.running_var
        by_batch = self.training or mean is None
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.assign(self.num_batches_tracked + 1)
            if self.momentum is None:
                self._average(input)
                mean = var = None  # moved already
        momentum = 0.0 if self.momentum is None else self.momentum
        return input.batch_norm(mean, var, self.weight, self.bias, by_batch, momentum, self.eps)

    def _average(self, input: Tensor) -> None:
        """Move the running statistics to the average over all batches so far."""
        if (
            self.running_mean is None
            or self.running_var is None
            or self.num_batches_tracked is None
        ):
            return
        axes = (0, 2, 3)
        with modes.no_grad():
            share = 1.0 / self.num_batches_tracked.cast(self.running_mean.dtype)
            moments = (self.running_mean, input.mean(axes)), (self.running_var, input.var(axes))
            for running, batch in moments:
                running.assign(running + (batch - running) * share)

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, bias={self.bias is not None}, "
            f"track_running_stats={self.track_running_stats}"
        )


class LayerNorm(Module):
    """Normalises over the last dims, which have shape ``normalized_shape``, with a ``weight`` and
    a ``bias`` of that shape."""

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
        self.weight = Parameter(_filled(self.normalized_shape, 1, **made)) if has_weight else None
        self.bias = Parameter(_filled(self.normalized_shape, 0, **made)) if has_bias else None

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


def _filled(shape: int | Shape, value: float, device: str | None, dtype: Any) -> Tensor:
    """In memory from the start, so that the first step compiles to the kernels of all others."""
    wanted = dt.default_float if dtype is None else dtype
    shape = checked_shape("zeros", as_shape("zeros", (shape,)))
    return Tensor(np.full(shape, value, np.float32), dtype=wanted, device=device)
