"""What holds of elements, and the differences of neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lazygrad.array_api.arguments import reduced
from lazygrad.element_types import bool_
from lazygrad.functional import reduce, scans
from lazygrad.functional.arguments import Dims

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


def all(x: Tensor, /, *, axis: Dims = None, keepdims: bool = False) -> Tensor:
    """Whether nothing is 0."""
    return reduced(reduce.all, x, axis, keepdims).to(bool_)  # PyTorch's of uint8 are uint8


def any(x: Tensor, /, *, axis: Dims = None, keepdims: bool = False) -> Tensor:
    """Whether something is not 0."""
    return reduced(reduce.any, x, axis, keepdims).to(bool_)


def diff(
    x: Tensor, /, *, axis: int = -1, n: int = 1, prepend: Tensor | None = None,
    append: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The differences of neighbours along ``axis``, ``n`` times; values before and after come in
    first."""
    return scans.diff(x, n, axis, prepend, append)
