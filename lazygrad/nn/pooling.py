"""Pooling over windows of images."""

from __future__ import annotations

from lazygrad.lang.conv import pool_sizes, require_divisor
from lazygrad.nn.conv import Size
from lazygrad.nn.module import Module
from lazygrad.public import public
from lazygrad.tensor import Tensor


class MaxPool2d(Module):
    """The largest value of each window: (N, C, H, W) to (N, C, H', W'). ``stride`` defaults to
    ``kernel_size``."""

    @public
    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        pool_sizes("MaxPool2d", 2, kernel_size, stride, padding, dilation)
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    @public
    def forward(self, input: Tensor) -> Tensor:
        return input.max_pool2d(
            self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode,
            self.return_indices,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class AvgPool2d(Module):
    """The mean of each window: (N, C, H, W) to (N, C, H', W'). ``stride`` defaults to
    ``kernel_size``."""

    @public
    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        pool_sizes("AvgPool2d", 2, kernel_size, stride, padding)
        require_divisor("AvgPool2d", divisor_override)
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    @public
    def forward(self, input: Tensor) -> Tensor:
        return input.avg_pool2d(
            self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad,
            self.divisor_override,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
