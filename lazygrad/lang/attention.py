"""Attention."""

from __future__ import annotations

import math

from lazygrad.element_types import BOOL
from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.graph import Node, const
from lazygrad.lang.activation import safe_softmax, softmax
from lazygrad.lang.creation import triangle_mask
from lazygrad.lang.elementwise import add, mul, where
from lazygrad.lang.linalg import matmul
from lazygrad.lang.movement import repeat_each, transpose
from lazygrad.lang.random import dropout
from lazygrad.shape import Shape, broadcast


def scaled_dot_product_attention(
    query: Node,
    key: Node,
    value: Node,
    attn_mask: Node | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    dropout_key: Node | None = None,
) -> Node:
    """``softmax(query @ key.T * scale + mask) @ value``; 0 where a mask forbids everything.

    Args:
        query, key, value: (.., L, E), (.., S, E), (.., S, V); the result is (.., L, V).
        attn_mask: bool (False forbids) or a float bias, broadcast to (.., L, S).
        is_causal: position i attends to positions up to i only.
        scale: default 1 / sqrt(E).
    """
    fits = min(query.ndim, key.ndim, value.ndim) >= 2
    if not fits or query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise ShapeError(
            f"[scaled_dot_product_attention] query {query.shape}, key {key.shape} and value "
            f"{value.shape} do not fit; expected (.., L, E), (.., S, E) and (.., S, V)"
        )
    if attn_mask is not None:
        _check_mask(attn_mask, (*query.shape[:-1], key.shape[-2]))
    if is_causal and attn_mask is not None:
        raise ValueRangeError(
            "[scaled_dot_product_attention] give attn_mask or is_causal, not both"
        )
    factor = 1.0 / math.sqrt(max(query.shape[-1], 1)) if scale is None else scale
    scores = matmul(mul(query, factor), transpose(key, -2, -1))
    forbidden = -math.inf
    if is_causal:
        below = const(0.0, scores.dtype, scores.shape[-2:], scores.device)
        scores = where(triangle_mask(below, 0, lower=True), scores, forbidden)
    elif attn_mask is not None and attn_mask.dtype.kind == BOOL:
        scores = where(attn_mask, scores, forbidden)
    elif attn_mask is not None:
        scores = add(scores, attn_mask)
    # without a mask no row is forbidden as a whole
    weights = softmax(scores, -1) if attn_mask is None else safe_softmax(scores, -1)
    if dropout_p and dropout_key is not None:
        weights = dropout(weights, dropout_key, dropout_p)
    return matmul(weights, value)


def shared_by_heads(query: Node, key: Node, value: Node) -> tuple[Node, Node]:
    """Heads (dim -3) of key and value, each repeated for as many heads of the query.

    Raises:
        ShapeError: where they do not divide those of the query.
    """
    if min(x.ndim for x in (query, key, value)) < 3 or any(
        not x.shape[-3] or query.shape[-3] % x.shape[-3] for x in (key, value)
    ):
        raise ShapeError(
            f"[scaled_dot_product_attention] the heads (dim -3) of query {query.shape} are no "
            f"multiple of those of key {key.shape} and value {value.shape}"
        )
    first, second = (
        repeat_each(x, query.shape[-3] // x.shape[-3], x.ndim - 3) for x in (key, value)
    )
    return first, second


def _check_mask(mask: Node, scores: Shape) -> None:
    try:
        broadcast("scaled_dot_product_attention", mask.shape, scores)
    except ShapeError:
        raise ShapeError(
            f"[scaled_dot_product_attention] attn_mask of shape {mask.shape} does not broadcast to "
            f"(.., L, S), here {scores}"
        ) from None
