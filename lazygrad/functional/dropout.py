"""Dropout: in training, some of the input is dropped at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lazygrad.arguments import require_range
from lazygrad.bridge import read, wrap
from lazygrad.errors import ShapeError
from lazygrad.functional.random import random_key
from lazygrad.graph import Node
from lazygrad.lang import random
from lazygrad.public import public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Elements zeroed with probability ``p`` and the others scaled, in training.

    >>> F.dropout(lazygrad.ones(1000), p=0.5).unique().tolist()
    [0.0, 2.0]
    """
    require_range("dropout", 0, 1, p=p)
    if not training or p == 0.0:
        return input
    made = wrap(random.dropout(read(input), random_key(input.device), p))
    return input.copy_(made) if inplace else made


@public
def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Whole channels of (N, C, L) or (C, L) zeroed with probability ``p`` and the others scaled, in
    training.

    Raises:
        ShapeError: for another number of dims.

    >>> kept = F.dropout1d(lazygrad.ones(1, 4, 3))
    >>> kept.min(-1).values.equal(kept.max(-1).values)
    True
    """
    return _by_channel("dropout1d", input, p, training, inplace, (2, 3))


@public
def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Whole channels of (N, C, H, W) zeroed with probability ``p`` and the others scaled, in
    training; 3 dims are taken as (N, C, L), as in PyTorch.

    Raises:
        ShapeError: for another number of dims.

    >>> kept = F.dropout2d(lazygrad.ones(2, 4, 3, 3), p=0.25)
    >>> kept.amin((2, 3)).equal(kept.amax((2, 3)))
    True
    """
    return _by_channel("dropout2d", input, p, training, inplace, (3, 4), batched=True)


@public
def dropout3d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Whole channels of (N, C, D, H, W) or (C, D, H, W) zeroed with probability ``p`` and the
    others scaled, in training.

    Raises:
        ShapeError: for another number of dims.

    >>> F.dropout3d(lazygrad.ones(2, 4, 3, 3, 3), training=False).unique().tolist()
    [1.0]
    """
    return _by_channel("dropout3d", input, p, training, inplace, (4, 5))


def _by_channel(
    op: str,
    input: Tensor,
    p: float,
    training: bool,
    inplace: bool,
    dims: tuple[int, int],
    batched: bool = False,
) -> Tensor:
    require_range(op, 0, 1, p=p)
    own = read(input)
    if own.ndim not in dims:
        raise ShapeError(f"[{op}] needs {dims[0]} or {dims[1]} dims, got shape {own.shape}")
    if not training or p == 0.0:
        return input
    outer = 2 if batched or own.ndim == dims[1] else 1
    made = wrap(random.dropout(own, random_key(own.device), p, _channels(own, outer)), op)
    return input.copy_(made) if inplace else made


def _channels(x: Node, outer: int) -> tuple[int, ...]:
    """The shape of one number for each of the first ``outer`` dims."""
    return x.shape[:outer] + (1,) * (x.ndim - outer)


@public
def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Elements set to the lowest value of ``selu`` with probability ``p``, in training, so that
    mean and variance stay.

    >>> F.alpha_dropout(lazygrad.zeros(1000), training=True).unique().numel()
    2
    """
    require_range("alpha_dropout", 0, 1, p=p)
    if not training or p == 0.0:
        return input
    own = read(input)
    made = wrap(random.alpha_dropout(own, random_key(own.device), p, own.shape))
    return input.copy_(made) if inplace else made


@public
def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """``alpha_dropout`` of whole channels of (N, C, ..).

    Raises:
        ShapeError: for less than 2 dims.

    >>> kept = F.feature_alpha_dropout(lazygrad.ones(1, 4, 3), training=True)
    >>> kept.amin(-1).equal(kept.amax(-1))
    True
    """
    require_range("feature_alpha_dropout", 0, 1, p=p)
    own = read(input)
    if own.ndim < 2:
        raise ShapeError(f"[feature_alpha_dropout] needs (N, C, ..), got shape {own.shape}")
    if not training or p == 0.0:
        return input
    made = wrap(random.alpha_dropout(own, random_key(own.device), p, _channels(own, 2)))
    return input.copy_(made) if inplace else made
