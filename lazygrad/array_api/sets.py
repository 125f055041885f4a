"""The values that occur, found on the host; each NaN is one of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lazygrad.functional import selecting

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


class All(NamedTuple):
    """What ``unique_all`` returns."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class Counts(NamedTuple):
    """What ``unique_counts`` returns."""

    values: Tensor
    counts: Tensor


class Inverse(NamedTuple):
    """What ``unique_inverse`` returns."""

    values: Tensor
    inverse_indices: Tensor


def unique_all(x: Tensor, /) -> All:
    """The values, the first place of each, where each element is among them, and how often each
    occurs."""
    values, inverse, counts = selecting.unique(x, return_inverse=True, return_counts=True)
    # Elements in the order of their values, equals in the order of their places: each value's
    # first place comes after all occurrences of the smaller ones.
    first = inverse.ravel().argsort(stable=True)[counts.cumsum(0) - counts]
    return All(values, first, inverse, counts)


def unique_counts(x: Tensor, /) -> Counts:
    """The values, and how often each occurs."""
    return Counts(*selecting.unique(x, return_counts=True))


def unique_inverse(x: Tensor, /) -> Inverse:
    """The values, and where each element is among them."""
    return Inverse(*selecting.unique(x, return_inverse=True))


def unique_values(x: Tensor, /) -> Tensor:
    """The values, ascending."""
    found: Tensor = selecting.unique(x)
    return found
