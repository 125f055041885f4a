"""Channels rearranged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lazygrad.bridge import read, wrap
from lazygrad.errors import ShapeError
from lazygrad.lang.movement import permute, reshape
from lazygrad.public import public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """(.., C * r * r, H, W) to (.., C, H * r, W * r).

    Raises:
        ShapeError: for less than 3 dims, or channels that do not divide.

    >>> F.pixel_shuffle(lazygrad.arange(4).reshape(4, 1, 1), 2).tolist()
    [[[0, 1], [2, 3]]]
    """
    own, r = read(input), upscale_factor
    if own.ndim < 3 or r < 1 or own.shape[-3] % (r * r):
        raise ShapeError(
            f"[pixel_shuffle] shape {own.shape} has no channels in groups of {r} * {r}"
        )
    *outer, channels, height, width = own.shape
    n = len(outer)
    split = reshape(own, (*outer, channels // (r * r), r, r, height, width))
    order = [*range(n), n, n + 3, n + 1, n + 4, n + 2]
    shape = (*outer, channels // (r * r), height * r, width * r)
    return wrap(reshape(permute(split, order), shape))


@public
def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """(.., C, H * r, W * r) to (.., C * r * r, H, W).

    Raises:
        ShapeError: for less than 3 dims, or sizes that do not divide.

    >>> F.pixel_unshuffle(lazygrad.zeros(1, 3, 8, 8), 2).shape
    (1, 12, 4, 4)
    """
    own, r = read(input), downscale_factor
    if own.ndim < 3 or r < 1 or own.shape[-2] % r or own.shape[-1] % r:
        raise ShapeError(f"[pixel_unshuffle] {r} does not divide the last two sizes of {own.shape}")
    *outer, channels, height, width = own.shape
    n = len(outer)
    split = reshape(own, (*outer, channels, height // r, r, width // r, r))
    order = [*range(n), n, n + 2, n + 4, n + 1, n + 3]
    return wrap(reshape(permute(split, order), (*outer, channels * r * r, height // r, width // r)))


@public
def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The channels (dim 1) of ``groups`` groups taken in turn from each group.

    Raises:
        ShapeError: for less than 3 dims, or channels that do not divide.

    >>> F.channel_shuffle(lazygrad.arange(4).reshape(1, 4, 1), 2).flatten().tolist()
    [0, 2, 1, 3]
    """
    own = read(input)
    if own.ndim < 3 or groups < 1 or own.shape[1] % groups:
        raise ShapeError(f"[channel_shuffle] {groups} does not divide dim 1 of {own.shape}")
    split = reshape(own, (own.shape[0], groups, own.shape[1] // groups, *own.shape[2:]))
    return wrap(reshape(permute(split, [0, 2, 1, *range(3, split.ndim)]), own.shape))
