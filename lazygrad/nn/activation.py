"""Activations as modules."""

from __future__ import annotations

from typing import Any

from lazygrad.arguments import require_range
from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.functional import activation
from lazygrad.nn.applied import Applied
from lazygrad.nn.init import constant_
from lazygrad.nn.module import Module
from lazygrad.nn.parameter import Parameter
from lazygrad.public import public
from lazygrad.tensor_class import Tensor


class ReLU(Applied):
    """``max(x, 0)``

    >>> nn.ReLU()(Tensor([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    function = activation.relu

    @public
    def __init__(self, inplace: bool = False) -> None:
        super().__init__(inplace=inplace)


class ReLU6(Applied):
    """``x`` limited to [0, 6].

    >>> nn.ReLU6()(Tensor([-1.0, 8.0])).tolist()
    [0.0, 6.0]
    """

    function = activation.relu6

    @public
    def __init__(self, inplace: bool = False) -> None:
        super().__init__(inplace=inplace)


class LeakyReLU(Applied):
    """``x`` above 0, else ``negative_slope * x``.

    >>> nn.LeakyReLU(0.5)(Tensor([-1.0, 2.0])).tolist()
    [-0.5, 2.0]
    """

    function = activation.leaky_relu

    @public
    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(negative_slope=negative_slope, inplace=inplace)


class ELU(Applied):
    """``x`` above 0, else ``alpha * (exp(x) - 1)``.

    >>> nn.ELU(alpha=2.0)(Tensor([-1000.0, 2.0])).tolist()
    [-2.0, 2.0]
    """

    function = activation.elu

    @public
    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(alpha=alpha, inplace=inplace)


class CELU(Applied):
    """``x`` above 0, else ``alpha * (exp(x / alpha) - 1)``.

    >>> nn.CELU(alpha=2.0)(Tensor([-1000.0, 2.0])).tolist()
    [-2.0, 2.0]
    """

    function = activation.celu

    @public
    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(alpha=alpha, inplace=inplace)


class SELU(Applied):
    """``elu`` scaled so that activations normalise themselves.

    >>> nn.SELU()(Tensor([-1.0, 1.0])).realize()
    Tensor([-1.1113,  1.0507])
    """

    function = activation.selu

    @public
    def __init__(self, inplace: bool = False) -> None:
        super().__init__(inplace=inplace)


class SiLU(Applied):
    """``x * sigmoid(x)``, also called swish.

    >>> nn.SiLU()(Tensor([0.0, 1.0])).realize()
    Tensor([0.    , 0.7311])
    """

    function = activation.silu

    @public
    def __init__(self, inplace: bool = False) -> None:
        super().__init__(inplace=inplace)


class Mish(Applied):
    """``x * tanh(softplus(x))``.

    >>> nn.Mish()(Tensor([0.0, 1.0])).realize()
    Tensor([0.    , 0.8651])
    """

    function = activation.mish

    @public
    def __init__(self, inplace: bool = False) -> None:
        super().__init__(inplace=inplace)


class GELU(Applied):
    """``x * Phi(x)``; ``approximate="tanh"`` takes the usual approximation.

    >>> nn.GELU("tanh")(Tensor([1.0])).realize()
    Tensor([0.8412])
    """

    function = activation.gelu

    @public
    def __init__(self, approximate: str = "none") -> None:
        super().__init__(approximate=approximate)


class GLU(Applied):
    """``a * sigmoid(b)`` of the halves ``a`` and ``b`` of its input along ``dim``.

    >>> nn.GLU(dim=0)(Tensor([[1.0, 2.0], [0.0, 0.0]])).tolist()
    [[0.5, 1.0]]
    """

    function = activation.glu

    @public
    def __init__(self, dim: int = -1) -> None:
        super().__init__(dim=dim)


class Sigmoid(Applied):
    """``1 / (1 + exp(-x))``

    >>> nn.Sigmoid()(Tensor([0.0, 200.0])).tolist()
    [0.5, 1.0]
    """

    function = activation.sigmoid


class LogSigmoid(Applied):
    """``log(sigmoid(x))``

    >>> nn.LogSigmoid()(Tensor([-200.0, 200.0])).tolist()
    [-200.0, 0.0]
    """

    function = activation.logsigmoid


class Tanh(Applied):
    """Hyperbolic tangent.

    >>> nn.Tanh()(Tensor([0.0, 1.0])).realize()
    Tensor([0.    , 0.7616])
    """

    function = activation.tanh


class Tanhshrink(Applied):
    """``x - tanh(x)``

    >>> nn.Tanhshrink()(Tensor([0.0, 1.0])).realize()
    Tensor([0.    , 0.2384])
    """

    function = activation.tanhshrink


class Softsign(Applied):
    """``x / (1 + |x|)``

    >>> nn.Softsign()(Tensor([1.0, -3.0])).tolist()
    [0.5, -0.75]
    """

    function = activation.softsign


class Softplus(Applied):
    """``log(1 + exp(beta * x)) / beta``; ``x`` where ``beta * x`` is above ``threshold``.

    >>> nn.Softplus(beta=2.0)(Tensor([0.0, 50.0])).realize()
    Tensor([ 0.3466, 50.    ])
    """

    function = activation.softplus

    @public
    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__(beta=beta, threshold=threshold)


class Hardtanh(Applied):
    """``x`` limited to [min_val, max_val].

    >>> nn.Hardtanh(-2.0, 0.5)(Tensor([-3.0, 1.0])).tolist()
    [-2.0, 0.5]
    """

    function = activation.hardtanh

    @public
    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__(min_val=min_val, max_val=max_val, inplace=inplace)


class Hardsigmoid(Applied):
    """``(x + 3) / 6`` limited to [0, 1].

    >>> nn.Hardsigmoid()(Tensor([-3.0, 0.0, 4.0])).tolist()
    [0.0, 0.5, 1.0]
    """

    function = activation.hardsigmoid

    @public
    def __init__(self, inplace: bool = False) -> None:
        super().__init__(inplace=inplace)


class Hardswish(Applied):
    """``x * hardsigmoid(x)``

    >>> nn.Hardswish()(Tensor([-3.0, 3.0])).tolist()
    [-0.0, 3.0]
    """

    function = activation.hardswish

    @public
    def __init__(self, inplace: bool = False) -> None:
        super().__init__(inplace=inplace)


class Threshold(Applied):
    """``x`` where it is above ``threshold``, else ``value``.

    >>> nn.Threshold(1.0, -1.0)(Tensor([1.0, 2.0])).tolist()
    [-1.0, 2.0]
    """

    function = activation.threshold

    @public
    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(threshold=threshold, value=value, inplace=inplace)


class Hardshrink(Applied):
    """``x``, but 0 from ``-lambd`` to ``lambd``.

    >>> nn.Hardshrink()(Tensor([-0.5, 1.0])).tolist()
    [0.0, 1.0]
    """

    function = activation.hardshrink

    @public
    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__(lambd=lambd)


class Softshrink(Applied):
    """``x`` brought nearer to 0 by ``lambd``, and not beyond.

    >>> nn.Softshrink()(Tensor([-0.5, 1.0])).tolist()
    [0.0, 0.5]
    """

    function = activation.softshrink

    @public
    def __init__(self, lambd: float = 0.5) -> None:
        require_range("Softshrink", 0, lambd=lambd)
        super().__init__(lambd=lambd)


class RReLU(Applied):
    """``LeakyReLU`` with a slope drawn for each element from [lower, upper) in training, and with
    the middle of it in evaluation.

    >>> nn.RReLU(0.25, 0.75).eval()(Tensor([-1.0, 2.0])).tolist()
    [-0.5, 2.0]
    """

    function = activation.rrelu

    lower: float
    upper: float
    inplace: bool

    @public
    def __init__(
        self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False
    ) -> None:
        if lower > upper:
            raise ValueRangeError(f"[RReLU] lower must not exceed upper, got {lower} and {upper}")
        super().__init__(lower=lower, upper=upper, inplace=inplace)

    @public
    def forward(self, input: Tensor) -> Tensor:
        return activation.rrelu(input, self.lower, self.upper, self.training, self.inplace)


class PReLU(Module):
    """``x`` above 0, else ``weight * x``: ``weight`` (num_parameters,) is trained, one number or
    one for each channel (dim 1), and starts as ``init``.

    >>> layer = nn.PReLU(num_parameters=3)
    >>> layer.weight.shape, layer(lazygrad.zeros(2, 3, 4)).shape
    ((3,), (2, 3, 4))
    """

    @public
    def __init__(
        self,
        num_parameters: int = 1,
        init: float = 0.25,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        require_range("PReLU", 1, num_parameters=num_parameters)
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(Tensor.empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Back to the first values."""
        constant_(self.weight, self.init)

    @public
    def forward(self, input: Tensor) -> Tensor:
        return activation.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class Softmax(Applied):
    """Positive values that sum to 1 along ``dim``; without it as ``F.softmax``.

    >>> nn.Softmax(dim=1)(Tensor([[1.0, 1.0]])).tolist()
    [[0.5, 0.5]]
    """

    function = activation.softmax

    @public
    def __init__(self, dim: int | None = None) -> None:
        super().__init__(dim=dim)


class LogSoftmax(Applied):
    """The logarithm of softmax along ``dim``.

    >>> nn.LogSoftmax(dim=1)(Tensor([[0.0, 1000.0]])).tolist()
    [[-1000.0, 0.0]]
    """

    function = activation.log_softmax

    @public
    def __init__(self, dim: int | None = None) -> None:
        super().__init__(dim=dim)


class Softmin(Applied):
    """Softmax of ``-x`` along ``dim``.

    >>> nn.Softmin(dim=0)(Tensor([0.0, 1.0])).realize()
    Tensor([0.7311, 0.2689])
    """

    function = activation.softmin

    @public
    def __init__(self, dim: int | None = None) -> None:
        super().__init__(dim=dim)


class Softmax2d(Module):
    """Softmax over the channels of images, (N, C, H, W) or (C, H, W).

    >>> nn.Softmax2d()(lazygrad.zeros(1, 4, 1, 2)).tolist()
    [[[[0.25, 0.25]], [[0.25, 0.25]], [[0.25, 0.25]], [[0.25, 0.25]]]]
    """

    @public
    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (3, 4):
            raise ShapeError(f"[Softmax2d] needs 3 or 4 dims, got shape {input.shape}")
        return activation.softmax(input, -3)
