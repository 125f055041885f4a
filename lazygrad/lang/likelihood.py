"""Negative logarithms of likelihoods, as losses."""

from __future__ import annotations

import math

from lazygrad.errors import ShapeError
from lazygrad.graph import Node
from lazygrad.lang.comparison import lt
from lazygrad.lang.elementwise import (
    add,
    detach,
    div,
    exp,
    log,
    maximum,
    mul,
    square,
    sub,
    surrogate,
    where,
)
from lazygrad.lang.loss import reduced
from lazygrad.lang.movement import reshape
from lazygrad.lang.operands import full_like, require_float


def poisson_nll_loss(
    x: Node,
    target: Node,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Node:
    """Of counts ``target`` and their rate ``x``, or its logarithm with ``log_input``; ``full`` adds
    Stirling's approximation of ``log(target!)`` where that is above 1."""
    op = "poisson_nll_loss"
    require_float(op, x)
    likely = mul(target, x if log_input else log(add(x, eps)))
    loss = sub(exp(x) if log_input else x, likely)
    if full:
        count = where(lt(1, target), target, 1.0)
        stirling = sub(mul(count, log(count)), count)
        stirling = add(stirling, mul(log(mul(count, 2 * math.pi)), 0.5))
        loss = add(loss, where(lt(1, target), stirling, 0.0))
    return reduced(op, loss, reduction)


def gaussian_nll_loss(
    x: Node,
    target: Node,
    var: Node | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Node:
    """Of values ``target`` and their mean ``x`` and variance ``var``, not counted as less than
    ``eps``; ``full`` adds the constant.

    Raises:
        ShapeError: for variances that fit neither the values nor one for each row of them.
    """
    op = "gaussian_nll_loss"
    require_float(op, x)
    spread = var if isinstance(var, Node) else full_like(x, float(var))
    if spread.shape != x.shape and spread.shape == x.shape[:-1]:
        spread = reshape(spread, (*spread.shape, 1))
    elif len(spread.shape) != x.ndim or any(
        n not in (1, size) for n, size in zip(spread.shape, x.shape, strict=True)
    ):
        raise ShapeError(
            f"[{op}] var of shape {spread.shape} fits neither {x.shape} nor {x.shape[:-1]}"
        )
    # as in PyTorch the bound does not stop the derivative
    spread = surrogate(maximum(detach(spread), eps), spread)
    loss = mul(add(log(spread), div(square(sub(x, target)), spread)), 0.5)
    loss = add(loss, 0.5 * math.log(2 * math.pi)) if full else loss
    return reduced(op, loss, reduction)
