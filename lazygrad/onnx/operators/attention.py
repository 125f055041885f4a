"""Attention and rotated positions, as in version 23 of the standard."""

from __future__ import annotations

from math import inf
from typing import Any

from lazygrad import element_types as dt
from lazygrad.nn import functional as F
from lazygrad.onnx.operators.operator import Operators, plain
from lazygrad.onnx.types import dtype_of
from lazygrad.tensor_class import Tensor


def attention(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, past_k: Tensor | None = None,
    past_v: Tensor | None = None, lengths: Tensor | None = None, *, is_causal: int = 0,
    kv_num_heads: int | None = None, q_num_heads: int | None = None,
    qk_matmul_output_mode: int = 0, scale: float | None = None, softcap: float = 0.0,
    softmax_precision: int | None = None, outputs: int = 1,
) -> Any:  # fmt: skip
    """Results, keys and values with those of the past, and what ``qk_matmul_output_mode`` says: 0
    the products of queries and keys, 1 with their cap, 2 with the mask, 3 the weights."""
    flat = q.ndim == 3
    q, k, v = _heads(q, q_num_heads), _heads(k, kv_num_heads), _heads(v, kv_num_heads)
    past = 0 if past_k is None else past_k.shape[2]
    if past_k is not None and past_v is not None:
        k, v = Tensor.cat([past_k, k], 2), Tensor.cat([past_v, v], 2)
    repeated = q.shape[1] // k.shape[1]
    keys, values = (t if repeated == 1 else t.repeat_interleave(repeated, 1) for t in (k, v))
    root = (q.shape[-1] ** -0.5 if scale is None else scale) ** 0.5
    products = (q * root) @ (keys * root).transpose(-2, -1)
    capped = products if softcap == 0 else softcap * (products / softcap).tanh()
    bias = _bias(products, mask, past, bool(is_causal), lengths)
    masked = capped if bias is None else capped + bias
    wide = masked if softmax_precision is None else masked.cast(dtype_of(softmax_precision))
    weights = F.softmax(wide, -1)
    weights = weights.where(weights == weights, 0).cast(q.dtype)  # rows that see nothing
    found = weights @ values
    if flat:
        found = found.transpose(1, 2).flatten(2)
    return (found, k, v, (products, capped, masked, weights)[qk_matmul_output_mode])[:outputs]


def _heads(x: Tensor, heads: int | None) -> Tensor:
    """(N, heads, T, E), of (N, T, heads * E) too."""
    if x.ndim == 4 or heads is None:
        return x
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def _bias(
    products: Tensor, mask: Tensor | None, past: int, causal: bool, lengths: Tensor | None
) -> Tensor | None:
    """What is added to products: minus infinity where a query does not see a key."""
    queries, keys = products.shape[-2:]
    device = products.device
    bias = None
    if mask is not None:
        seen = mask.dtype is dt.bool_
        bias = _hiding(mask.logical_not(), products.dtype) if seen else mask
        bias = F.pad(bias, (0, keys - mask.shape[-1]), value=-inf)
    places = Tensor.arange(keys, device=device)
    hidden: list[Tensor] = []
    if causal:
        first = past if lengths is None or past else lengths.reshape(-1, 1, 1, 1) - queries
        hidden.append(places > Tensor.arange(queries, device=device).reshape(-1, 1) + first)
    if lengths is not None:
        hidden.append(places >= lengths.reshape(-1, 1, 1, 1))
    for where in hidden:
        more = _hiding(where, products.dtype)
        bias = more if bias is None else bias + more
    return bias


def _hiding(where: Tensor, dtype: dt.DType) -> Tensor:
    return Tensor.zeros(where.shape, dtype=dtype, device=where.device).masked_fill(where, -inf)


def rotary_embedding(
    x: Tensor, cos: Tensor, sin: Tensor, positions: Tensor | None = None, *, interleaved: int = 0,
    num_heads: int = 0, rotary_embedding_dim: int = 0,
) -> Tensor:  # fmt: skip
    """Pairs of elements turned by angles (Su et al., RoFormer, 2021): those of even and odd places
    with ``interleaved``, else those of both halves."""
    heads = _heads(x, num_heads or None)
    size = rotary_embedding_dim or heads.shape[-1]
    turned, rest = heads[..., :size], heads[..., size:]
    if positions is not None:
        cos, sin = (F.embedding(positions, table) for table in (cos, sin))
    cos, sin = (table[..., : size // 2].unsqueeze(1) for table in (cos, sin))
    a, b = (turned[..., ::2], turned[..., 1::2]) if interleaved else turned.chunk(2, -1)
    pair = (cos * a - sin * b, sin * a + cos * b)
    made = Tensor.stack(pair, -1).flatten(-2) if interleaved else Tensor.cat(pair, -1)
    found = Tensor.cat([made, rest], -1) if rest.shape[-1] else made
    return found if x.ndim == 4 else found.transpose(1, 2).flatten(2)


OPERATORS: Operators = plain(Attention=attention, RotaryEmbedding=rotary_embedding)
