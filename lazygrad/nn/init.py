"""Initial values, under torch.nn.init's names: each fills a Tensor and returns it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.public import public
from lazygrad.shape import Shape, numel
from lazygrad.tensor import Tensor

_F = TypeVar("_F", bound=Callable[..., Any])

GAINS = {
    "linear": 1.0, "conv1d": 1.0, "conv2d": 1.0, "conv3d": 1.0, "conv_transpose1d": 1.0,
    "conv_transpose2d": 1.0, "conv_transpose3d": 1.0, "sigmoid": 1.0, "tanh": 5.0 / 3.0,
    "relu": math.sqrt(2.0), "selu": 0.75,
}  # fmt: skip
LEAKY_SLOPE = 0.01


def _initializer(function: _F) -> _F:
    """A public function of this module, which messages call "init.name"."""
    return public(function, f"init.{function.__name__}")


@_initializer
def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that keeps the variance through ``nonlinearity``; ``param`` is the negative
    slope of "leaky_relu"."""
    if nonlinearity == "leaky_relu":
        slope = LEAKY_SLOPE if param is None else float(param)
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity not in GAINS:
        known = ", ".join([*GAINS, "leaky_relu"])
        raise ValueRangeError(f"[init] unknown nonlinearity {nonlinearity!r}; known: {known}")
    return GAINS[nonlinearity]


@_initializer
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0) -> Tensor:
    """From the uniform distribution on [a, b)."""
    drawn = Tensor.uniform(*tensor.shape, low=a, high=b, dtype=tensor.dtype, device=tensor.device)
    return tensor.assign(drawn)


@_initializer
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """From the normal distribution."""
    drawn = Tensor.normal(
        *tensor.shape, mean=mean, std=std, dtype=tensor.dtype, device=tensor.device
    )
    return tensor.assign(drawn)


@_initializer
def constant_(tensor: Tensor, val: float) -> Tensor:
    """``val`` everywhere."""
    return tensor.assign(Tensor.full(tensor.shape, val, dtype=tensor.dtype, device=tensor.device))


@_initializer
def ones_(tensor: Tensor) -> Tensor:
    return constant_(tensor, 1.0)


@_initializer
def zeros_(tensor: Tensor) -> Tensor:
    return constant_(tensor, 0.0)


@_initializer
def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix; ``tensor`` has 2 dims."""
    _require_dims("eye_", tensor.shape, 2, 2)
    return _from_array(tensor, np.eye(tensor.shape[0], tensor.shape[1]))


@_initializer
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """The convolution weight (3 to 5 dims) that hands its input channels through."""
    _require_dims("dirac_", tensor.shape, 3, 5)
    out_channels, in_channels, *kernel = tensor.shape
    if groups < 1 or out_channels % groups:
        raise ShapeError(f"[init.dirac_] {groups} groups do not divide {out_channels} channels")
    array = np.zeros(tensor.shape)
    middle = tuple(size // 2 for size in kernel)
    per_group = out_channels // groups
    for group in range(groups):
        for channel in range(min(per_group, in_channels)):
            array[(group * per_group + channel, channel, *middle)] = 1
    return _from_array(tensor, array)


@_initializer
def xavier_uniform_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Uniform with variance ``2 gain² / (fan_in + fan_out)`` (Glorot and Bengio, 2010)."""
    fan_in, fan_out = fans("xavier_uniform_", tensor.shape)
    bound = math.sqrt(3.0) * gain * math.sqrt(2.0 / (fan_in + fan_out))
    return uniform_(tensor, -bound, bound)


@_initializer
def xavier_normal_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Normal with variance ``2 gain² / (fan_in + fan_out)``."""
    fan_in, fan_out = fans("xavier_normal_", tensor.shape)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / (fan_in + fan_out)))


@_initializer
def kaiming_uniform_(
    tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
) -> Tensor:
    """Uniform with variance ``gain² / fan`` (He and others, 2015); ``a`` is the negative slope
    of the leaky ReLU that follows."""
    if 0 in tensor.shape:
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std("kaiming_uniform_", tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound)


@_initializer
def kaiming_normal_(
    tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
) -> Tensor:
    """Normal with variance ``gain² / fan``."""
    if 0 in tensor.shape:
        return tensor
    return normal_(tensor, 0.0, _kaiming_std("kaiming_normal_", tensor, a, mode, nonlinearity))


@_initializer
def orthogonal_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """A matrix (dims after the first flattened) with orthonormal rows or columns, by ``gain``."""
    _require_dims("orthogonal_", tensor.shape, 2, None)
    if 0 in tensor.shape:
        return tensor
    rows, columns = tensor.shape[0], numel(tensor.shape[1:])
    drawn = Tensor.normal(max(rows, columns), min(rows, columns)).numpy().astype(np.float64)
    q, r = np.linalg.qr(drawn)
    q = q * np.sign(np.diag(r))  # makes the distribution uniform
    return _from_array(tensor, gain * (q if rows >= columns else q.T).reshape(tensor.shape))


def fans(op: str, shape: Shape) -> tuple[int, int]:
    """How many inputs an output element sums over, and the other way round, for a weight of
    shape (outputs, inputs, *kernel)."""
    _require_dims(op, shape, 2, None)
    kernel = numel(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


def _kaiming_std(op: str, tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    choices = dict(zip(("fan_in", "fan_out"), fans(op, tensor.shape), strict=True))
    if mode not in choices:
        raise ValueRangeError(f"[init.{op}] mode must be fan_in or fan_out, got {mode!r}")
    return calculate_gain(nonlinearity, a) / math.sqrt(choices[mode])


def _require_dims(op: str, shape: Shape, low: int, high: int | None) -> None:
    if len(shape) < low or (high is not None and len(shape) > high):
        wanted = f"at least {low}" if high is None else f"{low} to {high}"
        raise ShapeError(f"[init.{op}] needs {wanted} dims, got shape {shape}")


def _from_array(tensor: Tensor, array: np.ndarray[Any, Any]) -> Tensor:
    value = Tensor(array.astype(np.float32), device=tensor.device)
    return tensor.assign(value.cast(tensor.dtype))
