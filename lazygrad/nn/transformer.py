"""Transformers (Vaswani and others, 2017), with PyTorch's parts and names."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.functional import activation as activations
from lazygrad.nn import init
from lazygrad.nn.attention import MultiheadAttention
from lazygrad.nn.containers import ModuleList
from lazygrad.nn.dropout import Dropout
from lazygrad.nn.linear import Linear
from lazygrad.nn.module import Module
from lazygrad.nn.norm import LayerNorm
from lazygrad.public import public
from lazygrad.tensor_class import Tensor

Activation = str | Callable[[Tensor], Tensor]

BY_NAME: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": activations.relu,
    "gelu": activations.gelu,
}


def _function(name: str, activation: Activation) -> Callable[[Tensor], Tensor]:
    if not isinstance(activation, str):
        return activation
    if activation not in BY_NAME:
        raise ValueRangeError(
            f'[{name}] activation must be "relu", "gelu" or a function, got {activation!r}'
        )
    return BY_NAME[activation]


class _Layer(Module):
    """What layers of encoders and decoders share: attention to itself and two linear layers."""

    def _set_up(
        self, d_model: int, nhead: int, dim_feedforward: int, dropout: float,
        activation: Activation, layer_norm_eps: float, batch_first: bool, norm_first: bool,
        bias: bool, made: dict[str, Any], decoder: bool,
    ) -> None:  # fmt: skip
        self.activation = _function(type(self).__name__, activation)
        self.norm_first = norm_first
        attention = {"dropout": dropout, "bias": bias, "batch_first": batch_first, **made}
        norm = {"eps": layer_norm_eps, "bias": bias, **made}
        self.self_attn = MultiheadAttention(d_model, nhead, **attention)
        if decoder:
            self.multihead_attn = MultiheadAttention(d_model, nhead, **attention)
        self.linear1 = Linear(d_model, dim_feedforward, bias, **made)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **made)
        self.norm1, self.norm2 = LayerNorm(d_model, **norm), LayerNorm(d_model, **norm)
        if decoder:
            self.norm3 = LayerNorm(d_model, **norm)
        self.dropout1, self.dropout2 = Dropout(dropout), Dropout(dropout)
        if decoder:
            self.dropout3 = Dropout(dropout)

    def _feed_forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.linear2(self.dropout(self.activation(self.linear1(x))))
        return found

    def _attended(self, x: Tensor, mask: Tensor | None, padding: Tensor | None) -> Tensor:
        found, _ = self.self_attn(
            x, x, x, attn_mask=mask, key_padding_mask=padding, need_weights=False
        )
        result: Tensor = self.dropout1(found)
        return result


class TransformerEncoderLayer(_Layer):
    """Attention to itself and two linear layers, each added to its input and normalised: before it
    with ``norm_first``, else after the sum.

    >>> layer = nn.TransformerEncoderLayer(8, nhead=2, dim_feedforward=16, norm_first=True)
    >>> layer(lazygrad.zeros(7, 5, 8)).shape
    (7, 5, 8)
    """

    @public
    def __init__(
        self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = "relu", layer_norm_eps: float = 1e-5,
        batch_first: bool = False, norm_first: bool = False, bias: bool = True,
        device: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        made = {"device": device, "dtype": dtype}
        self._set_up(d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps,
                     batch_first, norm_first, bias, made, decoder=False)  # fmt: skip

    @public
    def forward(
        self, src: Tensor, src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None, is_causal: bool = False,
    ) -> Tensor:  # fmt: skip
        masks = src_mask, src_key_padding_mask
        if self.norm_first:
            x = src + self._attended(self.norm1(src), *masks)
            return x + self.dropout2(self._feed_forward(self.norm2(x)))
        x = self.norm1(src + self._attended(src, *masks))
        found: Tensor = self.norm2(x + self.dropout2(self._feed_forward(x)))
        return found


class TransformerDecoderLayer(_Layer):
    """Attention to itself, attention to ``memory`` and two linear layers, each added to its input
    and normalised: before it with ``norm_first``, else after the sum.

    >>> layer = nn.TransformerDecoderLayer(8, nhead=2, batch_first=True)
    >>> layer(lazygrad.zeros(5, 3, 8), lazygrad.zeros(5, 7, 8), tgt_is_causal=False).shape
    (5, 3, 8)
    """

    @public
    def __init__(
        self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = "relu", layer_norm_eps: float = 1e-5,
        batch_first: bool = False, norm_first: bool = False, bias: bool = True,
        device: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        made = {"device": device, "dtype": dtype}
        self._set_up(d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps,
                     batch_first, norm_first, bias, made, decoder=True)  # fmt: skip

    @public
    def forward(
        self, tgt: Tensor, memory: Tensor, tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None, tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None, tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:  # fmt: skip
        own = tgt_mask, tgt_key_padding_mask
        other = memory, memory_mask, memory_key_padding_mask
        if self.norm_first:
            x = tgt + self._attended(self.norm1(tgt), *own)
            x = x + self._looked_up(self.norm2(x), *other)
            return x + self.dropout3(self._feed_forward(self.norm3(x)))
        x = self.norm1(tgt + self._attended(tgt, *own))
        x = self.norm2(x + self._looked_up(x, *other))
        found: Tensor = self.norm3(x + self.dropout3(self._feed_forward(x)))
        return found

    def _looked_up(
        self, x: Tensor, memory: Tensor, mask: Tensor | None, padding: Tensor | None
    ) -> Tensor:
        found, _ = self.multihead_attn(
            x, memory, memory, attn_mask=mask, key_padding_mask=padding, need_weights=False
        )
        result: Tensor = self.dropout2(found)
        return result


class TransformerEncoder(Module):
    """``num_layers`` copies of a layer one after the other, and ``norm`` after them.

    >>> layer = nn.TransformerEncoderLayer(d_model=8, nhead=2)
    >>> nn.TransformerEncoder(layer, num_layers=2)(lazygrad.zeros(7, 5, 8)).shape
    (7, 5, 8)
    """

    @public
    def __init__(
        self, encoder_layer: Module, num_layers: int, norm: Module | None = None,
        enable_nested_tensor: bool = True, mask_check: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(encoder_layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm

    @public
    def forward(
        self, src: Tensor, mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None, is_causal: bool | None = None,
    ) -> Tensor:  # fmt: skip
        for layer in self.layers:
            src = layer(src, src_mask=mask, src_key_padding_mask=src_key_padding_mask)
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """``num_layers`` copies of a layer one after the other, and ``norm`` after them.

    >>> layer = nn.TransformerDecoderLayer(d_model=8, nhead=2)
    >>> decoder = nn.TransformerDecoder(layer, num_layers=2)
    >>> decoder(lazygrad.zeros(3, 5, 8), memory=lazygrad.zeros(7, 5, 8)).shape
    (3, 5, 8)
    """

    @public
    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(decoder_layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm

    @public
    def forward(
        self, tgt: Tensor, memory: Tensor, tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None, tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None, tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:  # fmt: skip
        for layer in self.layers:
            tgt = layer(tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask,
                        memory_key_padding_mask)  # fmt: skip
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(Module):
    """An encoder and a decoder: src (S, N, d_model) and tgt (T, N, d_model) to (T, N, d_model), N
    first with ``batch_first``.

    >>> model = nn.Transformer(d_model=8, nhead=2, num_encoder_layers=1, num_decoder_layers=1)
    >>> model(lazygrad.zeros(7, 5, 8), lazygrad.zeros(3, 5, 8)).shape
    (3, 5, 8)
    >>> model.generate_square_subsequent_mask(2).tolist()
    [[0.0, -inf], [0.0, 0.0]]
    """

    @public
    def __init__(
        self, d_model: int = 512, nhead: int = 8, num_encoder_layers: int = 6,
        num_decoder_layers: int = 6, dim_feedforward: int = 2048, dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = "relu",
        custom_encoder: Module | None = None, custom_decoder: Module | None = None,
        layer_norm_eps: float = 1e-5, batch_first: bool = False, norm_first: bool = False,
        bias: bool = True, device: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        arguments: Any = (
            d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first,
            norm_first, bias, device, dtype,
        )  # fmt: skip

        def norm() -> LayerNorm:
            return LayerNorm(d_model, layer_norm_eps, bias=bias, device=device, dtype=dtype)

        self.encoder = custom_encoder or TransformerEncoder(
            TransformerEncoderLayer(*arguments), num_encoder_layers, norm()
        )
        self.decoder = custom_decoder or TransformerDecoder(
            TransformerDecoderLayer(*arguments), num_decoder_layers, norm()
        )
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first
        for parameter in self.parameters():
            if parameter.ndim > 1:
                init.xavier_uniform_(parameter)

    @public
    def forward(
        self, src: Tensor, tgt: Tensor, src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None, memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None, tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None, src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None, memory_is_causal: bool = False,
    ) -> Tensor:  # fmt: skip
        by = 0 if self.batch_first else 1
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model or (
            src.ndim == 3 and src.shape[by] != tgt.shape[by]
        ):  # fmt: skip
            raise ShapeError(
                f"[Transformer] src of shape {src.shape} and tgt of shape {tgt.shape} must have "
                f"{self.d_model} features and the same batch"
            )
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask)
        found: Tensor = self.decoder(
            tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
        )  # fmt: skip
        return found

    @staticmethod
    def generate_square_subsequent_mask(
        sz: int, device: str | None = None, dtype: Any = None
    ) -> Tensor:
        """Floats (sz, sz) that forbid to attend to later positions: -inf above the diagonal."""
        return Tensor.full((sz, sz), -math.inf, dtype=dtype, device=device).triu(1)
