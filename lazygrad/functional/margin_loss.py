"""Losses of margins: of scores that should differ, and of vectors that should be near or far."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lazygrad import host
from lazygrad.bridge import optional, read, wrap
from lazygrad.functional import distance
from lazygrad.lang import margin_loss
from lazygrad.public import public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, reduction: str = "mean"
) -> Tensor:
    """``x`` where ``target`` is 1, and ``max(0, margin - x)`` where it is -1.

    >>> F.hinge_embedding_loss(Tensor([0.5, 0.25]), Tensor([1, -1]), reduction="none").tolist()
    [0.5, 0.75]
    """
    return wrap(margin_loss.hinge_embedding_loss(read(input), read(target), margin, reduction))


@public
def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, reduction: str = "mean"
) -> Tensor:
    """``max(0, margin - target * (input1 - input2))``

    >>> F.margin_ranking_loss(Tensor([2.0]), Tensor([1.0]), Tensor([-1.0])).item()
    1.0
    """
    first, second = read(input1), read(input2)
    return wrap(margin_loss.margin_ranking_loss(first, second, read(target), margin, reduction))


@public
def soft_margin_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """``log(1 + exp(-target * x))``

    >>> F.soft_margin_loss(Tensor([0.0, 100.0]), Tensor([1.0, 1.0])).realize()
    Tensor(0.3466)
    """
    return wrap(margin_loss.soft_margin_loss(read(input), read(target), reduction))


@public
def multi_margin_loss(
    input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0, weight: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Of scores (N, C) or (C) and classes (N) or (): the mean over classes of
    ``max(0, margin - x[target] + x[i]) ** p`` for ``i`` other than ``target``.

    Raises:
        ValueRangeError: a label outside [0, C) among values given by the host.

    >>> F.multi_margin_loss(Tensor([[0.5, 1.0, 0.0]]), Tensor([1])).realize()
    Tensor(0.1667)
    """
    own, labels, factors = read(input), read(target), optional(weight)
    if own.ndim and labels.dtype.is_integer:
        host.check_labels("multi_margin_loss", labels, own.shape[-1])
    return wrap(margin_loss.multi_margin_loss(own, labels, p, margin, factors, reduction))


@public
def multilabel_margin_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Of scores (N, C) or (C) and as many class indices, which a -1 ends: the sum over the classes
    ``j`` listed and ``i`` not listed of ``max(0, 1 - (x[j] - x[i])) / C``.

    >>> F.multilabel_margin_loss(Tensor([[0.0, 1.0, 0.5]]), Tensor([[1, -1, 0]])).realize()
    Tensor(0.1667)
    """
    return wrap(margin_loss.multilabel_margin_loss(read(input), read(target), reduction))


@public
def multilabel_soft_margin_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """Binary cross entropy of logits (.., C), its mean over the classes.

    >>> F.multilabel_soft_margin_loss(Tensor([[0.0, 0.0]]), Tensor([[1.0, 0.0]])).realize()
    Tensor(0.6931)
    """
    own, factors = read(input), optional(weight)
    return wrap(margin_loss.multilabel_soft_margin_loss(own, read(target), factors, reduction))


@public
def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, reduction: str = "mean"
) -> Tensor:
    """``1 - cos`` of vectors (N, D) or (D) where ``target`` (N) or () is 1, and
    ``max(0, cos - margin)`` where it is -1.

    >>> F.cosine_embedding_loss(Tensor([[1.0, 0.0]]), Tensor([[0.0, 1.0]]), Tensor([1])).item()
    1.0
    """
    first, second = read(input1), read(input2)
    return wrap(margin_loss.cosine_embedding_loss(first, second, read(target), margin, reduction))


@public
def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2,
    eps: float = 1e-6, swap: bool = False, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``max(0, margin + d(anchor, positive) - d(anchor, negative))`` with the distances of
    ``pairwise_distance``; with ``swap`` from the positive one, where that is nearer.

    >>> F.triplet_margin_loss(Tensor([[0.0]]), Tensor([[1.0]]), Tensor([[1.5]])).realize()
    Tensor(0.5)
    """
    vectors = read(anchor), read(positive), read(negative)
    return wrap(margin_loss.triplet_margin_loss(*vectors, margin, p, eps, swap, reduction))


@public
def triplet_margin_with_distance_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None, margin: float = 1.0,
    swap: bool = False, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """As ``triplet_margin_loss``, with a distance of one's own.

    >>> far = lambda a, b: (a - b).abs().amax(-1)
    >>> anchor, near, apart = Tensor([[0.0, 0.0]]), Tensor([[1.0, 1.0]]), Tensor([[1.5, 0.0]])
    >>> F.triplet_margin_with_distance_loss(anchor, near, apart, distance_function=far).item()
    0.5
    """
    measure = distance_function or distance.pairwise_distance
    near, far = measure(anchor, positive), measure(anchor, negative)
    between = read(measure(positive, negative)) if swap else None
    op = "triplet_margin_with_distance_loss"
    return wrap(margin_loss.triplet_loss(op, read(near), read(far), between, margin, reduction))
