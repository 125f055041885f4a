"""Activations. With ``inplace`` the input itself takes the result, as in PyTorch."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

from lazygrad.arguments import require_range
from lazygrad.bridge import read, wrap
from lazygrad.errors import ValueRangeError
from lazygrad.functional.arguments import dtype_or_none
from lazygrad.functional.maps import unary
from lazygrad.functional.random import random_key
from lazygrad.lang import activation, random, transcendental
from lazygrad.lang.elementwise import neg
from lazygrad.lang.operands import cast, require_float, widened
from lazygrad.public import public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


sigmoid = unary(
    transcendental.sigmoid,
    "Tensor([0.0, 2.0, 100.0]).sigmoid().realize()",
    "Tensor([0.5   , 0.8808, 1.    ])",
)
logsigmoid = unary(
    transcendental.logsigmoid,
    "F.logsigmoid(Tensor([0.0, -100.0])).realize()",
    "Tensor([  -0.6931, -100.    ])",
)
tanh = unary(transcendental.tanh, "Tensor([0.0, 1.0]).tanh().realize()", "Tensor([0.    , 0.7616])")
softsign = unary(activation.softsign, "F.softsign(Tensor([1.0, -3.0])).tolist()", "[0.5, -0.75]")
tanhshrink = unary(
    activation.tanhshrink, "F.tanhshrink(Tensor([0.0, 1.0])).realize()", "Tensor([0.    , 0.2384])"
)


@public
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """The larger of ``x`` and 0; its gradient at 0 is 0, and NaN stays NaN.

    >>> F.relu(Tensor([-1.0, 2.0, float("nan")])).tolist()
    [0.0, 2.0, nan]
    """
    made = wrap(activation.relu(read(input)))
    return input.copy_(made) if inplace else made


@public
def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """``x`` limited to [0, 6]

    >>> F.relu6(Tensor([-1.0, 2.0, 8.0])).tolist()
    [0.0, 2.0, 6.0]
    """
    made = wrap(activation.relu6(read(input)))
    return input.copy_(made) if inplace else made


@public
def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """``x`` above 0, else ``negative_slope * x``

    >>> F.leaky_relu(Tensor([-1.0, 2.0]), negative_slope=0.5).tolist()
    [-0.5, 2.0]
    """
    made = wrap(activation.leaky_relu(read(input), negative_slope))
    return input.copy_(made) if inplace else made


@public
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """``x`` above 0, else ``weight * x``, with one weight or one for each channel (dim 1).

    Raises:
        ShapeError: for another number of weights.

    >>> F.prelu(Tensor([[-1.0, -1.0]]), Tensor([0.5, 0.25])).tolist()
    [[-0.5, -0.25]]
    """
    return wrap(activation.prelu(read(input), read(weight)))


@public
def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False,
    inplace: bool = False,
) -> Tensor:  # fmt: skip
    """``leaky_relu`` with a slope drawn for each element from [lower, upper) in training, and with
    the middle of it else.

    Raises:
        ValueRangeError: for ``lower`` above ``upper``.

    >>> F.rrelu(Tensor([-8.0, 2.0]), lower=0.25, upper=0.5).tolist()
    [-3.0, 2.0]
    """
    if lower > upper:
        raise ValueRangeError(f"[rrelu] lower must not exceed upper, got {lower} and {upper}")
    own = read(input)
    if training:
        require_float("rrelu", own)
        slopes = random.uniform(random_key(own.device), own.shape, own.dtype, lower, upper)
        made = wrap(activation.sloped_below(own, slopes))
    else:
        made = wrap(activation.leaky_relu(own, (lower + upper) / 2))
    return input.copy_(made) if inplace else made


@public
def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``x`` above 0, else ``alpha * (exp(x) - 1)``

    >>> F.elu(Tensor([-1.0, 2.0])).realize()
    Tensor([-0.6321,  2.    ])
    """
    made = wrap(activation.elu(read(input), alpha))
    return input.copy_(made) if inplace else made


@public
def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``x`` above 0, else ``alpha * (exp(x / alpha) - 1)``

    >>> F.celu(Tensor([-1.0, 2.0]), alpha=2.0).realize()
    Tensor([-0.7869,  2.    ])
    """
    made = wrap(activation.celu(read(input), alpha))
    return input.copy_(made) if inplace else made


@public
def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """``elu`` scaled so that activations normalise themselves.

    >>> F.selu(Tensor([-1.0, 1.0])).realize()
    Tensor([-1.1113,  1.0507])
    """
    made = wrap(activation.selu(read(input)))
    return input.copy_(made) if inplace else made


@public
def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """``x * sigmoid(x)``, also called swish.

    >>> F.silu(Tensor([-1.0, 1.0])).realize()
    Tensor([-0.2689,  0.7311])
    """
    made = wrap(activation.silu(read(input)))
    return input.copy_(made) if inplace else made


@public
def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """``x * tanh(softplus(x))``

    >>> F.mish(Tensor([-1.0, 1.0])).realize()
    Tensor([-0.3034,  0.8651])
    """
    made = wrap(activation.mish(read(input)))
    return input.copy_(made) if inplace else made


@public
def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """``x * Phi(x)``, exact or approximated by "tanh".

    >>> F.gelu(Tensor([1.0])).realize(), F.gelu(Tensor([1.0]), approximate="tanh").realize()
    (Tensor([0.8413]), Tensor([0.8412]))
    """
    return wrap(activation.gelu(read(input), approximate))


@public
def glu(input: Tensor, dim: int = -1) -> Tensor:
    """``a * sigmoid(b)`` of the halves ``a`` and ``b`` of ``input`` along ``dim``.

    Raises:
        ShapeError: for a dim of odd size.

    >>> F.glu(Tensor([1.0, 2.0, 0.0, 100.0])).tolist()
    [0.5, 2.0]
    """
    return wrap(activation.glu(read(input), dim))


@public
def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """Limited to [min_val, max_val]

    >>> F.hardtanh(Tensor([-3.0, 0.5, 3.0])).tolist()
    [-1.0, 0.5, 1.0]
    """
    made = wrap(activation.hardtanh(read(input), min_val, max_val))
    return input.copy_(made) if inplace else made


@public
def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """``(x + 3) / 6`` limited to [0, 1]

    >>> F.hardsigmoid(Tensor([-3.0, 0.0, 4.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    made = wrap(activation.hardsigmoid(read(input)))
    return input.copy_(made) if inplace else made


@public
def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """``x * hardsigmoid(x)``

    >>> F.hardswish(Tensor([-3.0, 3.0, 4.0])).tolist()
    [-0.0, 3.0, 4.0]
    """
    made = wrap(activation.hardswish(read(input)))
    return input.copy_(made) if inplace else made


@public
def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """``x`` where it is above ``threshold``, else ``value``

    >>> F.threshold(Tensor([0.5, 2.0]), threshold=1.0, value=-1.0).tolist()
    [-1.0, 2.0]
    """
    made = wrap(activation.threshold(read(input), threshold, value))
    return input.copy_(made) if inplace else made


@public
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """``x``, but 0 from ``-lambd`` to ``lambd``

    >>> F.hardshrink(Tensor([-0.5, 0.4, 1.0])).tolist()
    [0.0, 0.0, 1.0]
    """
    return wrap(activation.hardshrink(read(input), lambd))


@public
def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """``x`` brought nearer to 0 by ``lambd``, and not beyond.

    Raises:
        ValueRangeError: for a negative ``lambd``.

    >>> F.softshrink(Tensor([-1.0, 0.4, 1.0])).tolist()
    [-0.5, 0.0, 0.5]
    """
    return wrap(activation.softshrink(read(input), lambd))


@public
def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """``log(1 + exp(beta * x)) / beta``

    >>> F.softplus(Tensor([0.0, 100.0])).realize()
    Tensor([  0.6931, 100.    ])
    """
    return wrap(transcendental.softplus(read(input), beta, threshold))


# -- softmax ---------------------------------------------------------------------------------------


@public
def softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """``exp(x)`` scaled to sum 1 along ``dim``.

    Without ``dim`` along dim 0 of tensors of 0, 1 or 3 dims and dim 1 of others, with a warning,
    as in PyTorch.

    >>> F.softmax(Tensor([[1.0, 1.0], [0.0, 1000.0]]), dim=-1).tolist()
    [[0.5, 0.5], [0.0, 1.0]]
    """
    axis = _dim_of("softmax", input, dim)
    return wrap(activation.softmax(read(input), axis, dtype_or_none(dtype)))


@public
def log_softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """Logarithm of ``softmax``.

    >>> F.log_softmax(Tensor([0.0, 1000.0]), dim=0).tolist()
    [-1000.0, 0.0]
    """
    axis = _dim_of("log_softmax", input, dim)
    return wrap(activation.log_softmax(read(input), axis, dtype_or_none(dtype)))


@public
def softmin(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """``softmax`` of ``-x``

    >>> F.softmin(Tensor([0.0, 1.0]), dim=0).realize()
    Tensor([0.7311, 0.2689])
    """
    axis = _dim_of("softmin", input, dim)
    return wrap(activation.softmax(neg(read(input)), axis, dtype_or_none(dtype)))


def _dim_of(op: str, input: Tensor, dim: int | None) -> int:
    if dim is not None:
        return dim
    implied = 0 if input.ndim in (0, 1, 3) else 1
    warnings.warn(f"[{op}] without dim takes dim={implied} here; say so", stacklevel=4)
    return implied


@public
def gumbel_softmax(
    logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:
    """A sample of the relaxed categorical distribution: ``softmax((logits + gumbel) / tau)``; with
    ``hard`` one-hot, with the derivative of the relaxed one. ``eps`` has no meaning any more.

    Raises:
        ValueRangeError: for ``tau`` that is not above 0.

    >>> F.gumbel_softmax(lazygrad.zeros(2, 3), hard=True).sum(-1).tolist()
    [1.0, 1.0]
    """
    require_range("gumbel_softmax", math.ulp(0.0), tau=tau)
    own = read(logits)
    require_float("gumbel_softmax", own)
    wide = widened(own)
    drawn = random.uniform(random_key(own.device), own.shape, wide.dtype)
    made = cast(activation.gumbel_softmax(wide, drawn, tau, hard, dim), own.dtype)
    return wrap(made)
