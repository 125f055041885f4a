"""Normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lazygrad import state
from lazygrad.arguments import require_range
from lazygrad.bridge import optional, read, wrap
from lazygrad.errors import ShapeError
from lazygrad.functional.arguments import Dims, Sizes
from lazygrad.graph import Node
from lazygrad.lang import normalization
from lazygrad.lang.elementwise import add, mul, without_history
from lazygrad.lang.movement import aligned, reshape
from lazygrad.lang.operands import widened
from lazygrad.lang.reduce import mean
from lazygrad.public import public
from lazygrad.shape import as_shape

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def layernorm(input: Tensor, axis: Dims = -1, eps: float = 1e-5) -> Tensor:
    """Mean 0 and variance 1 over ``axis``.

    >>> Tensor([[1.0, 3.0]]).layernorm().realize()
    Tensor([[-1.,  1.]])
    """
    return wrap(normalization.standardize(read(input), axis, eps))


@public
def layer_norm(
    input: Tensor, normalized_shape: Sizes, weight: Tensor | None = None,
    bias: Tensor | None = None, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Mean 0 and variance 1 over the last dims, scaled by ``weight``, shifted by ``bias``.

    >>> F.layer_norm(Tensor([[1.0, 3.0], [5.0, 5.0]]), (2,)).realize()
    Tensor([[-1.,  1.],
            [ 0.,  0.]])
    """
    inner = as_shape("layer_norm", (normalized_shape,))
    scale, shift = optional(weight), optional(bias)
    return wrap(normalization.layer_norm(read(input), inner, scale, shift, eps))


@public
def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Mean 0 and variance 1 over groups of channels.

    >>> F.group_norm(Tensor([[[1.0], [3.0], [0.0], [0.0]]]), num_groups=2).realize()
    Tensor([[[-1.],
             [ 1.],
             [ 0.],
             [ 0.]]])
    """
    scale, shift = optional(weight), optional(bias)
    return wrap(normalization.group_norm(read(input), num_groups, scale, shift, eps))


@public
def batch_norm(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None,
    weight: Tensor | None = None, bias: Tensor | None = None, training: bool = False,
    momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Channels (dim 1) normalised: in training by the batch's moments, which also move the
    running ones; else by the running ones.

    >>> mean, var = lazygrad.zeros(2), lazygrad.ones(2)
    >>> F.batch_norm(Tensor([[0.0, 1.0], [2.0, 1.0]]), mean, var, training=True).realize()
    Tensor([[-1.,  0.],
            [ 1.,  0.]])
    >>> mean.realize()
    Tensor([0.1, 0.1])
    """
    own, scale, shift = read(input), optional(weight), optional(bias)
    if not training:
        if running_mean is None or running_var is None:
            raise ShapeError("[batch_norm] needs running_mean and running_var unless training")
        center, spread = read(running_mean), read(running_var)
    else:
        center, spread, count = normalization.batch_moments(own)
        unbiased = mul(spread, count / (count - 1))
        _move_both("batch_norm", running_mean, center, running_var, unbiased, momentum)
    return wrap(normalization.batch_norm(own, center, spread, scale, shift, eps))


def _move_both(
    op: str,
    running_mean: Tensor | None,
    center: Node,
    running_var: Tensor | None,
    spread: Node,
    share: float,
) -> None:
    """``running = (1 - share) * running + share * moment``, for those that are there."""
    moved = ("running_mean", running_mean, center), ("running_var", running_var, spread)
    for name, running, moment in moved:
        if running is not None and running.shape != moment.shape:
            raise ShapeError(f"[{op}] {name} must have shape {moment.shape}, not {running.shape}")
    for _, running, moment in moved:
        if running is not None:
            kept, toward = without_history(read(running)), without_history(moment)
            state.rebind(running, add(mul(kept, 1.0 - share), mul(toward, share)))


@public
def instance_norm(
    input: Tensor, running_mean: Tensor | None = None, running_var: Tensor | None = None,
    weight: Tensor | None = None, bias: Tensor | None = None, use_input_stats: bool = True,
    momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Channels (dim 1) of each instance (dim 0) normalised: by their own moments, whose mean also
    moves the running ones, or by the running ones.

    Raises:
        ShapeError: for shapes that do not fit, or running moments that are missing.

    >>> F.instance_norm(Tensor([[[1.0, 3.0], [5.0, 5.0]]])).realize()
    Tensor([[[-1.,  1.],
             [ 0.,  0.]]])
    """
    own, scale, shift = read(input), optional(weight), optional(bias)
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise ShapeError("[instance_norm] needs running_mean and running_var, or input's own")
        held = read(running_mean), read(running_var)
        center, spread = [aligned(widened(value), 1, own.ndim) for value in held]
    else:
        center, spread, count = normalization.instance_moments(own)
        both = [reshape(mean(moment, 0), own.shape[1:2])
                for moment in (center, mul(spread, count / (count - 1)))]  # fmt: skip
        _move_both("instance_norm", running_mean, both[0], running_var, both[1], momentum)
    return wrap(normalization.instance_norm(own, center, spread, scale, shift, eps))


@public
def rms_norm(
    input: Tensor, normalized_shape: Sizes, weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """Divided by the root of the mean square over the last dims, scaled by ``weight``; ``eps`` is
    the distance between 1 and the next float if not given.

    >>> F.rms_norm(Tensor([[3.0, 4.0]]), (2,)).realize()
    Tensor([[0.8485, 1.1314]])
    """
    inner = as_shape("rms_norm", (normalized_shape,))
    return wrap(normalization.rms_norm(read(input), inner, optional(weight), eps))


@public
def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """``x / (k + alpha * mean(x ** 2)) ** beta``, the mean over ``size`` neighbouring channels
    (dim 1).

    >>> F.local_response_norm(lazygrad.ones(1, 3, 2), size=3, alpha=3.0, beta=1.0).realize()
    Tensor([[[0.3333, 0.3333],
             [0.25  , 0.25  ],
             [0.3333, 0.3333]]])
    """
    require_range("local_response_norm", 1, size=size)
    return wrap(normalization.local_response_norm(read(input), size, alpha, beta, k))


@public
def batchnorm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, mean: Tensor, var: Tensor,
    eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Channels (dim 1) normalised by the moments given.

    >>> x = Tensor([[1.0, 3.0]])
    >>> x.batchnorm(None, None, Tensor([1.0, 1.0]), Tensor([1.0, 4.0])).realize()
    Tensor([[0., 1.]])
    """
    scale, shift = optional(weight), optional(bias)
    return wrap(normalization.batch_norm(read(input), read(mean), read(var), scale, shift, eps))
