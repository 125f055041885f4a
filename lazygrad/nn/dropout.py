"""Dropout."""

from __future__ import annotations

from lazygrad.arguments import require_range
from lazygrad.functional import dropout
from lazygrad.nn.applied import Applied
from lazygrad.public import public
from lazygrad.tensor_class import Tensor


class _Dropout(Applied):
    """In training, something of the input is dropped with probability ``p``."""

    p: float
    inplace: bool

    @public
    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        require_range(type(self).__name__, 0, 1, p=p)
        super().__init__(p=p, inplace=inplace)

    @public
    def forward(self, input: Tensor) -> Tensor:
        found: Tensor = type(self).function(
            input, p=self.p, training=self.training, inplace=self.inplace
        )
        return found

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """In training, zeroes each element with probability ``p`` and scales the rest by
    ``1 / (1 - p)``.

    >>> layer = nn.Dropout(0.5)
    >>> layer(lazygrad.ones(1000)).unique().tolist(), layer.eval()(lazygrad.ones(3)).tolist()
    ([0.0, 2.0], [1.0, 1.0, 1.0])
    """

    function = dropout.dropout


class Dropout1d(_Dropout):
    """In training, zeroes whole channels of (N, C, L) or (C, L) and scales the rest.

    >>> kept = nn.Dropout1d()(lazygrad.ones(2, 8, 3))
    >>> kept.amin(-1).equal(kept.amax(-1))
    True
    """

    function = dropout.dropout1d


class Dropout2d(_Dropout):
    """In training, zeroes whole channels of (N, C, H, W) and scales the rest.

    >>> kept = nn.Dropout2d()(lazygrad.ones(2, 8, 3, 3))
    >>> kept.amin((2, 3)).equal(kept.amax((2, 3)))
    True
    """

    function = dropout.dropout2d


class Dropout3d(_Dropout):
    """In training, zeroes whole channels of (N, C, D, H, W) or (C, D, H, W) and scales the rest.

    >>> kept = nn.Dropout3d()(lazygrad.ones(2, 8, 3, 3, 3))
    >>> kept.amin((2, 3, 4)).equal(kept.amax((2, 3, 4)))
    True
    """

    function = dropout.dropout3d


class AlphaDropout(_Dropout):
    """In training, sets elements to the lowest value of ``SELU`` so that mean and variance stay.

    >>> nn.AlphaDropout(0.5)(lazygrad.zeros(1000)).unique().numel()
    2
    """

    function = dropout.alpha_dropout


class FeatureAlphaDropout(_Dropout):
    """``AlphaDropout`` of whole channels of (N, C, ..).

    >>> kept = nn.FeatureAlphaDropout()(lazygrad.ones(2, 8, 3))
    >>> kept.amin(-1).equal(kept.amax(-1))
    True
    """

    function = dropout.feature_alpha_dropout
