"""Losses of margins: of scores that should differ, and of vectors that should be near or far."""

from __future__ import annotations

from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.graph import Node
from lazygrad.lang import reduce
from lazygrad.lang.comparison import eq, ge, logical_and, logical_not, ne
from lazygrad.lang.creation import positions
from lazygrad.lang.elementwise import add, div, minimum, mul, neg, sqrt, square, sub, where
from lazygrad.lang.indexing import gather, pick, take
from lazygrad.lang.loss import reduced
from lazygrad.lang.movement import broadcast_to, reshape, unsqueeze
from lazygrad.lang.norms import pairwise_distance
from lazygrad.lang.operands import cast, require_float, widened, zeros_like
from lazygrad.lang.transcendental import logsigmoid, softplus
from lazygrad.shape import broadcast

COSINE_EPS = 1e-12  # of squared lengths, PyTorch's


def _positive(x: Node) -> Node:
    """``x``, or 0 where it is negative; at 0 its derivative is that of ``x``, as PyTorch has it."""
    return where(ge(x, 0.0), x, where(ne(x, x), x, 0.0))


def hinge_embedding_loss(
    x: Node, target: Node, margin: float = 1.0, reduction: str = "mean"
) -> Node:
    """``x`` where ``target`` is 1, and ``max(0, margin - x)`` where it is -1."""
    require_float("hinge_embedding_loss", x)
    far = where(ne(target, 1), _positive(sub(margin, x)), 0.0)
    near = where(ne(target, -1), x, 0.0)
    return reduced("hinge_embedding_loss", add(far, near), reduction)


def margin_ranking_loss(
    x: Node, other: Node, target: Node, margin: float = 0.0, reduction: str = "mean"
) -> Node:
    """``max(0, margin - target * (x - other))``"""
    gap = sub(margin, mul(target, sub(x, other)))
    return reduced("margin_ranking_loss", _positive(gap), reduction)


def soft_margin_loss(x: Node, target: Node, reduction: str = "mean") -> Node:
    """``log(1 + exp(-target * x))``"""
    require_float("soft_margin_loss", x)
    loss = softplus(neg(mul(target, x)), 1.0, float("inf"))
    return reduced("soft_margin_loss", loss, reduction)


def multi_margin_loss(
    x: Node,
    target: Node,
    p: int = 1,
    margin: float = 1.0,
    weight: Node | None = None,
    reduction: str = "mean",
) -> Node:
    """Of scores (N, C) or (C) and classes (N) or (): the mean over classes of
    ``max(0, margin - x[target] + x[i]) ** p`` for ``i`` other than ``target``."""
    op = "multi_margin_loss"
    require_float(op, x)
    if p not in (1, 2):
        raise ValueRangeError(f"[{op}] p must be 1 or 2, got {p}")
    batch = _scores(op, x)
    labels = reshape(target, batch.shape[:1]) if target.size == batch.shape[0] else target
    if labels.shape != batch.shape[:1] or not labels.dtype.is_integer:
        raise ShapeError(
            f"[{op}] target must hold integers of shape {x.shape[:-1]} for scores of shape "
            f"{x.shape}, not {target.dtype.name} {target.shape}"
        )
    own = unsqueeze(pick(batch, 1, labels), 1)
    gap = _positive(add(sub(margin, own), batch))
    gap = square(gap) if p == 2 else gap
    others = ne(positions(batch, 1), unsqueeze(labels, 1))
    loss = where(others, gap, 0.0)
    if weight is not None:
        if weight.shape != batch.shape[1:]:
            raise ShapeError(f"[{op}] weight must have shape {batch.shape[1:]}, not {weight.shape}")
        loss = mul(loss, unsqueeze(take(weight, 0, labels, in_range=True), 1))
    loss = div(reduce.sum(loss, 1), float(batch.shape[1]))
    return reduced(op, reshape(loss, x.shape[:-1]), reduction)


def _scores(op: str, x: Node) -> Node:
    """Scores as (N, C)."""
    if x.ndim not in (1, 2) or not x.shape[-1]:
        raise ShapeError(f"[{op}] needs scores of shape (N, C) or (C), got {x.shape}")
    return reshape(x, (1, -1)) if x.ndim == 1 else x


def multilabel_margin_loss(x: Node, target: Node, reduction: str = "mean") -> Node:
    """Of scores (N, C) or (C) and as many class indices, which a -1 ends: the sum over the classes
    ``j`` listed and ``i`` not listed of ``max(0, 1 - (x[j] - x[i])) / C``."""
    op = "multilabel_margin_loss"
    require_float(op, x)
    batch = _scores(op, x)
    if target.shape != x.shape or not target.dtype.is_integer:
        raise ShapeError(
            f"[{op}] target must hold integers of shape {x.shape}, not {target.dtype.name} "
            f"{target.shape}"
        )
    labels = reshape(target, batch.shape)
    ended = reduce.cumsum(cast(logical_not(ge(labels, 0)), labels.dtype), 1)
    listed = eq(ended, 0)  # (N, C), by place in the list
    labels = where(listed, labels, zeros_like(labels))
    score = gather(batch, 1, labels, in_range=True)
    pairs = broadcast_to(unsqueeze(batch, 1), (*batch.shape, batch.shape[1]))  # N, j, i
    named = logical_and(unsqueeze(listed, 2), eq(unsqueeze(labels, 2), positions(pairs, 2)))
    others = logical_not(reduce.any(named, 1, keepdim=True))
    gap = _positive(add(sub(1.0, unsqueeze(score, 2)), pairs))
    loss = where(logical_and(unsqueeze(listed, 2), others), gap, 0.0)
    loss = div(reduce.sum(loss, (1, 2)), float(batch.shape[1]))
    return reduced(op, reshape(loss, x.shape[:-1]), reduction)


def multilabel_soft_margin_loss(
    x: Node, target: Node, weight: Node | None = None, reduction: str = "mean"
) -> Node:
    """Binary cross entropy of logits (.., C), its mean over the classes."""
    require_float("multilabel_soft_margin_loss", x)
    yes, no = mul(target, logsigmoid(x)), mul(sub(1.0, target), logsigmoid(neg(x)))
    loss = neg(add(yes, no))
    loss = loss if weight is None else mul(loss, weight)
    return reduced("multilabel_soft_margin_loss", reduce.mean(loss, -1), reduction)


# -- vectors ---------------------------------------------------------------------------------------


def cosine_embedding_loss(
    x: Node, other: Node, target: Node, margin: float = 0.0, reduction: str = "mean"
) -> Node:
    """``1 - cos`` of vectors (N, D) or (D) where ``target`` (N) or () is 1, and
    ``max(0, cos - margin)`` where it is -1."""
    op = "cosine_embedding_loss"
    require_float(op, x)
    shape = broadcast(op, x.shape, other.shape)
    if target.shape != shape[:-1] or len(shape) not in (1, 2):
        raise ShapeError(
            f"[{op}] inputs of shape {x.shape} and {other.shape} with a target of shape "
            f"{target.shape}; expected (N, D), (N, D) and (N), or (D), (D) and ()"
        )
    wide, apart = widened(x), widened(other)
    lengths = [add(reduce.sum(square(v), -1), COSINE_EPS) for v in (wide, apart)]
    cosine = div(reduce.sum(mul(wide, apart), -1), sqrt(mul(*lengths)))
    near = where(eq(target, 1), sub(1.0, cosine), 0.0)
    far = where(eq(target, -1), _positive(sub(cosine, margin)), 0.0)
    return cast(reduced(op, add(near, far), reduction), x.dtype)


def triplet_margin_loss(
    anchor: Node,
    positive: Node,
    negative: Node,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Node:
    """``max(0, margin + d(anchor, positive) - d(anchor, negative))`` with the distances of
    ``pairwise_distance``."""
    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    between = pairwise_distance(positive, negative, p, eps) if swap else None
    return triplet_loss("triplet_margin_loss", near, far, between, margin, reduction)


def triplet_loss(
    op: str, near: Node, far: Node, between: Node | None, margin: float, reduction: str
) -> Node:
    """``max(0, margin + near - far)`` of distances; where the positive one is nearer to the
    negative one than the anchor is, by that distance ``between``.

    Raises:
        ValueRangeError: for a margin that is not above 0.
    """
    if margin <= 0:
        raise ValueRangeError(f"[{op}] margin must be above 0, got {margin}")
    if between is not None:
        far = minimum(far, between)
    return reduced(op, _positive(add(sub(near, far), margin)), reduction)
