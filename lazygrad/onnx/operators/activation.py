"""Activations."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from lazygrad.nn import functional as F
from lazygrad.onnx.operators.operator import Operator, Operators, plain
from lazygrad.tensor_class import Tensor


def elu(x: Tensor, *, alpha: float = 1.0) -> Tensor:
    return F.elu(x, alpha)


def celu(x: Tensor, *, alpha: float = 1.0) -> Tensor:
    return F.celu(x, alpha)


def leaky_relu(x: Tensor, *, alpha: float = 0.01) -> Tensor:
    return F.leaky_relu(x, alpha)


def selu(
    x: Tensor, *, alpha: float = 1.6732631921768188, gamma: float = 1.0507010221481323
) -> Tensor:
    return gamma * F.elu(x, alpha)


def prelu(x: Tensor, slope: Tensor) -> Tensor:
    return x.where(x >= 0, x * slope)


def hard_sigmoid(x: Tensor, *, alpha: float = 0.2, beta: float = 0.5) -> Tensor:
    return (alpha * x + beta).clamp(0, 1)


def hard_swish(x: Tensor) -> Tensor:
    return x * hard_sigmoid(x, alpha=1 / 6, beta=0.5)


def swish(x: Tensor, *, alpha: float = 1.0) -> Tensor:
    return x * (alpha * x).sigmoid()


def thresholded_relu(x: Tensor, *, alpha: float = 1.0) -> Tensor:
    return x.where(x > alpha, 0)


def shrink(x: Tensor, *, bias: float = 0.0, lambd: float = 0.5) -> Tensor:
    return (x + bias).where(x < -lambd, (x - bias).where(x > lambd, 0))


def gelu(x: Tensor, *, approximate: str = "none") -> Tensor:
    return F.gelu(x, approximate)


def softmax(x: Tensor, *, axis: int = -1) -> Tensor:
    return F.softmax(x, axis)


def log_softmax(x: Tensor, *, axis: int = -1) -> Tensor:
    return F.log_softmax(x, axis)


def hardmax(x: Tensor, *, axis: int = -1) -> Tensor:
    chosen = F.one_hot(x.argmax(axis), x.shape[axis])
    return chosen.movedim(-1, axis).cast(x.dtype)


def over_a_matrix(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """As before version 13: all dims from ``axis`` on are one."""

    def flat(x: Tensor, *, axis: int = 1) -> Tensor:
        axis %= max(x.ndim, 1)
        rows = x.reshape(prod(x.shape[:axis]), prod(x.shape[axis:]))
        return function(rows, axis=-1).reshape(x.shape)

    return flat


def versions(function: Callable[..., Any]) -> tuple[Operator, ...]:
    return Operator(over_a_matrix(function)), Operator(function, since=13)


OPERATORS: Operators = {
    **plain(
        Relu=Tensor.relu, Sigmoid=Tensor.sigmoid, Tanh=Tensor.tanh, Softplus=F.softplus,
        Softsign=F.softsign, Mish=F.mish, Elu=elu, Celu=celu, LeakyRelu=leaky_relu, Selu=selu,
        PRelu=prelu, HardSigmoid=hard_sigmoid, HardSwish=hard_swish, Swish=swish,
        ThresholdedRelu=thresholded_relu, Shrink=shrink, Gelu=gelu,
    ),
    "Softmax": versions(softmax),
    "LogSoftmax": versions(log_softmax),
    "Hardmax": versions(hardmax),
}  # fmt: skip
