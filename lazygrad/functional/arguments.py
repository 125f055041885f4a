"""Arguments as PyTorch's functions take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Union

from lazygrad import element_types as dt
from lazygrad.element_types import DType

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

Number = bool | int | float
Dims = int | Sequence[int] | None
Sizes = int | Sequence[int]
Tolerance = Any  # a number, or a tensor of one for each matrix
Operand = Union["Tensor", bool, int, float]  # a string cannot be joined by | to what follows it


class Indexed(NamedTuple):
    """What gives elements and where they are returns: ``max(dim)``, ``sort()``, ``topk()`` ..."""

    values: Tensor
    indices: Tensor


def all_dims(dim: Any) -> Any:
    """PyTorch takes an empty tuple of dims as all of them."""
    return None if isinstance(dim, tuple | list) and not dim else dim


def dtype_or_none(dtype: Any) -> DType | None:
    return None if dtype is None else dt.of(dtype)
