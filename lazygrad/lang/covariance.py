"""Covariance of variables, a row each, of which columns are observations."""

from __future__ import annotations

from lazygrad.element_types import FLOAT, default_float
from lazygrad.errors import DtypeError, ShapeError
from lazygrad.graph import Node
from lazygrad.lang.elementwise import clamp, div, mul, sqrt, square, sub
from lazygrad.lang.linalg import matmul
from lazygrad.lang.movement import reshape, transpose, unsqueeze
from lazygrad.lang.operands import cast, widened
from lazygrad.lang.reduce import mean, sum as sum_over


def cov(x: Node, correction: int, counts: Node | None, shares: Node | None) -> Node:
    """Weighted covariance; of one variable a scalar.

    Raises:
        ShapeError: for more than two dims, or weights that are not one an observation.
        DtypeError: for counts that are no integers.
    """
    if x.ndim > 2:
        raise ShapeError(f"[cov] needs at most 2 dims, got shape {x.shape}")
    rows = x if x.ndim == 2 else reshape(x, (1, x.size))
    for name, given in (("fweights", counts), ("aweights", shares)):
        if given is not None and given.shape != rows.shape[1:]:
            raise ShapeError(f"[cov] {name} of shape {given.shape} for {rows.shape[1]} columns")
    if counts is not None and not counts.dtype.is_integer:
        raise DtypeError(f"[cov] fweights must be integers, got {counts.dtype.name}")
    dtype = x.dtype if x.dtype.kind == FLOAT else default_float
    rows = widened(rows)
    weights = [cast(w, rows.dtype) for w in (counts, shares) if w is not None]
    if not weights:
        centred = sub(rows, mean(rows, 1, keepdim=True))
        divisor = float(max(rows.shape[1] - correction, 0))
        found = div(matmul(centred, transpose(centred, 0, 1)), divisor)
    else:
        weight = weights[0] if len(weights) == 1 else mul(*weights)
        total = sum_over(weight)
        centred = sub(rows, unsqueeze(div(sum_over(mul(rows, weight), 1), total), 1))
        lost = div(sum_over(mul(weight, weights[-1])), total) if shares is not None else 1.0
        less = mul(lost, float(correction)) if isinstance(lost, Node) else float(correction)
        products = matmul(mul(centred, weight), transpose(centred, 0, 1))
        found = div(products, clamp(sub(total, less), 0.0))
    return cast(found if x.ndim == 2 else reshape(found, ()), dtype)


def corrcoef(x: Node) -> Node:
    """Correlation coefficients, within [-1, 1]; of one variable a scalar.

    Raises:
        ShapeError: for more than two dims.
    """
    if x.ndim > 2:
        raise ShapeError(f"[corrcoef] needs at most 2 dims, got shape {x.shape}")
    dtype = x.dtype if x.dtype.kind == FLOAT else default_float
    rows = widened(x if x.ndim == 2 else reshape(x, (1, x.size)))
    centred = sub(rows, mean(rows, 1, keepdim=True))
    unit = div(centred, sqrt(sum_over(square(centred), 1, keepdim=True)))
    found = cast(clamp(matmul(unit, transpose(unit, 0, 1)), -1.0, 1.0), dtype)
    return found if x.ndim == 2 else reshape(found, ())
