"""What arguments of the standard become before a function of lazygrad takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lazygrad import element_types as dt
from lazygrad.element_types import DType
from lazygrad.functional.arguments import Dims, Number, Operand
from lazygrad.functional.creation import full
from lazygrad.functional.facts import is_tensor
from lazygrad.functional.maps import tensor_among, titled

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


def together(op: str, *operands: Operand) -> list[Tensor]:
    """Arrays in the dtype that all of them promote to, those of no dims as well: an operator of
    PyTorch lets their kind count only. Numbers become arrays of that dtype."""
    like = tensor_among(op, *operands)
    dtype = common_dtype(*operands)
    return [
        x.to(dtype) if is_tensor(x) else full((), x, dtype=dtype, device=like.device)  # type: ignore[union-attr, arg-type]
        for x in operands
    ]


def common_dtype(*given: Any) -> DType:
    """What arrays, dtypes and numbers promote to; numbers count by their kind."""
    strong = [x.dtype if is_tensor(x) else dt.of(x) for x in given if not is_number(x)]
    if not strong:
        return dt.of_scalar(sum(given))
    found = strong[0]
    for dtype in strong[1:]:
        found = dt.promote(found, dtype)
    for number in filter(is_number, given):
        found = dt.promote_scalar(found, number)
    return found


def is_number(value: Any) -> bool:
    return isinstance(value, Number)


def of_two(function: Callable[..., Tensor], name: str) -> Callable[[Operand, Operand], Tensor]:
    """``function`` of two arrays, or an array and a number, under the standard's ``name``."""

    def applied(x1: Operand, x2: Operand, /) -> Tensor:
        return function(*together(name, x1, x2))

    return titled(applied, name, function.__doc__)


def reduced(
    function: Callable[..., Tensor], x: Tensor, axis: Dims, keepdims: bool, **options: Any
) -> Tensor:
    """``function`` over ``axis``. An empty tuple reduces nothing, where PyTorch's reduces all: each
    element is then the only one of a dim of its own."""
    if axis == ():
        return function(x.unsqueeze(-1), -1, **options)
    return function(x, axis, keepdims, **options)


def accumulated(x: Tensor, dtype: Any) -> DType:
    """The dtype of a sum or a product: of integers one of 64 bits."""
    if dtype is not None:
        return dt.of(dtype)
    return {dt.UNSIGNED: dt.uint64, dt.FLOAT: x.dtype}.get(x.dtype.kind, dt.int64)
