"""Order. Equals always stay in the order that they have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lazygrad.functional import sorting

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


def argsort(
    x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True
) -> Tensor:
    """The places that sort the elements along ``axis``, int64."""
    return sorting.argsort(x, axis, descending, stable)


def sort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The elements in order along ``axis``; NaN counts as the largest."""
    return sorting.sort(x, axis, descending, stable).values
