"""Attention of several heads."""

from __future__ import annotations

from typing import Any

from lazygrad.arguments import require_range
from lazygrad.errors import ShapeError
from lazygrad.functional.multihead import multi_head_attention_forward
from lazygrad.nn import init
from lazygrad.nn.linear import Linear
from lazygrad.nn.module import Module
from lazygrad.nn.parameter import Parameter
from lazygrad.public import public
from lazygrad.tensor_class import Tensor


class MultiheadAttention(Module):
    """Attention of ``num_heads`` heads (Vaswani and others, 2017): query (L, N, embed_dim), key
    (S, N, kdim) and value (S, N, vdim), N first with ``batch_first``, or all without N.

    ``in_proj_weight`` (3 * embed_dim, embed_dim) holds the projections of query, key and value; if
    their sizes differ these are ``q_proj_weight``, ``k_proj_weight`` and ``v_proj_weight``.
    ``in_proj_bias`` (3 * embed_dim,), ``out_proj`` a ``Linear``; with ``add_bias_kv`` one more key
    and value ``bias_k`` and ``bias_v`` (1, 1, embed_dim).

    >>> layer = nn.MultiheadAttention(8, num_heads=2, batch_first=True)
    >>> query, memory = lazygrad.zeros(5, 3, 8), lazygrad.zeros(5, 7, 8)
    >>> made, weights = layer(query, memory, memory)
    >>> made.shape, weights.shape
    ((5, 3, 8), (5, 3, 7))
    """

    in_proj_weight: Parameter | None
    q_proj_weight: Parameter | None
    k_proj_weight: Parameter | None
    v_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    @public
    def __init__(
        self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True,
        add_bias_kv: bool = False, add_zero_attn: bool = False, kdim: int | None = None,
        vdim: int | None = None, batch_first: bool = False, device: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        require_range("MultiheadAttention", 1, embed_dim=embed_dim, num_heads=num_heads)
        require_range("MultiheadAttention", 0, 1, dropout=dropout)
        if embed_dim % num_heads:
            raise ShapeError(
                f"[MultiheadAttention] num_heads={num_heads} must divide embed_dim={embed_dim}"
            )
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        self.add_zero_attn = add_zero_attn
        made = {"device": device, "dtype": dtype}

        def parameter(*shape: int) -> Parameter:
            return Parameter(Tensor.empty(*shape, **made))

        alike = self.kdim == self.vdim == embed_dim
        self.in_proj_weight = parameter(3 * embed_dim, embed_dim) if alike else None
        self.q_proj_weight = None if alike else parameter(embed_dim, embed_dim)
        self.k_proj_weight = None if alike else parameter(embed_dim, self.kdim)
        self.v_proj_weight = None if alike else parameter(embed_dim, self.vdim)
        self.in_proj_bias = parameter(3 * embed_dim) if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias, device, dtype)
        self.bias_k = parameter(1, 1, embed_dim) if add_bias_kv else None
        self.bias_v = parameter(1, 1, embed_dim) if add_bias_kv else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        weights = (
            self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight
        )  # fmt: skip
        for weight in weights:
            if weight is not None:
                init.xavier_uniform_(weight)
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.zeros_(bias)
        for more in (self.bias_k, self.bias_v):
            if more is not None:
                init.xavier_normal_(more)

    @public
    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Tensor | None = None,
        need_weights: bool = True, attn_mask: Tensor | None = None,
        average_attn_weights: bool = True, is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:  # fmt: skip
        """The result and, with ``need_weights``, the weights; masks as of
        ``F.multi_head_attention_forward``: True forbids."""
        turned = self.batch_first and query.ndim == 3
        if turned:
            query, key, value = (x.transpose(0, 1) for x in (query, key, value))
        found, weights = multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight,
            self.in_proj_bias, self.bias_k, self.bias_v, self.add_zero_attn, self.dropout,
            self.out_proj.weight, self.out_proj.bias, self.training, key_padding_mask,
            need_weights, attn_mask, self.in_proj_weight is None, self.q_proj_weight,
            self.k_proj_weight, self.v_proj_weight, average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )  # fmt: skip
        return found.transpose(0, 1) if turned else found, weights
