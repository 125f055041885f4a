"""What is found among elements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lazygrad.array_api import statistical
from lazygrad.array_api.arguments import together
from lazygrad.element_types import int64
from lazygrad.errors import ShapeError
from lazygrad.functional import compare, counting, reduce, selecting
from lazygrad.functional.arguments import Dims, Operand

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


def argmax(x: Tensor, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where the first largest element is along ``axis``, or among all in row-major order."""
    return reduce.argmax(x, axis, keepdims)


def argmin(x: Tensor, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where the first smallest element is along ``axis``, or among all in row-major order."""
    return reduce.argmin(x, axis, keepdims)


def count_nonzero(x: Tensor, /, *, axis: Dims = None, keepdims: bool = False) -> Tensor:
    """How many elements are not 0, int64."""
    return statistical.sum(compare.ne(x, 0), axis=axis, keepdims=keepdims, dtype=int64)


def nonzero(x: Tensor, /) -> tuple[Tensor, ...]:
    """Where elements are not 0: for each axis a vector of places.

    Raises:
        ShapeError: for an array of no dims.
    """
    if not x.ndim:
        raise ShapeError("[nonzero] an array of no dims has no places; use != 0")
    found: tuple[Tensor, ...] = selecting.nonzero(x, as_tuple=True)
    return found


def searchsorted(
    x1: Tensor, x2: Tensor, /, *, side: str = "left", sorter: Tensor | None = None
) -> Tensor:
    """Where the values ``x2`` belong in the ascending vector ``x1``: before ("left") or after
    ("right") what equals them."""
    ordered, values = together("searchsorted", x1, x2)
    return counting.searchsorted(ordered, values, side=side, sorter=sorter)


def where(condition: Tensor, x1: Operand, x2: Operand, /) -> Tensor:
    """``x1`` where ``condition`` holds, else ``x2``."""
    found: Tensor = compare.where(condition, *together("where", x1, x2))
    return found
