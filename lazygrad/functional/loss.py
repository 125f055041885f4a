"""Losses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lazygrad import host
from lazygrad.arguments import require_range
from lazygrad.bridge import operand, optional, read, wrap
from lazygrad.graph import Node
from lazygrad.lang import likelihood, loss
from lazygrad.public import public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, ignore_index: int = -100,
    reduction: str = "mean", label_smoothing: float = 0.0,
) -> Tensor:  # fmt: skip
    """Cross entropy of logits (N, C, ..) or (C) with class indices or probabilities.

    Raises:
        ValueRangeError: a label outside [0, C) among values given by the host. Labels that
            were computed cannot raise: their loss is NaN.

    >>> logits = Tensor([[0.0, 0.0], [0.0, 100.0]])
    >>> F.cross_entropy(logits, Tensor([0, 1]), reduction="none").realize()
    Tensor([0.6931, 0.    ])
    >>> F.cross_entropy(logits, Tensor([[0.5, 0.5], [0.0, 1.0]])).realize()
    Tensor(0.3466)
    """
    labels, factors = _labels("cross_entropy", input, target, ignore_index), optional(weight)
    return wrap(
        loss.cross_entropy(read(input), labels, factors, ignore_index, reduction, label_smoothing)
    )


@public
def nll_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``-input[target]`` of log-probabilities (N, C, ..) or (C); wrong labels as in
    ``cross_entropy``.

    >>> F.nll_loss(Tensor([[-1.0, -2.0], [-3.0, -4.0]]), Tensor([0, -100])).item()
    1.0
    """
    labels, factors = _labels("nll_loss", input, target, ignore_index), optional(weight)
    return wrap(loss.nll_loss(read(input), labels, factors, ignore_index, reduction))


def _labels(op: str, scores: Tensor, target: Tensor, ignore_index: int) -> Node:
    """The labels' node, checked if the host has seen their values."""
    labels = read(target)
    if labels.dtype.is_integer and scores.ndim:
        host.check_labels(op, labels, scores.shape[0 if scores.ndim == 1 else 1], ignore_index)
    return labels


@public
def mse_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", weight: Tensor | None = None
) -> Tensor:
    """Squared difference. A ``weight`` has the shape of ``input``; the mean is by its sum.

    >>> F.mse_loss(Tensor([1.0, 2.0]), Tensor([1.0, 4.0])).item()
    2.0
    """
    return wrap(loss.mse_loss(read(input), read(target), reduction, optional(weight)))


@public
def l1_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", weight: Tensor | None = None
) -> Tensor:
    """Absolute difference, weighted as ``mse_loss``.

    >>> F.l1_loss(Tensor([1.0, 2.0]), Tensor([1.0, 4.0]), reduction="sum").item()
    2.0
    """
    return wrap(loss.l1_loss(read(input), read(target), reduction, optional(weight)))


@public
def smooth_l1_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", beta: float = 1.0
) -> Tensor:
    """Squared below ``beta``, absolute above.

    >>> F.smooth_l1_loss(Tensor([0.5, 3.0]), Tensor([0.0, 0.0]), reduction="none").tolist()
    [0.125, 2.5]
    """
    return wrap(loss.smooth_l1_loss(read(input), read(target), reduction, beta))


@public
def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Squared below ``delta``, ``delta`` times absolute above, times ``weight``; the mean is by the
    number of elements, as in PyTorch.

    >>> F.huber_loss(Tensor([0.5, 3.0]), Tensor([0.0, 0.0]), reduction="none", delta=2.0).tolist()
    [0.125, 4.0]
    """
    factors = optional(weight)
    return wrap(loss.huber_loss(read(input), read(target), reduction, delta, factors))


@public
def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """Of probabilities.

    >>> F.binary_cross_entropy(Tensor([0.5, 0.0]), Tensor([1.0, 1.0]), reduction="none").realize()
    Tensor([  0.6931, 100.    ])
    """
    factors = optional(weight)
    return wrap(loss.binary_cross_entropy(read(input), read(target), factors, reduction))


@public
def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Of logits.

    >>> logits = Tensor([0.0, 200.0])
    >>> F.binary_cross_entropy_with_logits(logits, Tensor([1.0, 0.0]), reduction="none").realize()
    Tensor([  0.6931, 200.    ])
    """
    factors, positive = optional(weight), optional(pos_weight)
    return wrap(
        loss.binary_cross_entropy_with_logits(
            read(input), read(target), factors, reduction, positive
        )
    )


@public
def kl_div(
    input: Tensor, target: Tensor, reduction: str = "mean", log_target: bool = False
) -> Tensor:
    """Divergence of the distribution ``target`` from log-probabilities ``input``.

    >>> p, q = Tensor([0.5, 0.5]), Tensor([0.25, 0.75])
    >>> F.kl_div(q.log(), p, reduction="sum").realize()
    Tensor(0.1438)
    """
    return wrap(loss.kl_div(read(input), read(target), reduction, log_target))


@public
def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool = True, full: bool = False, eps: float = 1e-8,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Of counts ``target`` and their rate ``input``, or its logarithm with ``log_input``; ``full``
    adds Stirling's approximation of ``log(target!)``.

    >>> F.poisson_nll_loss(Tensor([0.0]), Tensor([3.0])).item()
    1.0
    """
    own, counts = read(input), read(target)
    return wrap(likelihood.poisson_nll_loss(own, counts, log_input, full, eps, reduction))


@public
def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Tensor | float, full: bool = False, eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Of values ``target`` and their mean ``input`` and variance ``var``, not counted as less than
    ``eps``; ``full`` adds the constant.

    Raises:
        ShapeError: for variances that fit neither the values nor one for each row of them.
        ValueRangeError: for a number ``var`` that is negative. A tensor's values are not looked at.

    >>> F.gaussian_nll_loss(Tensor([0.0]), Tensor([2.0]), var=Tensor([1.0])).item()
    2.0
    """
    if isinstance(var, int | float):
        require_range("gaussian_nll_loss", 0, var=var)
    spread = operand(var, input)
    return wrap(
        likelihood.gaussian_nll_loss(read(input), read(target), spread, full, eps, reduction)
    )
