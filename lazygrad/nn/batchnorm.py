"""Normalisation of channels by running statistics: over a batch, or for each instance."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from lazygrad import modes
from lazygrad.arguments import require_range
from lazygrad.errors import ShapeError
from lazygrad.functional import normalization
from lazygrad.nn import init
from lazygrad.nn.module import Module
from lazygrad.nn.norm import filled
from lazygrad.nn.parameter import Parameter
from lazygrad.public import public
from lazygrad.tensor_class import Tensor


class _ChannelNorm(Module):
    """What all of them share.

    ``weight`` and ``bias`` of shape (C,) are None without ``affine``. The buffers ``running_mean``
    and ``running_var`` of shape (C,) and ``num_batches_tracked`` of shape () are None if
    ``track_running_stats`` is False.
    """

    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def _set_up(
        self, num_features: int, eps: float, momentum: float | None, affine: bool,
        track_running_stats: bool, bias: bool, device: str | None, dtype: Any,
    ) -> None:  # fmt: skip
        name = type(self).__name__
        require_range(name, 0, num_features=num_features, eps=eps)
        if momentum is not None:
            require_range(name, 0, 1, momentum=momentum)
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        made = {"device": device, "dtype": dtype}
        self.weight = Parameter(filled(num_features, 1, **made)) if affine else None
        self.bias = Parameter(filled(num_features, 0, **made)) if affine and bias else None
        tracks = track_running_stats
        count = Tensor(np.zeros((), np.int64), device=device)
        self.register_buffer("running_mean", filled(num_features, 0, **made) if tracks else None)
        self.register_buffer("running_var", filled(num_features, 1, **made) if tracks else None)
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

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, bias={self.bias is not None}, "
            f"track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_ChannelNorm):
    """Normalises each channel over the batch and all positions.

    In training with the statistics of the batch, which also move the running ones:
    ``running = (1 - momentum) * running + momentum * batch`` (unbiased variance); with
    ``momentum=None`` the running ones are plain averages. In evaluation with the running ones; or
    always with the batch's, where there are no others.

    Attributes:
        dims: the numbers of dims that it takes; given by each class.
        spatial: for each of them the names of those behind the channels.
    """

    dims: ClassVar[tuple[int, ...]]
    spatial: ClassVar[tuple[str, ...]]

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
        self._set_up(num_features, eps, momentum, affine, track_running_stats, bias, device, dtype)

    @public
    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in self.dims or input.shape[1] != self.num_features:
            wanted = " or ".join(f"(N, {self.num_features}{names})" for names in self.spatial)
            raise ShapeError(f"[{type(self).__name__}] needs shape {wanted}, got {input.shape}")
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
        axes = (0, *range(2, input.ndim))
        with modes.no_grad():
            share = 1.0 / self.num_batches_tracked.cast(self.running_mean.dtype)
            moments = (self.running_mean, input.mean(axes)), (self.running_var, input.var(axes))
            for running, batch in moments:
                running.assign(running + (batch - running) * share)


class BatchNorm1d(_BatchNorm):
    """Normalises each channel of (N, C) or (N, C, L) over the batch and all positions.

    >>> layer = nn.BatchNorm1d(2)
    >>> layer(Tensor([[0.0, 1.0], [2.0, 1.0]])).realize()
    Tensor([[-1.,  0.],
            [ 1.,  0.]], requires_grad=True)
    >>> layer.running_mean.realize()
    Tensor([0.1, 0.1])
    """

    dims, spatial = (2, 3), ("", ", L")


class BatchNorm2d(_BatchNorm):
    """Normalises each channel of images (N, C, H, W) over the batch and all positions.

    >>> layer = nn.BatchNorm2d(8)
    >>> layer(lazygrad.zeros(2, 8, 4, 4)).shape, list(layer.state_dict())
    ((2, 8, 4, 4), ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked'])
    """

    dims, spatial = (4,), (", H, W",)


class BatchNorm3d(_BatchNorm):
    """Normalises each channel of volumes (N, C, D, H, W) over the batch and all positions.

    >>> nn.BatchNorm3d(8, affine=False)(lazygrad.zeros(2, 8, 4, 4, 4)).shape
    (2, 8, 4, 4, 4)
    """

    dims, spatial = (5,), (", D, H, W",)


class _InstanceNorm(_ChannelNorm):
    """Normalises each channel of each instance over all positions; without statistics that run and
    without parameters by default."""

    dims: ClassVar[int]  # with the batch's

    @public
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: str | None = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self._set_up(num_features, eps, momentum, affine, track_running_stats, bias, device, dtype)

    @public
    def forward(self, input: Tensor) -> Tensor:
        batched = input.ndim == self.dims
        if not batched and input.ndim != self.dims - 1:
            raise ShapeError(
                f"[{type(self).__name__}] needs {self.dims - 1} or {self.dims} dims, got shape "
                f"{input.shape}"
            )
        if input.shape[batched] != self.num_features and (self.affine or self.track_running_stats):
            raise ShapeError(
                f"[{type(self).__name__}] needs {self.num_features} channels, got shape "
                f"{input.shape}"
            )
        found = normalization.instance_norm(
            input if batched else input.unsqueeze(0), self.running_mean, self.running_var,
            self.weight, self.bias, self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum, self.eps,
        )  # fmt: skip
        return found if batched else found.squeeze(0)


class InstanceNorm1d(_InstanceNorm):
    """Normalises each channel of each instance of (N, C, L) or (C, L).

    >>> nn.InstanceNorm1d(1)(Tensor([[[1.0, 3.0]], [[10.0, 30.0]]])).realize()
    Tensor([[[-1.,  1.]],
    <BLANKLINE>
            [[-1.,  1.]]])
    """

    dims = 3


class InstanceNorm2d(_InstanceNorm):
    """Normalises each channel of each instance of (N, C, H, W) or (C, H, W).

    >>> list(nn.InstanceNorm2d(8).parameters()), nn.InstanceNorm2d(8, affine=True).weight.shape
    ([], (8,))
    """

    dims = 4


class InstanceNorm3d(_InstanceNorm):
    """Normalises each channel of each instance of (N, C, D, H, W) or (C, D, H, W).

    >>> nn.InstanceNorm3d(8)(lazygrad.zeros(2, 8, 4, 4, 4)).shape
    (2, 8, 4, 4, 4)
    """

    dims = 5
