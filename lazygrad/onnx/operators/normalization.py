"""Normalizations and dropout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lazygrad import element_types as dt
from lazygrad.functional.creation import full
from lazygrad.nn import functional as F
from lazygrad.onnx.operators.frames import SPATIAL
from lazygrad.onnx.operators.operator import Operator, Operators, plain
from lazygrad.onnx.types import Array, dtype_of
from lazygrad.tensor_class import Tensor


def batch_norm(
    x: Tensor, scale: Tensor, bias: Tensor, mean: Tensor, var: Tensor, *, epsilon: float = 1e-5,
    momentum: float = 0.9, training_mode: int = 0, spatial: int = 1, training: bool = False,
) -> Any:  # fmt: skip
    """By running statistics. ``training_mode`` is what the file says: by those of the batch, and
    running ones are results; ``training`` what the model is told: as PyTorch's layers then do."""
    if not training_mode:
        return F.batch_norm(x, mean, var, scale, bias, training, 1 - momentum, epsilon)
    axes = (0, *range(SPATIAL, x.ndim))
    found = F.batch_norm(x, None, None, scale, bias, True, eps=epsilon)
    pairs = ((mean, x.mean(axes)), (var, x.var(axes, unbiased=False)))
    return found, *(old * momentum + new * (1 - momentum) for old, new in pairs)


def instance_norm(x: Tensor, scale: Tensor, bias: Tensor, *, epsilon: float = 1e-5) -> Tensor:
    return F.instance_norm(x, None, None, scale, bias, eps=epsilon)


def layer_norm(
    x: Tensor, scale: Tensor, bias: Tensor | None = None, *, axis: int = -1,
    epsilon: float = 1e-5, stash_type: int = 1, outputs: int = 1,
) -> Any:  # fmt: skip
    """Over the dims from ``axis`` on; what was taken off and multiplied with, too."""
    dims = tuple(range(axis % x.ndim, x.ndim))
    wide = x.cast(dtype_of(stash_type))
    mean = wide.mean(dims, keepdim=True)
    inverse = ((wide - mean).square().mean(dims, keepdim=True) + epsilon).rsqrt()
    found = ((wide - mean) * inverse).cast(x.dtype) * scale
    found = found if bias is None else found + bias
    return (found, mean, inverse)[:outputs] if outputs > 1 else found


def rms_norm(
    x: Tensor, scale: Tensor, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1
) -> Tensor:
    dims = tuple(range(axis % x.ndim, x.ndim))
    wide = x.cast(dtype_of(stash_type))
    inverse = (wide.square().mean(dims, keepdim=True) + epsilon).rsqrt()
    return (wide * inverse).cast(x.dtype) * scale


def group_norm(
    x: Tensor, scale: Tensor, bias: Tensor, *, num_groups: int, epsilon: float = 1e-5,
    stash_type: int = 1,
) -> Tensor:  # fmt: skip
    return F.group_norm(x, num_groups, scale, bias, epsilon)


def group_norm_18(
    x: Tensor, scale: Tensor, bias: Tensor, *, num_groups: int, epsilon: float = 1e-5
) -> Tensor:
    """With a scale for each group, not for each channel."""
    each = x.shape[1] // num_groups
    scale, bias = scale.repeat_interleave(each), bias.repeat_interleave(each)
    return F.group_norm(x, num_groups, scale, bias, epsilon)


def local_response_norm(
    x: Tensor, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0
) -> Tensor:
    return F.local_response_norm(x, size, alpha, beta, bias)


def lp_norm(x: Tensor, *, axis: int = -1, p: int = 2) -> Tensor:
    norm = x.abs().sum(axis, True) if p == 1 else x.square().sum(axis, True).sqrt()
    return (x / norm).where(norm != 0, 0)


def mean_variance_norm(x: Tensor, *, axes: Sequence[int] = (0, 2, 3)) -> Tensor:
    moved = x - x.mean(tuple(axes), keepdim=True)
    return moved / (moved.square().mean(tuple(axes), keepdim=True).sqrt() + 1e-9)


def dropout(
    x: Tensor, ratio: Array | None = None, training_mode: Array | None = None, *, seed: int = 0,
    outputs: int = 1, training: bool = False,
) -> Any:  # fmt: skip
    """What is kept is scaled up; the second result says where."""
    dropping = training or (training_mode is not None and bool(training_mode))
    return _dropped(x, 0.5 if ratio is None else float(ratio), dropping, outputs)


def dropout_7(x: Tensor, *, ratio: float = 0.5, outputs: int = 1, training: bool = False) -> Any:
    return _dropped(x, ratio, training, outputs)


def _dropped(x: Tensor, ratio: float, dropping: bool, outputs: int) -> Any:
    kept = F.dropout(full(x.shape, 1.0, device=x.device), ratio, dropping)
    found = x * kept.cast(x.dtype) if dropping and ratio else x
    return (found, kept.cast(dt.bool_)) if outputs > 1 else found


OPERATORS: Operators = {
    **plain(
        InstanceNormalization=instance_norm,
        LayerNormalization=layer_norm,
        RMSNormalization=rms_norm,
        LRN=local_response_norm,
        LpNormalization=lp_norm,
        MeanVarianceNormalization=mean_variance_norm,
    ),
    "BatchNormalization": (Operator(batch_norm, since=7),),
    "GroupNormalization": (Operator(group_norm_18), Operator(group_norm, since=21)),
    "Dropout": (Operator(dropout_7, since=7), Operator(dropout, since=12, host=(1, 2))),
}
