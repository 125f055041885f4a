"""Convolutions."""

from __future__ import annotations

import math
from typing import Any

from lazygrad.arguments import require_range
from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.lang.conv import conv_spans, sizes_of
from lazygrad.nn import init
from lazygrad.nn.module import Module
from lazygrad.nn.parameter import Parameter
from lazygrad.public import public
from lazygrad.shape import numel
from lazygrad.tensor import Tensor

Size = int | tuple[int, int]


class Conv2d(Module):
    """Cross-correlation of images: (N, in_channels, H, W) to (N, out_channels, H', W').

    ``weight`` has shape (out_channels, in_channels / groups, *kernel_size); it and ``bias`` start
    uniform within ``1 / sqrt(in_channels / groups * kernel elements)``. ``padding`` is a size, a
    pair of them, "valid" or "same".
    """

    bias: Parameter | None
    padding: tuple[int, ...] | str

    @public
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size | str = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        require_range("Conv2d", 1, in_channels=in_channels, out_channels=out_channels)
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ShapeError(
                f"[Conv2d] groups={groups} must divide in_channels={in_channels} and "
                f"out_channels={out_channels}"
            )
        if padding_mode != "zeros":
            raise ValueRangeError(
                f"[Conv2d] padding_mode {padding_mode!r} is not supported; known: zeros"
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = sizes_of("Conv2d", "kernel_size", kernel_size, 2, 1)
        self.stride = sizes_of("Conv2d", "stride", stride, 2, 1)
        self.padding = (
            padding if isinstance(padding, str) else sizes_of("Conv2d", "padding", padding, 2, 0)
        )
        self.dilation = sizes_of("Conv2d", "dilation", dilation, 2, 1)
        conv_spans("Conv2d", self.kernel_size, self.stride, self.padding, self.dilation)  # raises
        self.groups = groups
        self.padding_mode = padding_mode
        made = {"device": device, "dtype": dtype}
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = Parameter(Tensor.empty(shape, **made))
        self.bias = Parameter(Tensor.empty(out_channels, **made)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        fan_in = numel(self.weight.shape[1:])
        if self.bias is not None and fan_in:
            bound = 1 / math.sqrt(fan_in)
            init.uniform_(self.bias, -bound, bound)

    @public
    def forward(self, input: Tensor) -> Tensor:
        return input.conv2d(
            self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )

    def extra_repr(self) -> str:
        shown = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        shown += f", stride={self.stride}"
        optional = {
            "padding": (self.padding, (0, 0)),
            "dilation": (self.dilation, (1, 1)),
            "groups": (self.groups, 1),
        }
        for name, (value, default) in optional.items():
            if value != default:
                shown += f", {name}={value}"
        return shown if self.bias is not None else shown + ", bias=False"
