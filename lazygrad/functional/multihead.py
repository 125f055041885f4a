"""Attention of several heads, as a function of its parameters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lazygrad.arguments import require_range
from lazygrad.bridge import read, wrap
from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.functional.random import random_key
from lazygrad.graph import Node
from lazygrad.lang import attention, random
from lazygrad.lang.activation import softmax
from lazygrad.lang.comparison import logical_not
from lazygrad.lang.elementwise import add, mul, where
from lazygrad.lang.join import cat
from lazygrad.lang.linalg import linear, matmul
from lazygrad.lang.movement import broadcast_to, pad, permute, reshape, shrink, transpose
from lazygrad.lang.operands import full_like, zeros_like
from lazygrad.lang.reduce import mean
from lazygrad.public import public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

OP = "multi_head_attention_forward"


@public
def multi_head_attention_forward(
    query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: int, num_heads: int,
    in_proj_weight: Tensor | None, in_proj_bias: Tensor | None, bias_k: Tensor | None,
    bias_v: Tensor | None, add_zero_attn: bool, dropout_p: float, out_proj_weight: Tensor,
    out_proj_bias: Tensor | None, training: bool = True,
    key_padding_mask: Tensor | None = None, need_weights: bool = True,
    attn_mask: Tensor | None = None, use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None, k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None, static_k: Tensor | None = None,
    static_v: Tensor | None = None, average_attn_weights: bool = True, is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """Attention of ``num_heads`` heads: query (L, N, E), key and value (S, N, ..), or all without
    N, to (L, N, E); and with ``need_weights`` the weights (N, L, S), or (N, heads, L, S) unless
    they are averaged.

    Args:
        in_proj_weight: (3 * E, E), of query, key and value one after the other; or one each with
            ``use_separate_proj_weight``.
        bias_k, bias_v: (1, 1, E), one more key and value.
        add_zero_attn: whether there is one more key and value of zeros.
        key_padding_mask: (N, S), bool (True forbids) or floats that are added to scores.
        attn_mask: (L, S) or (N * heads, L, S), as ``key_padding_mask``.
        static_k, static_v: (N * heads, S, E / heads), in place of projected ones.
        is_causal: a hint that ``attn_mask`` is causal, which has to be there.

    Raises:
        ShapeError: where shapes do not fit.
        ValueRangeError: for ``is_causal`` without a mask.

    >>> x, w, b = lazygrad.ones(3, 1, 4), lazygrad.ones(12, 4), lazygrad.zeros(12)
    >>> made, weights = F.multi_head_attention_forward(
    ...     x, x, x, 4, 2, w, b, None, None, False, 0.0, lazygrad.eye(4), None
    ... )
    >>> made.shape, weights.shape
    ((3, 1, 4), (1, 3, 3))
    """
    batched = query.ndim == 3
    _check(query, key, value, embed_dim_to_check, num_heads)
    if is_causal and attn_mask is None:
        raise ValueRangeError(f"[{OP}] is_causal is a hint about attn_mask; give one")
    own = [read(x) if batched else reshape(read(x), (x.shape[0], 1, x.shape[1]))
           for x in (query, key, value)]  # fmt: skip
    separate = (q_proj_weight, k_proj_weight, v_proj_weight)
    q, k, v = _projected(own, in_proj_weight, separate if use_separate_proj_weight else None,
                         in_proj_bias)  # fmt: skip
    count, width = q.shape[1], embed_dim_to_check // num_heads
    mask = None if attn_mask is None else _attention_mask(read(attn_mask), q, k, num_heads)
    padding = None if key_padding_mask is None else _padding_mask(read(key_padding_mask), k)
    extra = 0
    if bias_k is not None and bias_v is not None:
        shape = (1, count, embed_dim_to_check)
        k = cat([k, broadcast_to(read(bias_k), shape)])
        v = cat([v, broadcast_to(read(bias_v), shape)])
        extra += 1
    q, k, v = (_heads(x, num_heads, width) for x in (q, k, v))
    k = k if static_k is None else reshape(read(static_k), (count, num_heads, -1, width))
    v = v if static_v is None else reshape(read(static_v), (count, num_heads, -1, width))
    if add_zero_attn:
        k, v = (pad(x, [(0, 0), (0, 0), (0, 1), (0, 0)]) for x in (k, v))
        extra += 1
    merged = _merged(_extended(mask, extra), _extended(padding, extra))
    drop = dropout_p if training else 0.0
    weights: Node | None = None
    if need_weights:
        weights = _weights(q, k, merged)
        if drop:
            weights = random.dropout(weights, random_key(weights.device), drop)
        found = matmul(weights, v)
    else:
        dropped = random_key(q.device) if drop else None
        found = attention.scaled_dot_product_attention(
            q, k, v, _allowed(merged), drop, dropout_key=dropped
        )
    joined = reshape(permute(found, (2, 0, 1, 3)), (q.shape[2], count, embed_dim_to_check))
    bias = None if out_proj_bias is None else read(out_proj_bias)
    result = linear(joined, read(out_proj_weight), bias)
    if weights is not None and average_attn_weights:
        weights = mean(weights, 1)
    if not batched:
        result = reshape(result, (result.shape[0], result.shape[2]))
        weights = weights if weights is None else reshape(weights, weights.shape[1:])
    return wrap(result), None if weights is None else wrap(weights)


def _check(query: Tensor, key: Tensor, value: Tensor, embed_dim: int, heads: int) -> None:
    require_range(OP, 1, num_heads=heads)
    shapes = f"query {query.shape}, key {key.shape} and value {value.shape}"
    if query.ndim not in (2, 3) or not query.ndim == key.ndim == value.ndim:
        raise ShapeError(f"[{OP}] {shapes}: expected all of 3 dims, or all of 2 without a batch")
    if query.shape[-1] != embed_dim or embed_dim % heads:
        raise ShapeError(
            f"[{OP}] {shapes}: the query's last size must be {embed_dim}, and {heads} heads must "
            "divide it"
        )
    if key.shape[:-1] != value.shape[:-1] or key.shape[1:-1] != query.shape[1:-1]:
        raise ShapeError(f"[{OP}] {shapes}: keys and values must be as many, in the same batch")


def _projected(
    own: list[Node], together: Tensor | None, apart: tuple[Tensor | None, ...] | None,
    bias: Tensor | None,
) -> list[Node]:  # fmt: skip
    """Query, key and value in the space of the heads."""
    width = own[0].shape[-1]

    def part(of: Node, i: int) -> Node:
        bounds = [(i * width, (i + 1) * width), *((0, n) for n in of.shape[1:])]
        return shrink(of, bounds)

    given = [None if weight is None else read(weight) for weight in apart or ()]
    if together is not None and apart is None:
        given = [part(read(together), i) for i in range(3)]
    shifts = [None] * 3 if bias is None else [part(read(bias), i) for i in range(3)]
    if len(given) != 3 or None in given:
        raise ShapeError(f"[{OP}] a projection's weight is missing")
    return [linear(x, w, b) for x, w, b in zip(own, given, shifts, strict=True) if w is not None]


def _heads(x: Node, heads: int, width: int) -> Node:
    """(S, N, E) as (N, heads, S, E / heads)."""
    return permute(reshape(x, (x.shape[0], x.shape[1], heads, width)), (1, 2, 0, 3))


def _attention_mask(mask: Node, q: Node, k: Node, heads: int) -> Node:
    """As floats or bools that broadcast to (N, heads, L, S)."""
    (rows, count, _), columns = q.shape, k.shape[0]
    if mask.shape == (rows, columns):
        return reshape(mask, (1, 1, rows, columns))
    if mask.shape != (count * heads, rows, columns):
        raise ShapeError(
            f"[{OP}] attn_mask must have shape {(rows, columns)} or "
            f"{(count * heads, rows, columns)}, not {mask.shape}"
        )
    return reshape(mask, (count, heads, rows, columns))


def _padding_mask(mask: Node, k: Node) -> Node:
    columns, count, _ = k.shape
    if mask.shape not in ((count, columns), (columns,)) or (mask.ndim == 1 and count != 1):
        raise ShapeError(
            f"[{OP}] key_padding_mask must have shape {(count, columns)}, not {mask.shape}"
        )
    return reshape(mask, (count, 1, 1, columns))


def _extended(mask: Node | None, extra: int) -> Node | None:
    """With more keys, which are allowed."""
    return mask if mask is None else pad(mask, [(0, 0)] * 3 + [(0, extra)])


def _merged(first: Node | None, second: Node | None) -> Node | None:
    """What two masks forbid and add together: a bool (True forbids) if both are, else floats."""
    if first is None or second is None:
        return second if first is None else first
    if first.dtype.is_floating_point or second.dtype.is_floating_point:
        return add(*(_as_floats(mask, other) for mask, other in
                     ((first, second), (second, first))))  # fmt: skip
    return add(first, second)


def _as_floats(mask: Node, other: Node) -> Node:
    if mask.dtype.is_floating_point:
        return mask
    return where(mask, -math.inf, zeros_like(mask, other.dtype))


def _allowed(mask: Node | None) -> Node | None:
    """A mask as ``scaled_dot_product_attention`` has it: True allows."""
    return mask if mask is None or mask.dtype.is_floating_point else logical_not(mask)


def _weights(q: Node, k: Node, mask: Node | None) -> Node:
    scores = matmul(mul(q, 1.0 / math.sqrt(max(q.shape[-1], 1))), transpose(k, -2, -1))
    if mask is None:
        return softmax(scores, -1)
    if mask.dtype.is_floating_point:
        return softmax(add(scores, mask), -1)
    return softmax(where(mask, full_like(scores, -math.inf), scores), -1)
