"""Normalisation, embeddings and other layers, with parameters given; and functions like them."""

from __future__ import annotations

from typing import Any

from tests.parity.case import FLOATS, Case, exactly, integers, normal, uniform, with_parameters


def _module(name: str, *arguments: Any, **options: Any) -> Any:
    return lambda T, x, *parameters: with_parameters(
        T, getattr(T.nn, name)(*arguments, **options), x, *parameters)  # fmt: skip


def _batch_norm(name: str, **options: Any) -> Any:
    """Three steps of training, then evaluation: results, derivatives, and what is kept."""

    def call(T: Any, x: Any, *parameters: Any) -> Any:
        module = getattr(T.nn, name)(3, **options)
        found = [with_parameters(T, module, x * step, *parameters) for step in (1.0, 2.0)]
        module.eval()
        found.append(with_parameters(T, module, x, *parameters))
        return [found, {name: buffer.clone() for name, buffer in module.named_buffers()}]

    return call


AFFINE = [uniform(0.5, 2, 3), normal(3)]
NORMS = [
    Case("BatchNorm1d", _batch_norm("BatchNorm1d"), [normal(5, 3), *AFFINE], 0),
    Case("BatchNorm1d, lines", _batch_norm("BatchNorm1d", eps=0.1), [normal(2, 3, 4), *AFFINE], 0),
    Case("BatchNorm2d", _batch_norm("BatchNorm2d", momentum=None), [normal(2, 3, 4, 3), *AFFINE],
         0),
    Case("BatchNorm2d, plain", _batch_norm("BatchNorm2d", affine=False), [normal(2, 3, 4, 3)], 0),
    Case("BatchNorm2d, untracked", _batch_norm("BatchNorm2d", track_running_stats=False),
         [normal(2, 3, 4, 3), *AFFINE], 0),
    Case("BatchNorm3d", _batch_norm("BatchNorm3d", momentum=0.3), [normal(2, 3, 2, 4, 3), *AFFINE],
         0),
    Case("InstanceNorm1d", _batch_norm("InstanceNorm1d"), [normal(2, 3, 5)], 0),
    Case("InstanceNorm1d, no batch", _batch_norm("InstanceNorm1d"), [normal(3, 5)], 0),
    Case("InstanceNorm2d", _batch_norm("InstanceNorm2d", affine=True),
         [normal(2, 3, 4, 3), *AFFINE], 0),
    Case("InstanceNorm2d, tracked", _batch_norm("InstanceNorm2d", track_running_stats=True),
         [normal(2, 3, 4, 3)], 0),
    Case("InstanceNorm3d", _batch_norm("InstanceNorm3d", affine=True, track_running_stats=True),
         [normal(2, 3, 2, 4, 3), *AFFINE], 0),
    Case("GroupNorm", _module("GroupNorm", 2, 4), [normal(2, 4, 5, 3), uniform(0.5, 2, 4),
                                                  normal(4)], 0),
    Case("GroupNorm, plain", _module("GroupNorm", 3, 6, affine=False), [normal(2, 6)], 0),
    Case("LayerNorm", _module("LayerNorm", (4, 3)), [normal(2, 4, 3), normal(4, 3), normal(4, 3)],
         0),
    Case("LayerNorm, no bias", _module("LayerNorm", 3, bias=False), [normal(2, 4, 3), normal(3)],
         0),
    Case("RMSNorm", _module("RMSNorm", (4, 3), eps=1e-3), [normal(2, 4, 3), normal(4, 3)], 0),
    Case("RMSNorm, plain", _module("RMSNorm", 3, elementwise_affine=False), [normal(2, 4, 3)], 0),
    Case("LocalResponseNorm", _module("LocalResponseNorm", 3, 0.1, 0.6, 1.5),
         [normal(2, 5, 3, 2)], 0),
    Case("batch_norm", lambda T, x, m, v, w, b: T.nn.functional.batch_norm(
        x, m.detach(), v.detach(), w, b), [normal(4, 3, 2), normal(3), uniform(0.5, 2, 3), *AFFINE],
         1),
    Case("instance_norm", lambda T, x: T.nn.functional.instance_norm(x, eps=0.01),
         [normal(2, 3, 5)]),
    Case("layer_norm", lambda T, x, w: T.nn.functional.layer_norm(x, (3,), w),
         [normal(4, 3), normal(3)]),
    Case("group_norm", lambda T, x: T.nn.functional.group_norm(x, 2), [normal(2, 4, 3)]),
    Case("rms_norm", lambda T, x, w: T.nn.functional.rms_norm(x, (3,), w),
         [normal(4, 3), normal(3)], 2, FLOATS),
    Case("rms_norm, zero", lambda T, x: T.nn.functional.rms_norm(x * 0, (3,)), [normal(4, 3)], 1,
         ("float16", "float32", "float64", "bfloat16")),
    *(Case(f"local_response_norm, {n}",
           lambda T, x, n=n: T.nn.functional.local_response_norm(x, n, 0.5), [normal(2, 6, 3)])
      for n in (1, 2, 5)),
]  # fmt: skip

TABLE, WORDS = normal(6, 3), integers(0, 6, 2, 4)


def _bags(mode: str, **options: Any) -> Any:
    def call(T: Any, words: Any, table: Any, *factors: Any) -> Any:
        F = T.nn.functional
        weights = {"per_sample_weights": factors[0]} if factors else {}
        found = [F.embedding_bag(words, table, mode=mode, **weights, **options)]
        starts = T.tensor([0, 3, 3, 5], device=words.device)
        flat = {name: value.flatten() for name, value in weights.items()}
        found.append(F.embedding_bag(words.flatten(), table, starts, mode=mode, **flat, **options))
        ends = T.tensor([0, 3, 8], device=words.device)
        found.append(F.embedding_bag(words.flatten(), table, ends, mode=mode, **flat, **options,
                                     include_last_offset=True))  # fmt: skip
        return found

    return call


def _shortened(T: Any, words: Any, table: Any) -> Any:
    own = table.detach().clone()
    found = T.nn.functional.embedding(words, own, max_norm=1.0, norm_type=1.0)
    return found, own


EMBEDDINGS = [
    Case("embedding", lambda T, i, w: T.nn.functional.embedding(i, w), [WORDS, TABLE], 1),
    Case("embedding, padded", lambda T, i, w: T.nn.functional.embedding(i, w, padding_idx=-2),
         [WORDS, TABLE], 1),
    Case("embedding, by frequency",
         lambda T, i, w: T.nn.functional.embedding(i, w, scale_grad_by_freq=True),
         [WORDS, TABLE], 1),
    Case("embedding, shortened", _shortened, [WORDS, TABLE], 0),
    Case("embedding, 0-d", lambda T, i, w: T.nn.functional.embedding(i, w), [integers(0, 6), TABLE],
         1),
    Case("embedding, empty", lambda T, i, w: T.nn.functional.embedding(i, w),
         [integers(0, 6, 0, 2), TABLE], 1),
    *(Case(f"embedding_bag, {mode}", _bags(mode), [WORDS, TABLE], 1)
      for mode in ("sum", "mean", "max")),
    *(Case(f"embedding_bag, {mode}, padded", _bags(mode, padding_idx=2), [WORDS, TABLE], 1)
      for mode in ("sum", "mean", "max")),
    Case("embedding_bag, weighted", _bags("sum"), [WORDS, TABLE, normal(2, 4)], 1),
    Case("Embedding", _module("Embedding", 6, 3, padding_idx=1), [WORDS, TABLE], 0),
    Case("EmbeddingBag", _module("EmbeddingBag", 6, 3, mode="sum", padding_idx=1), [WORDS, TABLE],
         0),
    Case("from_pretrained", lambda T, i, w: [
        T.nn.Embedding.from_pretrained(w.detach())(i),
        T.nn.EmbeddingBag.from_pretrained(w.detach(), mode="max")(i)], [WORDS, TABLE], 0),
]  # fmt: skip


def _shapes(T: Any, x: Any) -> Any:
    nn = T.nn
    return [
        nn.Flatten()(x), nn.Flatten(0, 1)(x), nn.Unflatten(1, (2, 2))(x), nn.Identity(54)(x),
        nn.Unflatten(-1, (3, -1))(x), nn.Dropout().eval()(x), nn.Dropout1d(0.3).eval()(x),
        nn.Dropout2d().eval()(x), nn.Dropout3d().eval()(x[None]), nn.AlphaDropout().eval()(x),
        nn.FeatureAlphaDropout().eval()(x), T.nn.functional.dropout(x, 1.0),
        T.nn.functional.dropout2d(x, 1.0), T.nn.functional.alpha_dropout(x, 0.5),
    ]  # fmt: skip


OTHERS = [
    Case("Linear", _module("Linear", 3, 4), [normal(2, 5, 3), normal(4, 3), normal(4)], 0),
    Case("Bilinear", lambda T, x, y, *p: with_parameters(T, T.nn.Bilinear(3, 2, 4), (x, y), *p),
         [normal(2, 5, 3), normal(2, 5, 2), normal(4, 3, 2), normal(4)], 0),
    Case("bilinear", lambda T, x, y, w: T.nn.functional.bilinear(x, y, w),
         [normal(5, 3), normal(5, 2), normal(4, 3, 2)]),
    Case("PReLU", _module("PReLU", 3), [normal(2, 3, 4), normal(3)], 0),
    Case("CosineSimilarity", lambda T, x, y: T.nn.CosineSimilarity(0)(x, y),
         [normal(3, 4), normal(3, 4)], 1),
    Case("shapes", _shapes, [normal(2, 4, 6)], 1),
    Case("Linear, vector", _module("Linear", 3, 4, bias=False), [normal(3), normal(4, 3)], 0),
    Case("padding_idx row", lambda T, w: T.nn.Embedding(4, 3, 0).weight[0], [normal(1)], 0),
    Case("one hot", lambda T, i: T.nn.functional.one_hot(i, 5), [exactly([0, 4, 2])], 0),
]  # fmt: skip

CASES = [*NORMS, *EMBEDDINGS, *OTHERS]
