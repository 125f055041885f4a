"""Losses of nn.functional, and as modules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.parity.case import FLOATS, Case, Input, exactly, integers, normal, uniform

SIGNS = Input(lambda random: 2 * (random.random_sample(6) < 0.5) - 1)
REDUCTIONS = ("none", "mean", "sum")


def _each(
    name: str, inputs: Sequence[Input], order: int = 2, label: str = "", **options: Any
) -> list[Case]:
    """A loss under each reduction."""

    def call(T: Any, *tensors: Any) -> Any:
        function = getattr(T.nn.functional, name)
        return [function(*tensors, reduction=reduction, **options) for reduction in REDUCTIONS]

    return [Case(f"{name}{label}", call, inputs, order, FLOATS if not label else ("float32",))]


def _modules(T: Any, x: Any, y: Any, share: Any, labels: Any) -> Any:
    nn = T.nn
    signs = 2.0 * (share > 0.5) - 1
    weight = T.tensor([1.0, 2.0, 0.5], device=x.device)
    found = [
        loss(x, y)
        for loss in (
            nn.MSELoss(),
            nn.L1Loss(reduction="sum"),
            nn.SmoothL1Loss(beta=0.5),
            nn.HuberLoss("mean", 0.7),
        )
    ]
    probability = T.sigmoid(x)
    found += [nn.BCELoss()(probability, share), nn.BCEWithLogitsLoss(pos_weight=weight)(x, share)]
    found += [nn.CrossEntropyLoss(weight, label_smoothing=0.1)(x, labels)]
    found += [nn.NLLLoss(weight, ignore_index=1)(x, labels)]
    found += [nn.KLDivLoss(reduction="batchmean", log_target=True)(x, y)]
    found += [nn.PoissonNLLLoss(full=True)(x, share * 4), nn.GaussianNLLLoss()(x, y, share)]
    found += [nn.HingeEmbeddingLoss(0.5)(x, signs), nn.SoftMarginLoss()(x, signs)]
    found += [nn.MultiMarginLoss(2, 0.9, weight)(x, labels)]
    found += [nn.MultiLabelSoftMarginLoss(weight)(x, share.round())]
    found += [nn.MultiLabelMarginLoss()(x, labels[:, None] - 0 * x.long())]
    found += [nn.MarginRankingLoss(0.1)(x, y, signs)]
    found += [nn.CosineEmbeddingLoss(0.1)(x, y, signs[:, 0])]
    found += [nn.TripletMarginLoss(swap=True)(x, y, share)]
    distance = nn.PairwiseDistance(1.0)
    found += [nn.TripletMarginWithDistanceLoss(distance_function=distance)(x, y, share)]
    return found


def _ctc(reduction: str, apart: bool = False, **options: Any) -> Any:
    def call(T: Any, x: Any, y: Any) -> Any:
        lengths = (6, 4, 5), ((2, 0, 3) if apart else (3, 1, 2))
        given = [T.tensor(n, device=x.device) for n in lengths] if apart else lengths
        loss = T.nn.functional.ctc_loss
        return loss(x.log_softmax(2), y, *given, reduction=reduction, **options)

    return call


PAIR = [normal(5, 3), normal(5, 3)]
SCORES = [normal(5, 4), integers(0, 4, 5)]
LISTED = exactly([[3, 0, -1, 1], [1, -1, 2, 2], [-1, 0, 0, 0], [0, 1, 2, 3], [2, 2, -1, 0]])
VECTORS = [normal(6, 3), normal(6, 3)]

CASES = [
    *_each("mse_loss", PAIR),
    Case("mse_loss, weighted",
         lambda T, x, y, w: [T.nn.functional.mse_loss(x, y, reduction=r, weight=w)
                             for r in REDUCTIONS], [*PAIR, uniform(0.1, 1, 5, 3)]),
    Case("l1_loss, weighted",
         lambda T, x, y, w: [T.nn.functional.l1_loss(x, y, reduction=r, weight=w)
                             for r in REDUCTIONS], [*PAIR, uniform(0.1, 1, 5, 3)]),
    Case("huber_loss, weighted",
         lambda T, x, y, w: [T.nn.functional.huber_loss(x, y, reduction=r, delta=0.8, weight=w)
                             for r in REDUCTIONS], [*PAIR, uniform(0.1, 1, 5, 3)]),
    *_each("l1_loss", PAIR),
    *_each("smooth_l1_loss", PAIR, beta=0.7),
    *_each("huber_loss", PAIR, delta=0.6),
    *_each("binary_cross_entropy", [uniform(0.05, 0.95, 4, 3), uniform(0, 1, 4, 3)]),
    *_each("binary_cross_entropy_with_logits", [normal(4, 3), uniform(0, 1, 4, 3)]),
    *_each("cross_entropy", [normal(4, 5, 2), integers(0, 5, 4, 2)], label_smoothing=0.2),
    *_each("cross_entropy", [normal(4, 5), uniform(0, 1, 4, 5)], label=", shares"),
    *_each("nll_loss", [normal(4, 5), integers(0, 5, 4)], ignore_index=2),
    *_each("kl_div", [normal(4, 5), uniform(0, 1, 4, 5)]),
    *_each("poisson_nll_loss", [normal(4, 3), uniform(0, 5, 4, 3)], full=True),
    *_each("poisson_nll_loss", [uniform(0.1, 2, 4, 3), uniform(0, 5, 4, 3)], label=", rate",
           log_input=False),
    *_each("gaussian_nll_loss", [normal(4, 3), normal(4, 3), uniform(0.1, 2, 4, 3)], full=True),
    *_each("gaussian_nll_loss", [normal(4, 3), normal(4, 3), uniform(0.1, 2, 4)], label=", rows"),
    *_each("gaussian_nll_loss", [normal(4, 3), normal(4, 3), uniform(0, 1e-7, 4, 1)],
           label=", small"),
    Case("gaussian_nll_loss, number",
         lambda T, x, y: T.nn.functional.gaussian_nll_loss(x, y, 0.5), PAIR),
    *_each("hinge_embedding_loss", [normal(6), SIGNS], margin=0.4),
    *_each("margin_ranking_loss", [normal(6), normal(6), SIGNS], margin=0.3),
    *_each("soft_margin_loss", [normal(6), SIGNS]),
    *_each("multi_margin_loss", SCORES, order=1),
    *_each("multi_margin_loss", SCORES, order=1, label=", square", p=2, margin=0.7),
    Case("multi_margin_loss, weighted",
         lambda T, x, y: T.nn.functional.multi_margin_loss(
             x, y, weight=T.tensor([0.2, 0.7, 1.0, 0.4], device=x.device)), SCORES, 1),
    Case("multi_margin_loss, vector", lambda T, x, y: T.nn.functional.multi_margin_loss(x, y),
         [normal(4), integers(0, 4)], 1),
    *_each("multilabel_margin_loss", [normal(5, 4), LISTED], order=1),
    Case("multilabel_margin_loss, vector",
         lambda T, x, y: T.nn.functional.multilabel_margin_loss(x, y),
         [normal(4), exactly([3, 0, -1, 1])], 1),
    *_each("multilabel_soft_margin_loss", [normal(5, 4), uniform(0, 1, 5, 4)]),
    *_each("cosine_embedding_loss", [*VECTORS, SIGNS], margin=0.2),
    Case("cosine_embedding_loss, vector",
         lambda T, x, y, t: T.nn.functional.cosine_embedding_loss(x, y, t),
         [normal(4), normal(4), exactly(1)]),
    *_each("triplet_margin_loss", [*VECTORS, normal(6, 3)], swap=True),
    *_each("triplet_margin_loss", [*VECTORS, normal(6, 3)], label=", p", p=1.0, margin=2.0),
    *_each("triplet_margin_with_distance_loss", [*VECTORS, normal(6, 3)]),
    Case("pairwise_distance", lambda T, x, y: [
        T.nn.functional.pairwise_distance(x, y, p, keepdim=p == 1.0)
        for p in (2.0, 1.0, 3.0, float("inf"))], VECTORS),
    Case("cosine_similarity", lambda T, x, y: [
        T.nn.functional.cosine_similarity(x, y, d) for d in (0, 1, -1)], VECTORS),
    Case("cosine_similarity, broadcast", lambda T, x, y: T.nn.functional.cosine_similarity(
        x[:, None], y[None], -1), [normal(3, 4), normal(2, 4)]),
    Case("pdist", lambda T, x: [T.nn.functional.pdist(x), T.nn.functional.pdist(x, 1.0)],
         [normal(5, 3)], 1),
    *(Case(f"ctc_loss, {reduction}", _ctc(reduction), [normal(6, 3, 5), integers(1, 5, 3, 3)], 1)
      for reduction in REDUCTIONS),
    Case("ctc_loss, one by one", _ctc("mean", zero_infinity=True, apart=True),
         [normal(6, 3, 5), integers(1, 5, 5)], 1),
    Case("ctc_loss, no batch", lambda T, x, y: T.nn.CTCLoss(blank=2)(
        x.log_softmax(1), y, T.tensor(5), T.tensor(2)), [normal(5, 4), exactly([1, 1])], 1),
    Case("modules", _modules, [normal(5, 3), normal(5, 3), uniform(0, 1, 5, 3), integers(0, 3, 5)],
         1),
]  # fmt: skip
