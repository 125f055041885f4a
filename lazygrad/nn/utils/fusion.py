"""A batch norm that is no longer trained, as a part of the layer before it."""

from __future__ import annotations

import copy
from typing import TypeVar

from lazygrad.errors import ModuleError
from lazygrad.nn.module import Module
from lazygrad.nn.parameter import Parameter
from lazygrad.public import public
from lazygrad.tensor_class import Tensor

M = TypeVar("M", bound=Module)


@public
def fuse_conv_bn_weights(
    conv_w: Tensor, conv_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float,
    bn_w: Tensor | None, bn_b: Tensor | None, transpose: bool = False,
) -> tuple[Parameter, Parameter]:  # fmt: skip
    """Weight and bias of the convolution that is one with these and a batch norm after it;
    ``transpose`` for a transposed one.

    >>> mean, var = lazygrad.ones(4), lazygrad.full((4,), 3.0)
    >>> weight = lazygrad.ones(4, 1, 1)
    >>> w, b = nn.utils.fuse_conv_bn_weights(weight, None, mean, var, 1.0, None, None)
    >>> w.flatten().tolist(), b.tolist()
    ([0.5, 0.5, 0.5, 0.5], [-0.5, -0.5, -0.5, -0.5])
    """
    channel = 1 if transpose else 0
    shape = [1] * conv_w.ndim
    shape[channel] = -1
    return _fused(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, shape)


@public
def fuse_linear_bn_weights(
    linear_w: Tensor, linear_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float,
    bn_w: Tensor | None, bn_b: Tensor | None,
) -> tuple[Parameter, Parameter]:  # fmt: skip
    """Weight and bias of the linear layer that is one with these and a batch norm after it.

    >>> mean, var = lazygrad.ones(1), lazygrad.full((1,), 3.0)
    >>> weight = lazygrad.ones(1, 2)
    >>> w, b = nn.utils.fuse_linear_bn_weights(weight, None, mean, var, 1.0, None, None)
    >>> w.tolist(), b.tolist()
    ([[0.5, 0.5]], [-0.5])
    """
    return _fused(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, [-1, 1])


def _fused(
    weight: Tensor, bias: Tensor | None, mean: Tensor, var: Tensor, eps: float,
    scale: Tensor | None, shift: Tensor | None, shape: list[int],
) -> tuple[Parameter, Parameter]:  # fmt: skip
    factor = (var + eps).rsqrt() if scale is None else scale * (var + eps).rsqrt()
    moved = -mean if bias is None else bias - mean
    offset = moved * factor if shift is None else moved * factor + shift
    fused = weight * factor.reshape(shape)
    return (
        Parameter(fused.detach().cast(weight.dtype), weight.requires_grad),
        Parameter(offset.detach().cast(weight.dtype), bias is None or bias.requires_grad),
    )


@public
def fuse_conv_bn_eval(conv: M, bn: Module, transpose: bool = False) -> M:
    """A copy of ``conv`` that computes what it and ``bn`` after it compute in evaluation.

    Raises:
        ModuleError: if one of them is in training mode.

    >>> conv, norm = nn.Conv2d(3, 8, 3).eval(), nn.BatchNorm2d(8).eval()
    >>> x = lazygrad.ones(1, 3, 5, 5)
    >>> nn.utils.fuse_conv_bn_eval(conv, norm)(x).allclose(norm(conv(x)), atol=1e-5)
    True
    """
    fused = _copied("fuse_conv_bn_eval", conv, bn)
    own, norm = vars(conv), vars(bn)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        own["weight"], own["bias"], norm["running_mean"], norm["running_var"], norm["eps"],
        norm["weight"], norm["bias"], transpose,
    )  # fmt: skip
    return fused


@public
def fuse_linear_bn_eval(linear: M, bn: Module) -> M:
    """A copy of ``linear`` that computes what it and ``bn`` after it compute in evaluation.

    Raises:
        ModuleError: if one of them is in training mode.

    >>> linear, norm = nn.Linear(3, 8).eval(), nn.BatchNorm1d(8).eval()
    >>> fused = nn.utils.fuse_linear_bn_eval(linear, norm)
    >>> fused(lazygrad.ones(2, 3)).allclose(norm(linear(lazygrad.ones(2, 3))), atol=1e-5)
    True
    """
    fused = _copied("fuse_linear_bn_eval", linear, bn)
    own, norm = vars(linear), vars(bn)
    fused.weight, fused.bias = fuse_linear_bn_weights(
        own["weight"], own["bias"], norm["running_mean"], norm["running_var"], norm["eps"],
        norm["weight"], norm["bias"],
    )  # fmt: skip
    return fused


def _copied(op: str, layer: M, bn: Module) -> M:
    if layer.training or bn.training:
        raise ModuleError(f"[{op}] both layers must be in evaluation mode; call eval() on them")
    return copy.deepcopy(layer)
