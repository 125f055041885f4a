"""Losses. ``reduction`` is "none", "mean" or "sum"."""

from __future__ import annotations

import math
from collections.abc import Callable

from lazygrad.element_types import BOOL, FLOAT
from lazygrad.errors import DtypeError, ShapeError, ValueRangeError
from lazygrad.graph import Node
from lazygrad.lang import reduce
from lazygrad.lang.activation import centered
from lazygrad.lang.comparison import lt, ne
from lazygrad.lang.elementwise import (
    abs as absolute,
    add,
    div,
    exp,
    log,
    maximum,
    mul,
    neg,
    sloped,
    square,
    sub,
    where,
)
from lazygrad.lang.indexing import outside, pick, take
from lazygrad.lang.movement import aligned, reshape
from lazygrad.lang.operands import cast, require_float, widened
from lazygrad.lang.transcendental import log1p, magnitude
from lazygrad.shape import broadcast

_REDUCTIONS: dict[str, Callable[[Node], Node]] = {
    "none": lambda x: x,
    "mean": reduce.mean,
    "sum": reduce.sum,
}


def reduced(op: str, x: Node, reduction: str) -> Node:
    """``x``, its mean or its sum, by name."""
    _check_reduction(op, reduction)
    return _REDUCTIONS[reduction](x)


def _check_reduction(op: str, reduction: str) -> None:
    if reduction not in _REDUCTIONS:
        known = ", ".join(map(repr, _REDUCTIONS))
        raise ValueRangeError(f"[{op}] reduction must be one of {known}, got {reduction!r}")


# -- classification ------------------------------------------------------------------------------


def cross_entropy(
    x: Node,
    target: Node,
    weight: Node | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Node:
    """Cross entropy of logits (N, C, ..) or (C) with class indices or probabilities, as PyTorch's.

    Class indices have the shape of ``x`` without the class dim, and probabilities that of ``x``.
    An index outside [0, C) other than ``ignore_index`` gives NaN: a kernel cannot raise.

    Args:
        weight: one factor a class, (C,).
        label_smoothing: share of the target, in [0, 1], that is spread evenly over all classes.
    """
    require_float("cross_entropy", x)
    _check_reduction("cross_entropy", reduction)
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueRangeError(
            f"[cross_entropy] label_smoothing must be in [0, 1], got {label_smoothing}"
        )
    axis = _class_axis("cross_entropy", x)
    weight = _class_weights("cross_entropy", x, axis, weight)
    shifted = centered(widened(x), axis)
    total = log(reduce.sum(exp(shifted), axis, keepdim=True))
    if target.dtype.kind == FLOAT:
        loss = _with_probabilities(x, target, axis, shifted, total, weight, label_smoothing)
        share = x.size // max(x.shape[axis], 1)
        result = reduced("cross_entropy", loss, "none" if reduction == "none" else "sum")
        return cast(div(result, float(share)) if reduction == "mean" else result, x.dtype)
    _check_labels("cross_entropy", x, target, axis)
    picked = pick(shifted, axis, target)
    loss = sub(_without(total, axis), picked)
    smooth = None
    if label_smoothing:
        log_probabilities = sub(shifted, total)
        if weight is not None:
            log_probabilities = mul(log_probabilities, aligned(weight, axis, x.ndim))
        smooth = neg(reduce.sum(log_probabilities, axis))
        smooth = mul(smooth, label_smoothing / x.shape[axis])
    result = _weighted(
        loss, target, x.shape[axis], weight, ignore_index, reduction, 1.0 - label_smoothing, smooth
    )
    return cast(result, x.dtype)


def nll_loss(
    x: Node,
    target: Node,
    weight: Node | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Node:
    """``-x[target]`` for log-probabilities ``x`` (N, C, ..) or (C) and class indices."""
    require_float("nll_loss", x)
    _check_reduction("nll_loss", reduction)
    axis = _class_axis("nll_loss", x)
    weight = _class_weights("nll_loss", x, axis, weight)
    _check_labels("nll_loss", x, target, axis)
    loss = neg(pick(widened(x), axis, target))
    result = _weighted(loss, target, x.shape[axis], weight, ignore_index, reduction, 1.0, None)
    return cast(result, x.dtype)


def _class_axis(op: str, x: Node) -> int:
    if x.ndim == 0:
        raise ShapeError(f"[{op}] needs scores for classes, (C) or (N, C, ..), got a scalar")
    return 0 if x.ndim == 1 else 1


def _class_weights(op: str, x: Node, axis: int, weight: Node | None) -> Node | None:
    if weight is None:
        return None
    if weight.shape != (x.shape[axis],):
        raise ShapeError(
            f"[{op}] weight must have shape ({x.shape[axis]},), one a class, not {weight.shape}"
        )
    return widened(weight)


def _check_labels(op: str, x: Node, target: Node, axis: int) -> None:
    expected = x.shape[:axis] + x.shape[axis + 1 :]
    if target.dtype.kind == BOOL:
        raise DtypeError(f"[{op}] class indices must be integers, got bool")
    if target.dtype.kind == FLOAT:
        raise DtypeError(f"[{op}] class indices must be integers, got {target.dtype.name}")
    if target.shape != expected:
        raise ShapeError(
            f"[{op}] class indices for scores of shape {x.shape} must have shape {expected}, "
            f"not {target.shape}"
        )


def _without(x: Node, axis: int) -> Node:
    return reshape(x, x.shape[:axis] + x.shape[axis + 1 :])


def _with_probabilities(
    x: Node,
    target: Node,
    axis: int,
    shifted: Node,
    total: Node,
    weight: Node | None,
    label_smoothing: float,
) -> Node:
    if target.shape != x.shape:
        raise ShapeError(
            f"[cross_entropy] probabilities must have the shape of the scores {x.shape}, not "
            f"{target.shape}; class indices must be integers"
        )
    share = widened(target)
    if label_smoothing:
        share = add(mul(share, 1.0 - label_smoothing), label_smoothing / x.shape[axis])
    if weight is not None:
        share = mul(share, aligned(weight, axis, x.ndim))
    return reduce.sum(mul(share, sub(total, shifted)), axis)


def _weighted(
    loss: Node,
    target: Node,
    classes: int,
    weight: Node | None,
    ignore_index: int,
    reduction: str,
    factor: float,
    smooth: Node | None,
) -> Node:
    """Losses of single labels scaled by ``factor`` and their class weight, ``smooth`` added; 0
    for ignored labels, NaN for wrong ones; then reduced."""
    own = None if weight is None else take(weight, 0, target, in_range=True)
    if own is not None:
        loss = mul(loss, own)
    if factor != 1.0:
        loss = mul(loss, factor)
    if smooth is not None:
        loss = add(loss, smooth)
    loss = where(outside(target, classes), math.nan, loss)
    counted = ne(target, ignore_index)
    loss = where(counted, loss, 0.0)
    if reduction == "none":
        return loss
    total = reduce.sum(loss)
    if reduction == "sum":
        return total
    counts = cast(counted, loss.dtype) if own is None else where(counted, own, 0.0)
    return div(total, reduce.sum(counts))


# -- regression ------------------------------------------------------------------------------------


def mse_loss(x: Node, target: Node, reduction: str = "mean", weight: Node | None = None) -> Node:
    """Squared difference."""
    return _averaged("mse_loss", square(_difference("mse_loss", x, target)), reduction, weight)


def _averaged(op: str, loss: Node, reduction: str, weight: Node | None) -> Node:
    """As ``reduced``, with a weight for each element, by whose sum the mean is taken."""
    if weight is None:
        return reduced(op, loss, reduction)
    _check_reduction(op, reduction)
    _check_weight(op, loss, weight)
    total = _REDUCTIONS["none" if reduction == "none" else "sum"](mul(loss, weight))
    return div(total, reduce.sum(weight)) if reduction == "mean" else total


def _check_weight(op: str, loss: Node, weight: Node) -> None:
    if weight.shape != loss.shape:
        raise ShapeError(f"[{op}] weight must have shape {loss.shape}, not {weight.shape}")


def l1_loss(x: Node, target: Node, reduction: str = "mean", weight: Node | None = None) -> Node:
    """Absolute difference."""
    return _averaged("l1_loss", absolute(_difference("l1_loss", x, target)), reduction, weight)


def smooth_l1_loss(x: Node, target: Node, reduction: str = "mean", beta: float = 1.0) -> Node:
    """Half the squared difference divided by ``beta`` where that is less than ``beta``, else the
    absolute difference less ``beta / 2``."""
    if beta < 0:
        raise ValueRangeError(f"[smooth_l1_loss] beta must not be negative, got {beta}")
    if beta == 0:
        return l1_loss(x, target, reduction)
    return reduced("smooth_l1_loss", _smooth(_difference("smooth_l1_loss", x, target), beta),
                   reduction)  # fmt: skip


def huber_loss(
    x: Node, target: Node, reduction: str = "mean", delta: float = 1.0, weight: Node | None = None
) -> Node:
    """``delta`` times ``smooth_l1_loss`` with beta ``delta``."""
    if delta <= 0:
        raise ValueRangeError(f"[huber_loss] delta must be positive, got {delta}")
    loss = mul(_smooth(_difference("huber_loss", x, target), delta), delta)
    if weight is not None:  # by the count and not by the sum of weights, unlike in other losses
        _check_weight("huber_loss", loss, weight)
        loss = mul(loss, weight)
    return reduced("huber_loss", loss, reduction)


def _smooth(difference: Node, beta: float) -> Node:
    gap = absolute(difference)
    near = lt(gap, beta)
    small = mul(square(where(near, gap, 0.0)), 0.5 / beta)
    return where(near, small, sub(gap, 0.5 * beta))


def _difference(op: str, x: Node, target: Node) -> Node:
    broadcast(op, x.shape, target.shape)
    return sub(x, target)


def binary_cross_entropy(
    x: Node, target: Node, weight: Node | None = None, reduction: str = "mean"
) -> Node:
    """``-(t * log(x) + (1 - t) * log(1 - x))`` for probabilities; logarithms not below -100.

    As in PyTorch, the derivative ``(x - t) / (x * (1 - x))`` has no divisor below 1e-12, so that it
    is finite at 0 and 1.
    """
    require_float("binary_cross_entropy", x)
    _same_shape("binary_cross_entropy", x, target)
    wide, share = widened(x), widened(target)
    yes = maximum(log(wide), -100.0)
    no = maximum(log1p(neg(wide)), -100.0)
    loss = neg(add(mul(share, yes), mul(sub(1.0, share), no)))
    steepness = maximum(mul(wide, sub(1.0, wide)), 1e-12)
    slope = div(sub(wide, share), steepness)
    loss = sloped(loss, (wide, slope), (share, sub(no, yes)))
    loss = loss if weight is None else mul(loss, weight)
    return cast(reduced("binary_cross_entropy", loss, reduction), x.dtype)


def binary_cross_entropy_with_logits(
    x: Node,
    target: Node,
    weight: Node | None = None,
    reduction: str = "mean",
    pos_weight: Node | None = None,
) -> Node:
    """Binary cross entropy of ``sigmoid(x)``, without forming it.

    Args:
        pos_weight: factor of positive targets.
    """
    op = "binary_cross_entropy_with_logits"
    require_float(op, x)
    _same_shape(op, x, target)
    wide, share = widened(x), widened(target)
    below = where(lt(wide, 0), neg(wide), 0.0)
    softplus_of_negated = add(below, log1p(exp(neg(magnitude(wide)))))
    factor = softplus_of_negated
    if pos_weight is not None:
        factor = mul(factor, add(mul(sub(pos_weight, 1.0), share), 1.0))
    loss = add(mul(sub(1.0, share), wide), factor)
    loss = loss if weight is None else mul(loss, weight)
    return cast(reduced(op, loss, reduction), x.dtype)


def _same_shape(op: str, x: Node, target: Node) -> None:
    if x.shape != target.shape:
        raise ShapeError(f"[{op}] target of shape {target.shape} for an input of shape {x.shape}")


def kl_div(x: Node, target: Node, reduction: str = "mean", log_target: bool = False) -> Node:
    """``target * (log(target) - x)`` for log-probabilities ``x``; 0 where target is 0.

    ``reduction`` can also be "batchmean", the sum divided by the first size.
    """
    require_float("kl_div", x)
    if log_target:
        loss = mul(exp(target), sub(target, x))
    else:
        positive = lt(0.0, target) if target.dtype.kind == FLOAT else ne(target, 0)
        safe = where(positive, target, 1.0)
        loss = mul(target, sub(log(safe), x))
    if reduction == "batchmean":
        total = reduce.sum(widened(loss))
        return cast(div(total, float(x.shape[0] if x.ndim else 1)), loss.dtype)
    return reduced("kl_div", loss, reduction)
