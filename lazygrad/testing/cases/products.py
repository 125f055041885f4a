# ruff: noqa: E501 (tables: one line a case)
"""Products of matrices, normalisation, losses, and small networks of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lazygrad.tensor_class import Tensor
from lazygrad.testing.conformance import Arg, Case, bools, floats, ints, these

ALL = ("float32", "float64", "float16", "bfloat16")
# name: shapes
PRODUCTS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "matrices": ((5, 7), (7, 3)),
    "larger": ((33, 65), (65, 47)),
    "tiles": ((64, 96), (96, 80)),
    "vectors": ((9,), (9,)),
    "row": ((6,), (6, 5)),
    "column": ((5, 6), (6,)),
    "batch": ((3, 4, 5), (3, 5, 2)),
    "broadcast_batch": ((3, 1, 4, 5), (2, 5, 6)),
    "stack_by_matrix": ((3, 4, 5), (5, 2)),
    "batch_by_vector": ((3, 4, 5), (5,)),
    "thin": ((1, 17), (17, 1)),
    "one": ((1, 1), (1, 1)),
    "empty_sum": ((3, 0), (0, 2)),
    "no_rows": ((0, 4), (4, 2)),
}


def _matmuls() -> list[Case]:
    cases = []
    for name, (left, right) in PRODUCTS.items():
        args = (floats(*left), floats(*right))
        scale = max(1.0, math.sqrt(left[-1]))
        cases.append(Case(f"matmul_{name}", lambda x, y: x @ y, np.matmul, args, ALL if name in ("matrices", "larger") else ("float32",), 0 not in left, scale=scale))  # fmt: skip
    return cases


def _linear(x: Any, w: Any, b: Any) -> Any:
    return x @ w.T + b


def _softmax(x: Any) -> Any:
    powers = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return powers / np.sum(powers, axis=-1, keepdims=True)


def _attention(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    scores = q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    return _softmax(scores) @ v


def _causal(q: Any, k: Any, v: Any) -> Any:
    return _attention(q, k, v, np.tril(np.ones((q.shape[-2], k.shape[-2]), bool)))


def _standardize(x: Any, axes: Any) -> Any:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-5)


def _batch_norm(x: Any, w: Any, b: Any) -> Any:
    return _standardize(x, (0, 2, 3)) * w[:, None, None] + b[:, None, None]


def _group_norm(x: Any) -> Any:
    return _standardize(x.reshape(2, 2, -1), 2).reshape(x.shape)


QKV = (floats(2, 3, 5, 4), floats(2, 3, 6, 4), floats(2, 3, 6, 7))
IMAGES = floats(3, 4, 5, 2)
SINGLES = [
    Case("linear", lambda x, w, b: x.linear(w, b), _linear, (floats(4, 3, 6), floats(5, 6), floats(5)), ALL, True, scale=4),
    Case("matmul_relu", lambda x, y, b: (x @ y + b).relu(), lambda x, y, b: np.maximum(x @ y + b, 0), (floats(9, 8), floats(8, 10), floats(10)), gradient=True, scale=4),
    Case("matmul_transposed", lambda x, y: x.T @ y.T, lambda x, y: x.T @ y.T, (floats(6, 9), floats(5, 6)), gradient=True, scale=4),
    Case("matmul_of_exp", lambda x, y: x.exp() @ y, lambda x, y: np.exp(x) @ y, (floats(6, 9), floats(9, 5)), gradient=True, scale=8),
    Case("matmul_chain", lambda x, y: x @ y @ x, lambda x, y: x @ y @ x, (floats(6, 9), floats(9, 6)), gradient=True, scale=32),
    Case("matmul_int", lambda x, y: x @ y, np.matmul, (ints(4, 5), ints(5, 3))),
    Case("dot", lambda x, y: x.dot(y), np.dot, (floats(501), floats(501)), gradient=True, scale=32),
    Case("outer", lambda x, y: x.outer(y), np.outer, (floats(4), floats(5)), gradient=True),
    Case("bmm", lambda x, y: x.bmm(y), np.matmul, (floats(3, 4, 5), floats(3, 5, 6)), gradient=True, scale=4),
    Case("attention", lambda q, k, v: q.scaled_dot_product_attention(k, v), _attention, QKV, ALL, True, scale=4),
    Case("attention_causal", lambda q, k, v: q.scaled_dot_product_attention(k, v, is_causal=True), _causal, QKV, gradient=True, scale=4),
    Case("attention_mask", lambda q, k, v, m: q.scaled_dot_product_attention(k, v, attn_mask=m), _attention, (*QKV, these(*[1, 0, 1, 1, 0, 1] * 5, kind="bool", shape=(5, 6))), gradient=True, scale=4),
    Case("layernorm", lambda x: x.layernorm(), lambda x: _standardize(x, -1), (floats(6, 17),), ALL, True, scale=8),
    Case("layer_norm", lambda x, w, b: x.layer_norm((5, 2), w, b), lambda x, w, b: _standardize(x, (2, 3)) * w + b, (IMAGES, floats(5, 2), floats(5, 2)), gradient=True, scale=8),
    Case("group_norm", lambda x: x.group_norm(2), _group_norm, (floats(2, 4, 3, 3),), gradient=True, scale=8),
    Case("batch_norm", lambda x, w, b: x.batch_norm(None, None, w, b, training=True), _batch_norm, (IMAGES, floats(4), floats(4)), ("float32", "float64"), True, scale=8),
    Case("batch_norm_eval", lambda x, m, v: x.batch_norm(m, v), lambda x, m, v: (x - m[:, None, None]) / np.sqrt(v[:, None, None] + 1e-5), (IMAGES, floats(4), floats(4, low=0.5, high=2)), gradient=True, scale=8),
    Case("mlp", lambda x, w, v: ((x @ w).relu() @ v).log_softmax(-1), lambda x, w, v: np.log(_softmax(np.maximum(x @ w, 0) @ v)), (floats(8, 12), floats(12, 16), floats(16, 10)), gradient=True, scale=64),
]  # fmt: skip

# -- losses ------------------------------------------------------------------------------------

LABELS = these(3, 0, 4, 1, 1, 2, kind="int")
LOGITS = floats(6, 5, low=-3, high=3)


def cross_entropy(
    x: Any,
    target: Any,
    weight: Any = None,
    ignore: int = -100,
    reduction: str = "mean",
    eps: float = 0.0,
) -> Any:
    """Class indices, or probabilities (floats), as PyTorch defines it."""
    axis = 0 if x.ndim == 1 else 1
    classes = x.shape[axis]
    shifted = x - np.max(x, axis=axis, keepdims=True)
    logs = np.moveaxis(
        shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True)), axis, -1
    )
    factors = np.ones(classes) if weight is None else weight
    if target.dtype.kind == "f":
        share = np.moveaxis(target, axis, -1) * (1 - eps) + eps / classes
        loss = -np.sum(share * factors * logs, axis=-1)
        total = float(loss.size)
    else:
        counted = target != ignore
        safe = np.where(counted, target, 0)
        share = (
            np.eye(classes)[safe] * (1 - eps) * factors[safe][..., None] + eps / classes * factors
        )
        loss = -np.sum(share * logs, axis=-1) * counted
        total = np.sum(factors[safe] * counted)
    return {"none": loss, "sum": loss.sum(), "mean": loss.sum() / total}[reduction]


def _ce(
    name: str,
    target: Arg,
    logits: Arg = LOGITS,
    dtypes: tuple[str, ...] = ("float32",),
    **options: Any,
) -> Case:
    renamed = {
        {"ignore_index": "ignore", "label_smoothing": "eps"}.get(k, k): v
        for k, v in options.items()
    }
    return Case(
        f"cross_entropy{name}",
        lambda x, t: x.cross_entropy(t, **options),
        lambda x, t: cross_entropy(x, t, **renamed),
        (logits, target), dtypes, True, scale=4,
    )  # fmt: skip


def _weighted(x: Tensor, t: Tensor, w: Tensor) -> tuple[Tensor, ...]:
    return (
        x.cross_entropy(t, w),
        x.cross_entropy(t, w, ignore_index=1, label_smoothing=0.2),
        x.log_softmax(1).nll_loss(t, w, reduction="sum"),
    )


def _weighted_oracle(x: Any, t: Any, w: Any) -> Any:
    return (
        cross_entropy(x, t, w),
        cross_entropy(x, t, w, ignore=1, eps=0.2),
        cross_entropy(x, t, w, reduction="sum"),
    )


def _bce(x: Any, t: Any) -> Any:
    return np.mean(np.logaddexp(0, x) - x * t)


UNIT = floats(4, 5, low=0.05, high=0.95)
LOSSES = [
    _ce("", LABELS, dtypes=ALL),
    _ce("_sum", LABELS, reduction="sum"),
    _ce("_none", LABELS, reduction="none"),
    _ce("_smooth", LABELS, label_smoothing=0.1),
    _ce("_ignore", LABELS, ignore_index=1),
    _ce("_ignore_outside", these(3, -100, 4, -100, 1, 2, kind="int")),
    _ce("_images", ints(2, 3, 4, high=5), floats(2, 5, 3, 4)),
    _ce("_one", these(2, kind="int", shape=()), floats(5)),
    _ce("_probabilities", floats(6, 5, low=0, high=1), dtypes=ALL),
    _ce("_probabilities_smooth", floats(6, 5, low=0, high=1), label_smoothing=0.3),
    _ce("_large", these(1, 0, kind="int"), these(1e4, -1e4, 0, 5, shape=(2, 2))),
    Case("cross_entropy_weighted", _weighted, _weighted_oracle, (LOGITS, LABELS, floats(5, low=0.5, high=2)), gradient=True, scale=8),
    Case("cross_entropy_wrong_label", lambda x, t: x.cross_entropy(t + 0, reduction="none").isnan(), lambda x, t: np.array([False, True, True]), (floats(3, 4), these(1, 4, -1, kind="int"))),
    Case("mse_loss", lambda x, y: x.mse_loss(y), lambda x, y: np.mean((x - y) ** 2), (floats(4, 5), floats(4, 5)), ALL, True),
    Case("l1_loss", lambda x, y: x.l1_loss(y, "sum"), lambda x, y: np.sum(np.abs(x - y)), (floats(4, 5), floats(4, 5)), gradient=True, scale=4),
    Case("smooth_l1_loss", lambda x, y: x.smooth_l1_loss(y), lambda x, y: np.mean(np.where(np.abs(x - y) < 1, 0.5 * (x - y) ** 2, np.abs(x - y) - 0.5)), (floats(4, 5), floats(4, 5)), gradient=True),
    Case("huber_loss", lambda x, y: x.huber_loss(y, delta=0.7), lambda x, y: np.mean(np.where(np.abs(x - y) < 0.7, 0.5 * (x - y) ** 2, 0.7 * (np.abs(x - y) - 0.35))), (floats(4, 5), floats(4, 5)), gradient=True),
    Case("bce", lambda x, t: x.binary_cross_entropy(t), lambda x, t: -np.mean(t * np.log(x) + (1 - t) * np.log1p(-x)), (UNIT, UNIT), gradient=True, scale=4),
    Case("bce_logits", lambda x, t: x.binary_cross_entropy_with_logits(t), _bce, (floats(4, 5, low=-30, high=30), UNIT), gradient=True, scale=4),
    Case("bce_bool_mask", lambda x, m: x.binary_cross_entropy_with_logits(m.float()), lambda x, m: _bce(x, m * 1.0), (floats(4, 5), bools(4, 5)), gradient=True),
    Case("kl_div", lambda x, t: x.log_softmax(-1).kl_div(t, "batchmean"), lambda x, t: np.sum(t * (np.log(t) - np.log(_softmax(x)))) / 4, (floats(4, 5), UNIT), gradient=True, scale=8),
]  # fmt: skip
CASES = [*_matmuls(), *SINGLES, *LOSSES]
