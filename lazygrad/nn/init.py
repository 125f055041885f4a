"""Initial values, under torch.nn.init's names: each fills a Tensor and returns it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from lazygrad import element_types as dt
from lazygrad.arguments import require_range
from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.generator import Generator
from lazygrad.names import lookup
from lazygrad.public import public
from lazygrad.shape import Shape, numel
from lazygrad.tensor_class import Tensor

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
    slope of "leaky_relu".

    >>> nn.init.calculate_gain("relu"), nn.init.calculate_gain("leaky_relu", 1.0)
    (1.4142135623730951, 1.0)
    """
    if nonlinearity == "leaky_relu":
        slope = LEAKY_SLOPE if param is None else float(param)
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity not in GAINS:
        known = ", ".join([*GAINS, "leaky_relu"])
        raise ValueRangeError(f"[init] unknown nonlinearity {nonlinearity!r}; known: {known}")
    return GAINS[nonlinearity]


@_initializer
def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """From the uniform distribution on [a, b).

    >>> w = nn.init.uniform_(lazygrad.empty(100), -0.5, 0.5)
    >>> bool(((w >= -0.5) & (w < 0.5)).all())
    True
    """
    options: Any = {"dtype": tensor.dtype, "device": tensor.device, "generator": generator}
    return tensor.assign(Tensor.uniform(*tensor.shape, low=a, high=b, **options))


@_initializer
def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """From the normal distribution.

    >>> nn.init.normal_(lazygrad.empty(2), mean=3.0, std=0.0).tolist()
    [3.0, 3.0]
    """
    options: Any = {"dtype": tensor.dtype, "device": tensor.device, "generator": generator}
    return tensor.assign(Tensor.normal(*tensor.shape, mean=mean, std=std, **options))


@_initializer
def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:  # fmt: skip
    """From the normal distribution with what lies outside [a, b] left out, drawn by the inverse of
    its distribution function.

    Raises:
        ValueRangeError: if there is nothing between the bounds.

    >>> w = nn.init.trunc_normal_(lazygrad.empty(100), a=-1.0, b=1.0)
    >>> w.abs().max().item() <= 1
    True
    """
    if not a < b:
        raise ValueRangeError(f"[init.trunc_normal_] a must be less than b, got {a} and {b}")

    def below(bound: float) -> float:
        return math.erf((bound - mean) / (std * math.sqrt(2.0)))

    options: Any = {"dtype": dt.float32, "device": tensor.device, "generator": generator}
    drawn = Tensor.uniform(*tensor.shape, low=below(a), high=below(b), **options)
    value = (drawn.erfinv() * (std * math.sqrt(2.0)) + mean).clamp(a, b)
    return tensor.assign(value)


@_initializer
def sparse_(
    tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None
) -> Tensor:
    """A normal matrix of which a part ``sparsity`` of each column, chosen at random, is 0 (Martens,
    2010).

    >>> w = nn.init.sparse_(lazygrad.empty(10, 4), sparsity=0.3)
    >>> (w == 0).sum(0).tolist()
    [3, 3, 3, 3]
    """
    _require_dims("sparse_", tensor.shape, 2, 2)
    require_range("init.sparse_", 0, 1, sparsity=sparsity)
    rows, columns = tensor.shape
    options: Any = {"device": tensor.device, "generator": generator}
    order = Tensor.rand(rows, columns, **options).argsort(0).argsort(0)
    normal_(tensor, 0.0, std, generator)
    kept = order >= math.ceil(sparsity * rows)
    return tensor.assign(tensor.detach().where(kept, 0.0))


@_initializer
def constant_(tensor: Tensor, val: float) -> Tensor:
    """``val`` everywhere.

    >>> nn.init.constant_(lazygrad.empty(2), 0.5).tolist()
    [0.5, 0.5]
    """
    return tensor.assign(Tensor.full(tensor.shape, val, dtype=tensor.dtype, device=tensor.device))


@_initializer
def ones_(tensor: Tensor) -> Tensor:
    """1 everywhere.

    >>> nn.init.ones_(lazygrad.empty(2)).tolist()
    [1.0, 1.0]
    """
    return constant_(tensor, 1.0)


@_initializer
def zeros_(tensor: Tensor) -> Tensor:
    """0 everywhere.

    >>> nn.init.zeros_(nn.Linear(2, 1).bias).tolist()
    [0.0]
    """
    return constant_(tensor, 0.0)


@_initializer
def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix; ``tensor`` has 2 dims.

    >>> nn.init.eye_(lazygrad.empty(2, 3)).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    _require_dims("eye_", tensor.shape, 2, 2)
    return _from_array(tensor, np.eye(tensor.shape[0], tensor.shape[1]))


@_initializer
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """The convolution weight (3 to 5 dims) that hands its input channels through.

    >>> w = nn.init.dirac_(lazygrad.empty(2, 2, 3))
    >>> F.conv1d(Tensor([[[1.0, 2.0], [3.0, 4.0]]]), w, padding=1).tolist()
    [[[1.0, 2.0], [3.0, 4.0]]]
    """
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
def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Uniform with variance ``2 gain² / (fan_in + fan_out)`` (Glorot and Bengio, 2010).

    >>> w = nn.init.xavier_uniform_(lazygrad.empty(4, 2))
    >>> w.abs().max().item() <= 1
    True
    """
    fan_in, fan_out = fans("xavier_uniform_", tensor.shape)
    bound = math.sqrt(3.0) * gain * math.sqrt(2.0 / (fan_in + fan_out))
    return uniform_(tensor, -bound, bound, generator)


@_initializer
def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal with variance ``2 gain² / (fan_in + fan_out)``.

    >>> nn.init.xavier_normal_(lazygrad.empty(4, 2), gain=0.0).abs().max().item()
    0.0
    """
    fan_in, fan_out = fans("xavier_normal_", tensor.shape)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / (fan_in + fan_out)), generator)


@_initializer
def kaiming_uniform_(
    tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:  # fmt: skip
    """Uniform with variance ``gain² / fan`` (He and others, 2015); ``a`` is the negative slope
    of the leaky ReLU that follows.

    >>> w = nn.init.kaiming_uniform_(lazygrad.empty(4, 6), nonlinearity="relu")
    >>> w.abs().max().item() <= 1
    True
    """
    if 0 in tensor.shape:
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std("kaiming_uniform_", tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


@_initializer
def kaiming_normal_(
    tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:  # fmt: skip
    """Normal with variance ``gain² / fan``.

    >>> w = nn.init.kaiming_normal_(lazygrad.empty(64, 3, 7, 7), 0, "fan_out", "relu")
    >>> abs(w.std().item() - (2 / (64 * 7 * 7)) ** 0.5) < 1e-3
    True
    """
    if 0 in tensor.shape:
        return tensor
    std = _kaiming_std("kaiming_normal_", tensor, a, mode, nonlinearity)
    return normal_(tensor, 0.0, std, generator)


@_initializer
def orthogonal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """A matrix (dims after the first flattened) with orthonormal rows or columns, by ``gain``.

    >>> w = nn.init.orthogonal_(lazygrad.empty(3, 5))
    >>> (w @ w.T).allclose(lazygrad.eye(3), atol=1e-5)
    True
    """
    _require_dims("orthogonal_", tensor.shape, 2, None)
    if 0 in tensor.shape:
        return tensor
    rows, columns = tensor.shape[0], numel(tensor.shape[1:])
    shape = max(rows, columns), min(rows, columns)
    drawn = Tensor.randn(*shape, generator=generator).numpy().astype(np.float64)
    q, r = np.linalg.qr(drawn)
    q = q * np.sign(np.diag(r))  # makes the distribution uniform
    return _from_array(tensor, gain * (q if rows >= columns else q.T).reshape(tensor.shape))


def fans(op: str, shape: Shape) -> tuple[int, int]:
    """How many inputs an output element sums over, and the other way round, for a weight of
    shape (outputs, inputs, *kernel).

    >>> nn.init.fans("mine", (8, 3, 5, 5))
    (75, 200)
    """
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


__getattr__ = lookup("nn.init", "torch.nn.init", globals())
