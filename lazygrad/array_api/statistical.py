"""Reductions, and running sums and products."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lazygrad.array_api.arguments import accumulated, reduced
from lazygrad.errors import AxisError
from lazygrad.functional import joining, reduce, scans
from lazygrad.functional.arguments import Dims, Number

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


def cumulative_prod(
    x: Tensor, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Tensor:
    """The products of the elements up to each along ``axis``; with the 1 that they start from if
    ``include_initial``. Of a vector, the axis may be left out."""
    return _running("cumulative_prod", scans.cumprod, 1, x, axis, dtype, include_initial)


def cumulative_sum(
    x: Tensor, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Tensor:
    """The sums of the elements up to each along ``axis``; with the 0 that they start from if
    ``include_initial``. Of a vector, the axis may be left out."""
    return _running("cumulative_sum", reduce.cumsum, 0, x, axis, dtype, include_initial)


def _running(
    op: str, function: Callable[..., Tensor], first: Number, x: Tensor, axis: int | None,
    dtype: Any, include_initial: bool,
) -> Tensor:  # fmt: skip
    if axis is None and x.ndim != 1:
        raise AxisError(f"[{op}] needs an axis for an array of shape {x.shape}")
    along = 0 if axis is None else axis
    found = function(x, along, dtype=accumulated(x, dtype))
    if not include_initial:
        return found
    shape = list(x.shape)
    shape[along] = 1
    return joining.cat([found.new_full(shape, first), found], dim=along)


def max(x: Tensor, /, *, axis: Dims = None, keepdims: bool = False) -> Tensor:
    """The largest element; NaN where there is one."""
    return reduced(reduce.amax, x, axis, keepdims)


def mean(x: Tensor, /, *, axis: Dims = None, keepdims: bool = False) -> Tensor:
    """The arithmetic mean."""
    return reduced(reduce.mean, x, axis, keepdims)


def min(x: Tensor, /, *, axis: Dims = None, keepdims: bool = False) -> Tensor:
    """The smallest element; NaN where there is one."""
    return reduced(reduce.amin, x, axis, keepdims)


def prod(x: Tensor, /, *, axis: Dims = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
    """The product; of integers in 64 bits."""
    return reduced(reduce.prod, x, axis, keepdims, dtype=accumulated(x, dtype))


def std(
    x: Tensor, /, *, axis: Dims = None, correction: float = 0.0, keepdims: bool = False
) -> Tensor:
    """The standard deviation, the root of ``var``."""
    return reduced(reduce.std, x, axis, keepdims, correction=correction)


def sum(x: Tensor, /, *, axis: Dims = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
    """The sum; of integers in 64 bits."""
    return reduced(reduce.sum, x, axis, keepdims, dtype=accumulated(x, dtype))


def var(
    x: Tensor, /, *, axis: Dims = None, correction: float = 0.0, keepdims: bool = False
) -> Tensor:
    """The variance with divisor ``count - correction``."""
    return reduced(reduce.var, x, axis, keepdims, correction=correction)
