"""Totals of what is there: not NaN, not 0."""

from __future__ import annotations

from lazygrad.element_types import FLOAT, DType, accumulator, int64
from lazygrad.graph import Node
from lazygrad.lang.comparison import isnan, logical_not, to_bool
from lazygrad.lang.elementwise import div, where
from lazygrad.lang.operands import cast, require_float, zeros_like
from lazygrad.lang.reduce import Axes, sum as sum_over


def nansum(x: Node, axes: Axes = None, keepdim: bool = False, dtype: DType | None = None) -> Node:
    """Sum of what is not NaN."""
    there = where(isnan(x), zeros_like(x), x) if x.dtype.kind == FLOAT else x
    return sum_over(there, axes, keepdim, dtype)


def nanmean(x: Node, axes: Axes = None, keepdim: bool = False, dtype: DType | None = None) -> Node:
    """Mean of what is not NaN; NaN of nothing."""
    x = x if dtype is None else cast(x, dtype)
    require_float("nanmean", x)
    wide = cast(x, accumulator(x.dtype))
    count = sum_over(cast(logical_not(isnan(wide)), wide.dtype), axes, keepdim)
    return cast(div(nansum(wide, axes, keepdim), count), x.dtype)


def count_nonzero(x: Node, axes: Axes = None) -> Node:
    """int64: how many elements are not 0."""
    return sum_over(to_bool(x), axes, dtype=int64)
