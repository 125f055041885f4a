"""Elements chosen by their places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lazygrad.functional import indexing, selecting

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


def take(x: Tensor, indices: Tensor, /, *, axis: int | None = None) -> Tensor:
    """The slices along ``axis`` that a vector of ``indices`` names; of a vector, it may be left
    out."""
    return indexing.index_select(x, 0 if axis is None else axis, indices)


def take_along_axis(x: Tensor, indices: Tensor, /, *, axis: int = -1) -> Tensor:
    """Along ``axis`` the elements that ``indices`` names, as of ``argsort``."""
    return selecting.take_along_dim(x, indices, axis)
