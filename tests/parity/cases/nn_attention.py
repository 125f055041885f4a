"""Attention and transformers, with parameters given."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity.case import Case, booleans, exactly, floats_in, normal, ripples


def _trained(T: Any, module: Any, inputs: list[Any], result: Any) -> list[Any]:
    results = floats_in(result)
    loss = sum((r * ripples(T, r, 1)).sum() for r in results)
    return [*results, *T.autograd.grad(loss, [*inputs, *module.parameters()])]


def _filled(T: Any, module: Any) -> Any:
    """With parameters that are the same with both."""
    with T.no_grad():
        for number, parameter in enumerate(module.parameters()):
            parameter.copy_(ripples(T, parameter, number) * 0.4)
    return module


def _attention(*arguments: Any, given: dict[str, Any] | None = None, **options: Any) -> Any:
    def call(T: Any, *tensors: Any) -> Any:
        count = 3 if not options.get("alone") else 1
        module = _filled(T, T.nn.MultiheadAttention(
            *arguments, **{k: v for k, v in options.items() if k != "alone"}))  # fmt: skip
        inputs = [x.detach().requires_grad_() for x in tensors[:count]]
        masks = dict(zip(("attn_mask", "key_padding_mask"), tensors[count:], strict=False))
        three = inputs * 3 if count == 1 else inputs
        result = module(*three, **{k: v for k, v in masks.items() if v.ndim}, **(given or {}))
        return _trained(T, module, inputs, result)

    return call


QUERY, KEY = normal(3, 2, 4), normal(5, 2, 4)
FORBIDDEN = exactly(np.arange(15).reshape(3, 5) % 4 == 1)
PADDED = exactly([[False, False, True, True, True], [False, True, False, False, False]])
ATTENTION = [
    Case("plain", _attention(4, 2), [QUERY, KEY, normal(5, 2, 4)], 0),
    Case("self", _attention(4, 2, alone=True, batch_first=True), [normal(2, 3, 4)], 0),
    Case("no batch", _attention(4, 2), [normal(3, 4), normal(5, 4), normal(5, 4)], 0),
    Case("sizes", _attention(4, 2, kdim=3, vdim=6), [QUERY, normal(5, 2, 3), normal(5, 2, 6)], 0),
    Case("all", _attention(4, 2, bias=False, add_bias_kv=True, add_zero_attn=True,
                           given={"average_attn_weights": False}),
         [QUERY, KEY, normal(5, 2, 4), FORBIDDEN, PADDED], 0),
    Case("bool mask", _attention(4, 2), [QUERY, KEY, normal(5, 2, 4), FORBIDDEN], 0),
    Case("float mask", _attention(4, 2, given={"need_weights": False}),
         [QUERY, KEY, normal(5, 2, 4), exactly(np.sin(np.arange(15.0)).reshape(3, 5), "float32"),
          exactly(np.cos(np.arange(10.0)).reshape(2, 5), "float32")], 0),
    Case("masks", _attention(4, 2, given={"need_weights": False}),
         [QUERY, KEY, normal(5, 2, 4), FORBIDDEN, PADDED], 0),
    Case("mask of heads", _attention(4, 2),
         [QUERY, KEY, normal(5, 2, 4), exactly(np.arange(60).reshape(4, 3, 5) % 7 == 1)], 0),
]  # fmt: skip


def _layer(name: str, *others: Any, **options: Any) -> Any:
    def call(T: Any, *tensors: Any) -> Any:
        module = _filled(T, getattr(T.nn, name)(4, 2, 6, dropout=0.0, **options))
        inputs = [x.detach().requires_grad_() for x in tensors if x.is_floating_point()]
        masks = dict(zip(others, [x for x in tensors if not x.is_floating_point()], strict=True))
        return _trained(T, module, inputs, module(*inputs, **masks))

    return call


LATER = exactly(np.triu(np.ones((3, 3), bool), 1))
LAYERS = [
    Case("encoder layer", _layer("TransformerEncoderLayer"), [QUERY], 0),
    Case("encoder layer, first", _layer("TransformerEncoderLayer", "src_mask", norm_first=True,
                                        batch_first=True, activation="gelu", bias=False),
         [normal(2, 3, 4), LATER], 0),
    Case("decoder layer", _layer("TransformerDecoderLayer", "tgt_mask"), [QUERY, KEY, LATER], 0),
    Case("decoder layer, first", _layer("TransformerDecoderLayer", "memory_key_padding_mask",
                                        norm_first=True), [QUERY, KEY, PADDED], 0),
]  # fmt: skip


def _stacks(T: Any, src: Any, tgt: Any) -> Any:
    nn = T.nn
    layer = nn.TransformerEncoderLayer(4, 2, 6, 0.0)
    encoder = _filled(T, nn.TransformerEncoder(layer, 2, nn.LayerNorm(4)))
    mask = nn.Transformer.generate_square_subsequent_mask(5)
    decoder = _filled(T, nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 6, 0.0), 2))
    memory = encoder(src, mask=mask.to(src.device))
    return [mask, memory, decoder(tgt, memory), list(encoder.state_dict())[-1].count(".")]


def _whole(T: Any, src: Any, tgt: Any) -> Any:
    model = _filled(T, T.nn.Transformer(4, 2, 1, 1, 6, 0.0, batch_first=True))
    later = T.nn.Transformer.generate_square_subsequent_mask(3).to(src.device)
    inputs = [src.detach().requires_grad_(), tgt.detach().requires_grad_()]
    return _trained(T, model, inputs, model(*inputs, tgt_mask=later))


def _grouped(T: Any, q: Any, k: Any, v: Any) -> Any:
    F = T.nn.functional
    return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)


HEADS = [normal(2, 4, 3, 4), normal(2, 2, 5, 4), normal(2, 2, 5, 6)]
CASES = [
    *ATTENTION,
    *LAYERS,
    Case("stacks", _stacks, [KEY, QUERY], 1, atol=1e-5),
    Case("whole", _whole, [normal(2, 5, 4), normal(2, 3, 4)], 0, atol=1e-5),
    Case("sdpa, grouped", _grouped, HEADS, 1),
    Case("sdpa, mask", lambda T, q, k, v, m: T.nn.functional.scaled_dot_product_attention(
        q, k[:, :1], v[:, :1], m, scale=0.3), [*HEADS, booleans(3, 5)], 1),
]  # fmt: skip
