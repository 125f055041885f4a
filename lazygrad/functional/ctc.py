"""Connectionist temporal classification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lazygrad import host
from lazygrad.arguments import require_range
from lazygrad.bridge import read, wrap
from lazygrad.errors import DtypeError, ShapeError
from lazygrad.graph import Node
from lazygrad.lang import ctc
from lazygrad.lang.elementwise import div, maximum
from lazygrad.lang.indexing import take
from lazygrad.lang.loss import reduced
from lazygrad.lang.movement import reshape
from lazygrad.lang.operands import cast
from lazygrad.public import public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

OP = "ctc_loss"


@public
def ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths: Tensor | Sequence[int],
    target_lengths: Tensor | Sequence[int], blank: int = 0, reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """How unlikely targets are under log-probabilities (T, N, C) or (T, C), as
    ``log_softmax`` gives them, over all ways to stretch the targets with ``blank`` between.

    Its graph has some 20 nodes for each of the T steps.

    Args:
        targets: labels (N, S), or those of all sequences one after the other, which looks their
            lengths up now.
        input_lengths, target_lengths: how many of the T steps and S labels count, (N) or ().
        reduction: "mean" divides by the targets' lengths first.
        zero_infinity: whether impossible targets have loss 0 instead of inf.

    Raises:
        ShapeError: where the shapes do not fit.
        DtypeError: for labels that are no integers.

    >>> scores = F.log_softmax(lazygrad.zeros(5, 1, 3), dim=-1)
    >>> F.ctc_loss(scores, Tensor([[1, 2]]), Tensor([5]), Tensor([2])).realize()
    Tensor(0.9689)
    """
    scores, batched = read(log_probs), log_probs.ndim == 3
    if scores.ndim not in (2, 3):
        raise ShapeError(f"[{OP}] log_probs must be (T, N, C) or (T, C), got {scores.shape}")
    scores = scores if batched else reshape(scores, (scores.shape[0], 1, scores.shape[1]))
    require_range(OP, 0, scores.shape[2] - 1, blank=blank)
    count = scores.shape[1]
    steps, sizes = (_lengths(given, log_probs, count) for given in (input_lengths, target_lengths))
    labels = _labels(targets, target_lengths, count)
    losses = ctc.ctc_losses(scores, labels, steps, sizes, blank)
    losses = ctc.without_infinite(losses) if zero_infinity else losses
    if reduction == "mean":
        losses = div(losses, cast(maximum(sizes, 1), losses.dtype))
    result = reduced(OP, losses, reduction)
    return wrap(result if batched or result.ndim == 0 else reshape(result, ()))


def _lengths(given: Tensor | Sequence[int], like: Tensor, count: int) -> Node:
    if isinstance(given, list | tuple):
        found = host.leaf_of(np.array(given, np.int64), None, like.device)
    else:
        found = read(given)  # type: ignore[arg-type]
    if found.size != count:
        raise ShapeError(f"[{OP}] {count} sequences need as many lengths, got shape {found.shape}")
    return reshape(found, (count,))


def _labels(targets: Tensor, lengths: Tensor | Sequence[int], count: int) -> Node:
    """(N, S); of labels one after the other by the lengths of the sequences."""
    own = read(targets)
    if not own.dtype.is_integer:
        raise DtypeError(f"[{OP}] targets must be integers, got {own.dtype.name}")
    if own.ndim == 2 and own.shape[0] == count:
        return own
    if own.ndim != 1:
        raise ShapeError(
            f"[{OP}] targets must be ({count}, S), or one after the other, not {own.shape}"
        )
    sizes = np.reshape(np.asarray(lengths), -1)
    if sizes.sum() != own.shape[0]:
        raise ShapeError(f"[{OP}] {own.shape[0]} labels for target lengths {sizes.tolist()}")
    starts = np.cumsum(sizes) - sizes
    places = starts[:, None] + np.arange(sizes.max(initial=0))
    index = np.minimum(places, max(own.shape[0] - 1, 0))
    return take(own, 0, host.leaf_of(index, None, own.device), in_range=True)
