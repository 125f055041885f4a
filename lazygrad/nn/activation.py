"""Activations as modules."""

from __future__ import annotations

from lazygrad.nn.module import Module
from lazygrad.public import public
from lazygrad.tensor import Tensor


class ReLU(Module):
    """``max(x, 0)``"""

    @public
    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace  # for PyTorch's sake: fused kernels keep no intermediate anyway

    @public
    def forward(self, input: Tensor) -> Tensor:
        return input.relu()

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class GELU(Module):
    """``x * Phi(x)``; ``approximate="tanh"`` takes the usual approximation."""

    @public
    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    @public
    def forward(self, input: Tensor) -> Tensor:
        return input.gelu(approximate=self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class Sigmoid(Module):
    """``1 / (1 + exp(-x))``"""

    @public
    def forward(self, input: Tensor) -> Tensor:
        return input.sigmoid()


class Tanh(Module):
    """Hyperbolic tangent."""

    @public
    def forward(self, input: Tensor) -> Tensor:
        return input.tanh()


class Softmax(Module):
    """Positive values that sum to 1 along ``dim``."""

    @public
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    @public
    def forward(self, input: Tensor) -> Tensor:
        return input.softmax(self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """The logarithm of softmax along ``dim``."""

    @public
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    @public
    def forward(self, input: Tensor) -> Tensor:
        return input.log_softmax(self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"
