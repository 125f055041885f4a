"""Bilinear forms."""

from __future__ import annotations

from lazygrad.errors import ShapeError
from lazygrad.graph import Node
from lazygrad.lang.elementwise import add
from lazygrad.lang.linalg import contract
from lazygrad.lang.movement import reshape, transpose, unsqueeze
from lazygrad.shape import numel


def bilinear(x: Node, y: Node, weight: Node, bias: Node | None = None) -> Node:
    """``x[i] weight[o, i, j] y[j]`` summed over i and j, plus ``bias[o]``.

    Raises:
        ShapeError: where the shapes do not fit.
    """
    fits = weight.ndim == 3 and x.ndim == y.ndim >= 1 and x.shape[:-1] == y.shape[:-1] and (
        x.shape[-1], y.shape[-1]) == weight.shape[1:]  # fmt: skip
    if not fits or (bias is not None and bias.shape != weight.shape[:1]):
        shown = "" if bias is None else f", bias of shape {bias.shape}"
        raise ShapeError(
            f"[bilinear] inputs of shape {x.shape} and {y.shape} with weight of shape "
            f"{weight.shape}{shown}: expected (.., I), (.., J), (O, I, J) and (O,)"
        )
    rows = reshape(x, (numel(x.shape[:-1]), 1, 1, x.shape[-1]))
    half = contract(rows, unsqueeze(transpose(weight, 1, 2), 0), -1)  # rows, O, J
    result = contract(half, reshape(y, (half.shape[0], 1, y.shape[-1])), -1)
    result = reshape(result, (*x.shape[:-1], weight.shape[0]))
    return result if bias is None else add(result, bias)
