"""Pooling over windows of one, two or three dims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from lazygrad.functional import pool
from lazygrad.functional.arguments import Sizes
from lazygrad.lang.pool import pool_sizes, require_divisor
from lazygrad.lang.windows import sizes_of
from lazygrad.nn.applied import Applied
from lazygrad.public import public
from lazygrad.tensor_class import Tensor


class _Pool(Applied):
    """A pool over ``spatial`` dims; each class says which."""

    spatial: ClassVar[int]


class _MaxPool(_Pool):
    """The largest value of each window. ``stride`` defaults to ``kernel_size``."""

    unshown = ("return_indices",)

    @public
    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        pool_sizes(type(self).__name__, self.spatial, kernel_size, stride, padding, dilation)
        super().__init__(
            kernel_size=kernel_size,
            stride=kernel_size if stride is None else stride,
            padding=padding,
            dilation=dilation,
            return_indices=return_indices,
            ceil_mode=ceil_mode,
        )


class MaxPool1d(_MaxPool):
    """The largest value of each window: (N, C, L) to (N, C, L').

    >>> nn.MaxPool1d(2)(Tensor([[[1.0, 3.0, 2.0, 4.0]]])).tolist()
    [[[3.0, 4.0]]]
    """

    spatial, function = 1, pool.max_pool1d


class MaxPool2d(_MaxPool):
    """The largest value of each window: (N, C, H, W) to (N, C, H', W').

    >>> nn.MaxPool2d(3, stride=2, padding=1)(lazygrad.zeros(1, 8, 32, 32)).shape
    (1, 8, 16, 16)
    """

    spatial, function = 2, pool.max_pool2d


class MaxPool3d(_MaxPool):
    """The largest value of each window: (N, C, D, H, W) to (N, C, D', H', W').

    >>> values, indices = nn.MaxPool3d(2, return_indices=True)(lazygrad.zeros(1, 8, 4, 4, 4))
    >>> values.shape, indices.dtype
    ((1, 8, 2, 2, 2), lazygrad.int64)
    """

    spatial, function = 3, pool.max_pool3d


class _AvgPool(_Pool):
    """The mean of each window. ``stride`` defaults to ``kernel_size``."""

    unshown = ("ceil_mode", "count_include_pad", "divisor_override")

    @public
    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        name = type(self).__name__
        pool_sizes(name, self.spatial, kernel_size, stride, padding)
        require_divisor(name, divisor_override)
        super().__init__(
            kernel_size=kernel_size,
            stride=kernel_size if stride is None else stride,
            padding=padding,
            ceil_mode=ceil_mode,
            count_include_pad=count_include_pad,
            divisor_override=divisor_override,
        )


class AvgPool1d(_AvgPool):
    """The mean of each window: (N, C, L) to (N, C, L').

    >>> nn.AvgPool1d(2)(Tensor([[[1.0, 3.0, 2.0, 4.0]]])).tolist()
    [[[2.0, 3.0]]]
    """

    spatial, function = 1, pool.avg_pool1d


class AvgPool2d(_AvgPool):
    """The mean of each window: (N, C, H, W) to (N, C, H', W').

    >>> nn.AvgPool2d((2, 1))(lazygrad.zeros(1, 8, 6, 6)).shape
    (1, 8, 3, 6)
    """

    spatial, function = 2, pool.avg_pool2d


class AvgPool3d(_AvgPool):
    """The mean of each window: (N, C, D, H, W) to (N, C, D', H', W').

    >>> nn.AvgPool3d(2, ceil_mode=True)(lazygrad.zeros(1, 8, 5, 5, 5)).shape
    (1, 8, 3, 3, 3)
    """

    spatial, function = 3, pool.avg_pool3d


class _LPPool(_Pool):
    """``sum(x ** p) ** (1 / p)`` of each window, with p ``norm_type``."""

    @public
    def __init__(
        self,
        norm_type: float,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        ceil_mode: bool = False,
    ) -> None:
        pool_sizes(type(self).__name__, self.spatial, kernel_size, stride, 0)
        super().__init__(
            norm_type=norm_type, kernel_size=kernel_size, stride=stride, ceil_mode=ceil_mode
        )


class LPPool1d(_LPPool):
    """``sum(x ** p) ** (1 / p)`` of each window: (N, C, L) to (N, C, L').

    >>> nn.LPPool1d(2, kernel_size=2)(Tensor([[[3.0, 4.0]]])).realize()
    Tensor([[[5.]]])
    """

    spatial, function = 1, pool.lp_pool1d


class LPPool2d(_LPPool):
    """``sum(x ** p) ** (1 / p)`` of each window: (N, C, H, W) to (N, C, H', W').

    >>> nn.LPPool2d(1, kernel_size=2)(lazygrad.ones(1, 1, 2, 2)).tolist()
    [[[[4.0]]]]
    """

    spatial, function = 2, pool.lp_pool2d


class LPPool3d(_LPPool):
    """``sum(x ** p) ** (1 / p)`` of each window: (N, C, D, H, W) to (N, C, D', H', W').

    >>> nn.LPPool3d(2, kernel_size=2)(lazygrad.ones(1, 8, 4, 4, 4)).shape
    (1, 8, 2, 2, 2)
    """

    spatial, function = 3, pool.lp_pool3d


# -- to sizes given --------------------------------------------------------------------------------


class _AdaptiveAvgPool(_Pool):
    """The mean over ``output_size`` windows that cover the spatial dims evenly; None keeps a
    size."""

    @public
    def __init__(self, output_size: int | Sequence[int | None] | None) -> None:
        _check_output(type(self).__name__, output_size, self.spatial)
        super().__init__(output_size=output_size)


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The mean over evenly placed windows: (N, C, L) to (N, C, output_size).

    >>> nn.AdaptiveAvgPool1d(2)(Tensor([[[1.0, 2.0, 3.0]]])).tolist()
    [[[1.5, 2.5]]]
    """

    spatial, function = 1, pool.adaptive_avg_pool1d


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The mean over evenly placed windows: (N, C, H, W) to (N, C, *output_size).

    >>> nn.AdaptiveAvgPool2d(1)(lazygrad.zeros(2, 8, 7, 5)).shape
    (2, 8, 1, 1)
    """

    spatial, function = 2, pool.adaptive_avg_pool2d


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """The mean over evenly placed windows: (N, C, D, H, W) to (N, C, *output_size).

    >>> nn.AdaptiveAvgPool3d((None, 1, 1))(lazygrad.zeros(2, 8, 7, 5, 4)).shape
    (2, 8, 7, 1, 1)
    """

    spatial, function = 3, pool.adaptive_avg_pool3d


class _AdaptiveMaxPool(_Pool):
    """The largest value of ``output_size`` windows that cover the spatial dims evenly; None keeps a
    size."""

    unshown = ("return_indices",)

    @public
    def __init__(
        self, output_size: int | Sequence[int | None] | None, return_indices: bool = False
    ) -> None:
        _check_output(type(self).__name__, output_size, self.spatial)
        super().__init__(output_size=output_size, return_indices=return_indices)


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest value of evenly placed windows: (N, C, L) to (N, C, output_size).

    >>> nn.AdaptiveMaxPool1d(2)(Tensor([[[1.0, 2.0, 3.0]]])).tolist()
    [[[2.0, 3.0]]]
    """

    spatial, function = 1, pool.adaptive_max_pool1d


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest value of evenly placed windows: (N, C, H, W) to (N, C, *output_size).

    >>> nn.AdaptiveMaxPool2d((3, None))(lazygrad.zeros(2, 8, 7, 5)).shape
    (2, 8, 3, 5)
    """

    spatial, function = 2, pool.adaptive_max_pool2d


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The largest value of evenly placed windows: (N, C, D, H, W) to (N, C, *output_size).

    >>> nn.AdaptiveMaxPool3d(2)(lazygrad.zeros(2, 8, 7, 5, 4)).shape
    (2, 8, 2, 2, 2)
    """

    spatial, function = 3, pool.adaptive_max_pool3d


def _check_output(name: str, output_size: int | Sequence[int | None] | None, spatial: int) -> None:
    listed = [output_size] if isinstance(output_size, int | None) else list(output_size)
    sizes_of(name, "output_size", [0 if size is None else size for size in listed], spatial, 0)


# -- back ------------------------------------------------------------------------------------------


class _MaxUnpool(_Pool):
    """Zeros, with each maximum of a ``MaxPool`` back at the place that its indices say."""

    @public
    def __init__(self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> None:
        pool_sizes(type(self).__name__, self.spatial, kernel_size, stride, padding)
        super().__init__(
            kernel_size=kernel_size,
            stride=kernel_size if stride is None else stride,
            padding=padding,
        )

    @public
    def forward(  # type: ignore[override]
        self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None
    ) -> Tensor:
        found: Tensor = type(self).function(
            input, indices, **self.arguments(), output_size=output_size
        )
        return found


class MaxUnpool1d(_MaxUnpool):
    """Zeros, with each maximum of a ``MaxPool1d`` back at its place.

    >>> values, indices = nn.MaxPool1d(2, return_indices=True)(Tensor([[[1.0, 3.0, 4.0, 2.0]]]))
    >>> nn.MaxUnpool1d(2)(values, indices).tolist()
    [[[0.0, 3.0, 4.0, 0.0]]]
    """

    spatial, function = 1, pool.max_unpool1d


class MaxUnpool2d(_MaxUnpool):
    """Zeros, with each maximum of a ``MaxPool2d`` back at its place.

    >>> values, indices = nn.MaxPool2d(2, return_indices=True)(lazygrad.zeros(1, 8, 5, 5))
    >>> nn.MaxUnpool2d(2)(values, indices, output_size=(5, 5)).shape
    (1, 8, 5, 5)
    """

    spatial, function = 2, pool.max_unpool2d


class MaxUnpool3d(_MaxUnpool):
    """Zeros, with each maximum of a ``MaxPool3d`` back at its place.

    >>> values, indices = nn.MaxPool3d(2, return_indices=True)(lazygrad.zeros(1, 8, 4, 4, 4))
    >>> nn.MaxUnpool3d(2)(values, indices).shape
    (1, 8, 4, 4, 4)
    """

    spatial, function = 3, pool.max_unpool3d
