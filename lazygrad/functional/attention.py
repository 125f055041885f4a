"""Attention."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lazygrad.bridge import optional, read, wrap
from lazygrad.functional.random import random_key
from lazygrad.lang import attention
from lazygrad.public import public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """``softmax(query @ key.T * scale + mask) @ value``; with ``enable_gqa`` several heads of the
    query (dim -3) share one of key and value.

    >>> q, k, v = lazygrad.randn(2, 4, 3, 8), lazygrad.randn(2, 4, 5, 8), lazygrad.randn(2, 4, 5, 6)
    >>> F.scaled_dot_product_attention(q, k, v).shape
    (2, 4, 3, 6)
    """
    drop = random_key(query.device) if dropout_p else None
    mask, keys, values = optional(attn_mask), read(key), read(value)
    if enable_gqa:
        keys, values = attention.shared_by_heads(read(query), keys, values)
    return wrap(
        attention.scaled_dot_product_attention(
            read(query), keys, values, mask, dropout_p, is_causal, scale, drop
        )
    )
