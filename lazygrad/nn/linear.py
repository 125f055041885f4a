"""Fully connected layers."""

from __future__ import annotations

import math
from typing import Any

from lazygrad.arguments import require_range
from lazygrad.functional import bilinear
from lazygrad.nn import init
from lazygrad.nn.module import Module
from lazygrad.nn.parameter import Parameter
from lazygrad.public import public
from lazygrad.tensor_class import Tensor


class Linear(Module):
    """``x @ weight.T + bias``: shape (*, in_features) to (*, out_features).

    ``weight`` has shape (out_features, in_features) and starts uniform within
    ``1 / sqrt(in_features)``, like ``bias``.

    >>> layer = nn.Linear(3, 2)
    >>> layer.weight.shape, layer(lazygrad.zeros(5, 4, 3)).shape
    ((2, 3), (5, 4, 2))
    """

    bias: Parameter | None

    @public
    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        require_range("Linear", 0, in_features=in_features, out_features=out_features)
        self.in_features = in_features
        self.out_features = out_features
        made = {"device": device, "dtype": dtype}
        self.weight = Parameter(Tensor.empty(out_features, in_features, **made))
        self.bias = Parameter(Tensor.empty(out_features, **made)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    @public
    def forward(self, input: Tensor) -> Tensor:
        return input.linear(self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Identity(Module):
    """Hands its input on; takes any arguments.

    >>> nn.Identity("anything", option=3)(Tensor([1.0])).tolist()
    [1.0]
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Any:
        return input


class Bilinear(Module):
    """``x1[i] weight[o, i, j] x2[j] + bias[o]``: shapes (*, in1_features) and (*, in2_features) to
    (*, out_features).

    ``weight`` (out_features, in1_features, in2_features) and ``bias`` start uniform within
    ``1 / sqrt(in1_features)``.

    >>> nn.Bilinear(2, 3, 4)(lazygrad.zeros(5, 2), lazygrad.zeros(5, 3)).shape
    (5, 4)
    """

    bias: Parameter | None

    @public
    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        require_range("Bilinear", 1, in1_features=in1_features, in2_features=in2_features)
        require_range("Bilinear", 0, out_features=out_features)
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        made = {"device": device, "dtype": dtype}
        self.weight = Parameter(Tensor.empty(out_features, in1_features, in2_features, **made))
        self.bias = Parameter(Tensor.empty(out_features, **made)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    @public
    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return bilinear.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )
