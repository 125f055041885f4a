"""Losses as modules. ``reduction`` is "mean", "sum" or "none"."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lazygrad.arguments import require_range
from lazygrad.functional import ctc, loss, margin_loss
from lazygrad.nn.applied import Applied
from lazygrad.public import public
from lazygrad.tensor_class import Tensor


class Loss(Applied):
    """A loss of an input and a target. Weights are buffers; ``repr`` shows nothing."""

    def __init__(self, **arguments: object) -> None:
        super().__init__(**arguments)
        for name, value in arguments.items():
            if isinstance(value, Tensor) or (value is None and name.endswith("weight")):
                del self.__dict__[name]
                self.register_buffer(name, value)

    @public
    def forward(self, input: Tensor, target: Tensor) -> Tensor:  # type: ignore[override]
        return type(self).function(input, target, **self.arguments())

    def extra_repr(self) -> str:
        return ""


class CrossEntropyLoss(Loss):
    """Of logits (N, C, *) and labels (N, *) or probabilities (N, C, *).

    >>> loss = nn.CrossEntropyLoss(label_smoothing=0.1)
    >>> loss(lazygrad.zeros(4, 10), lazygrad.zeros(4, dtype="int64")).realize()
    Tensor(2.3026)
    """

    function = loss.cross_entropy

    @public
    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        require_range("CrossEntropyLoss", 0, 1, label_smoothing=label_smoothing)
        super().__init__(
            weight=weight,
            ignore_index=ignore_index,
            reduction=reduction,
            label_smoothing=label_smoothing,
        )


class NLLLoss(Loss):
    """Of log-probabilities (N, C, *) and labels (N, *).

    >>> scores = F.log_softmax(lazygrad.zeros(2, 3, 5, 5), dim=1)
    >>> nn.NLLLoss(reduction="none")(scores, lazygrad.zeros(2, 5, 5, dtype="int64")).shape
    (2, 5, 5)
    """

    function = loss.nll_loss

    @public
    def __init__(
        self, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        super().__init__(weight=weight, ignore_index=ignore_index, reduction=reduction)


class MSELoss(Loss):
    """Squared difference.

    >>> nn.MSELoss()(Tensor([1.0, 2.0]), Tensor([1.0, 4.0])).item()
    2.0
    """

    function = loss.mse_loss

    @public
    def __init__(self, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)


class L1Loss(Loss):
    """Absolute difference.

    >>> nn.L1Loss(reduction="sum")(Tensor([1.0, 2.0]), Tensor([0.0, 4.0])).item()
    3.0
    """

    function = loss.l1_loss

    @public
    def __init__(self, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)


class SmoothL1Loss(Loss):
    """Squared below ``beta``, absolute above.

    >>> nn.SmoothL1Loss(beta=1.0, reduction="none")(Tensor([0.5, 3.0]), Tensor([0.0, 0.0])).tolist()
    [0.125, 2.5]
    """

    function = loss.smooth_l1_loss

    @public
    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction=reduction, beta=beta)


class HuberLoss(Loss):
    """Squared below ``delta``, ``delta`` times absolute above.

    >>> nn.HuberLoss(delta=2.0, reduction="none")(Tensor([0.5, 3.0]), Tensor([0.0, 0.0])).tolist()
    [0.125, 4.0]
    """

    function = loss.huber_loss

    @public
    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction, delta=delta)


class BCELoss(Loss):
    """Binary cross entropy of probabilities.

    >>> nn.BCELoss()(Tensor([0.5, 1.0]), Tensor([1.0, 1.0])).realize()
    Tensor(0.3466)
    """

    function = loss.binary_cross_entropy

    @public
    def __init__(self, weight: Tensor | None = None, reduction: str = "mean") -> None:
        super().__init__(weight=weight, reduction=reduction)


class BCEWithLogitsLoss(Loss):
    """Binary cross entropy of logits.

    >>> nn.BCEWithLogitsLoss(pos_weight=Tensor([3.0]))(Tensor([0.0]), Tensor([1.0])).realize()
    Tensor(2.0794)
    """

    function = loss.binary_cross_entropy_with_logits

    @public
    def __init__(
        self,
        weight: Tensor | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(weight=weight, reduction=reduction, pos_weight=pos_weight)


class KLDivLoss(Loss):
    """Divergence of the distribution ``target`` from log-probabilities.

    >>> p, q = Tensor([[0.5, 0.5]]), Tensor([[0.25, 0.75]])
    >>> nn.KLDivLoss(reduction="batchmean")(q.log(), p).realize()
    Tensor(0.1438)
    """

    function = loss.kl_div

    @public
    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction=reduction, log_target=log_target)


class PoissonNLLLoss(Loss):
    """Of counts ``target`` and their rate, or its logarithm with ``log_input``.

    >>> nn.PoissonNLLLoss(log_input=False)(Tensor([1.0]), Tensor([3.0])).realize()
    Tensor(1.)
    """

    function = loss.poisson_nll_loss

    @public
    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        eps: float = 1e-8,
        reduction: str = "mean",
    ) -> None:
        super().__init__(log_input=log_input, full=full, eps=eps, reduction=reduction)


class GaussianNLLLoss(Loss):
    """Of values ``target`` and their mean and variance ``var``.

    >>> nn.GaussianNLLLoss()(Tensor([0.0]), Tensor([2.0]), Tensor([1.0])).item()
    2.0
    """

    function = loss.gaussian_nll_loss

    @public
    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(full=full, eps=eps, reduction=reduction)

    @public
    def forward(  # type: ignore[override]
        self, input: Tensor, target: Tensor, var: Tensor | float
    ) -> Tensor:
        return loss.gaussian_nll_loss(input, target, var, **self.arguments())


# -- margins ---------------------------------------------------------------------------------------


class HingeEmbeddingLoss(Loss):
    """``x`` where ``target`` is 1, and ``max(0, margin - x)`` where it is -1.

    >>> nn.HingeEmbeddingLoss(reduction="none")(Tensor([0.5, 0.25]), Tensor([1, -1])).tolist()
    [0.5, 0.75]
    """

    function = margin_loss.hinge_embedding_loss

    @public
    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(margin=margin, reduction=reduction)


class SoftMarginLoss(Loss):
    """``log(1 + exp(-target * x))``

    >>> nn.SoftMarginLoss()(Tensor([0.0]), Tensor([-1.0])).realize()
    Tensor(0.6931)
    """

    function = margin_loss.soft_margin_loss

    @public
    def __init__(self, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)


class MultiMarginLoss(Loss):
    """Of scores (N, C) and classes (N): how far another score comes near that of the class.

    >>> nn.MultiMarginLoss()(Tensor([[0.5, 1.0, 0.0]]), Tensor([1])).realize()
    Tensor(0.1667)
    """

    function = margin_loss.multi_margin_loss

    @public
    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(p=p, margin=margin, weight=weight, reduction=reduction)


class MultiLabelMarginLoss(Loss):
    """Of scores (N, C) and as many class indices, which a -1 ends.

    >>> nn.MultiLabelMarginLoss()(Tensor([[0.0, 1.0, 0.5]]), Tensor([[1, -1, 0]])).realize()
    Tensor(0.1667)
    """

    function = margin_loss.multilabel_margin_loss

    @public
    def __init__(self, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)


class MultiLabelSoftMarginLoss(Loss):
    """Binary cross entropy of logits (.., C), its mean over the classes.

    >>> nn.MultiLabelSoftMarginLoss()(Tensor([[0.0, 0.0]]), Tensor([[1.0, 0.0]])).realize()
    Tensor(0.6931)
    """

    function = margin_loss.multilabel_soft_margin_loss

    @public
    def __init__(self, weight: Tensor | None = None, reduction: str = "mean") -> None:
        super().__init__(weight=weight, reduction=reduction)


class PairLoss(Loss):
    """A loss of two inputs and a target."""

    @public
    def forward(  # type: ignore[override]
        self, input1: Tensor, input2: Tensor, target: Tensor
    ) -> Tensor:
        return type(self).function(input1, input2, target, **self.arguments())


class MarginRankingLoss(PairLoss):
    """``max(0, margin - target * (input1 - input2))``

    >>> nn.MarginRankingLoss(margin=0.5)(Tensor([2.0]), Tensor([1.75]), Tensor([1.0])).item()
    0.25
    """

    function = margin_loss.margin_ranking_loss

    @public
    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(margin=margin, reduction=reduction)


class CosineEmbeddingLoss(PairLoss):
    """``1 - cos`` of vectors where ``target`` is 1, ``max(0, cos - margin)`` where it is -1.

    >>> nn.CosineEmbeddingLoss()(Tensor([[1.0, 0.0]]), Tensor([[0.0, 1.0]]), Tensor([-1])).item()
    0.0
    """

    function = margin_loss.cosine_embedding_loss

    @public
    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(margin=margin, reduction=reduction)


class TripletLoss(Loss):
    """A loss of three vectors."""

    @public
    def forward(  # type: ignore[override]
        self, anchor: Tensor, positive: Tensor, negative: Tensor
    ) -> Tensor:
        return type(self).function(anchor, positive, negative, **self.arguments())


class TripletMarginLoss(TripletLoss):
    """``max(0, margin + d(anchor, positive) - d(anchor, negative))``

    >>> nn.TripletMarginLoss()(Tensor([[0.0]]), Tensor([[1.0]]), Tensor([[9.0]])).item()
    0.0
    """

    function = margin_loss.triplet_margin_loss

    @public
    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(margin=margin, p=p, eps=eps, swap=swap, reduction=reduction)


class TripletMarginWithDistanceLoss(TripletLoss):
    """As ``TripletMarginLoss``, with a distance of one's own, which may be a module.

    >>> loss = nn.TripletMarginWithDistanceLoss(distance_function=nn.PairwiseDistance(p=1))
    >>> loss(Tensor([[0.0, 0.0]]), Tensor([[1.0, 1.0]]), Tensor([[1.5, 0.0]])).realize()
    Tensor(1.5)
    """

    function = margin_loss.triplet_margin_with_distance_loss

    @public
    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(
            distance_function=distance_function, margin=margin, swap=swap, reduction=reduction
        )


class CTCLoss(Loss):
    """Connectionist temporal classification: of log-probabilities (T, N, C), labels and the
    lengths of both.

    >>> scores = F.log_softmax(lazygrad.zeros(5, 2, 3), dim=-1)
    >>> nn.CTCLoss(reduction="none")(scores, Tensor([[1, 2], [1, 1]]), [5, 4], [2, 1]).shape
    (2,)
    """

    function = ctc.ctc_loss

    @public
    def __init__(
        self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False
    ) -> None:
        super().__init__(blank=blank, reduction=reduction, zero_infinity=zero_infinity)

    @public
    def forward(  # type: ignore[override]
        self,
        log_probs: Tensor,
        targets: Tensor,
        input_lengths: Tensor | Sequence[int],
        target_lengths: Tensor | Sequence[int],
    ) -> Tensor:
        return ctc.ctc_loss(log_probs, targets, input_lengths, target_lengths, **self.arguments())
