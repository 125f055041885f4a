"""Reductions, running totals, and the largest elements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import Any

from lazygrad import element_types as dt
from lazygrad.onnx.operators.operator import Operator, Operators
from lazygrad.onnx.types import Array
from lazygrad.tensor_class import Tensor

Reduction = Callable[[Tensor, tuple[int, ...], bool], Tensor]


def _product(x: Tensor, dims: tuple[int, ...], keepdim: bool) -> Tensor:
    return x.prod(dims, keepdim, dtype=x.dtype)


def _total(x: Tensor, dims: tuple[int, ...], keepdim: bool) -> Tensor:
    return x.sum(dims, keepdim, dtype=x.dtype)


def _mean(x: Tensor, dims: tuple[int, ...], keepdim: bool) -> Tensor:
    if x.dtype.is_floating_point:
        return x.mean(dims, keepdim)
    return x.cast(dt.float64).mean(dims, keepdim).cast(x.dtype)


def _extreme(
    of_numbers: Callable[..., Tensor], of_truth: Callable[..., Tensor], of_none: float
) -> Reduction:
    """Of no elements, what any other is beyond."""

    def reduced(x: Tensor, dims: tuple[int, ...], keepdim: bool) -> Tensor:
        if x.dtype is dt.bool_:
            return of_truth(x, dims, keepdim)
        if x.numel() == 0 and x.dtype.is_floating_point:
            return x.sum(dims, keepdim) + of_none
        return of_numbers(x, dims, keepdim)

    return reduced


REDUCTIONS: dict[str, Reduction] = {
    "ReduceSum": _total,
    "ReduceMean": _mean,
    "ReduceProd": _product,
    "ReduceMax": _extreme(Tensor.amax, Tensor.any, -inf),
    "ReduceMin": _extreme(Tensor.amin, Tensor.all, inf),
    "ReduceL1": lambda x, dims, keepdim: _total(x.abs(), dims, keepdim),
    "ReduceL2": lambda x, dims, keepdim: _total(x.square(), dims, keepdim).sqrt().cast(x.dtype),
    "ReduceSumSquare": lambda x, dims, keepdim: _total(x.square(), dims, keepdim),
    "ReduceLogSum": lambda x, dims, keepdim: _total(x, dims, keepdim).log(),
    "ReduceLogSumExp": lambda x, dims, keepdim: x.logsumexp(dims, keepdim).cast(x.dtype),
}
# versions from which on axes are an input
BY_INPUT = {"ReduceSum": 13}
OTHERS_BY_INPUT = 18


def by_attribute(reduction: Reduction) -> Callable[..., Tensor]:
    """Over all dims, if no axes are given."""

    def reduced(x: Tensor, *, axes: Sequence[int] | None = None, keepdims: int = 1) -> Tensor:
        dims = tuple(axes) if axes is not None else tuple(range(x.ndim))
        return reduction(x, dims, bool(keepdims))

    return reduced


def by_input(reduction: Reduction) -> Callable[..., Tensor]:
    """Over all dims, if no axes are given, or over none."""

    def reduced(
        x: Tensor, axes: Array | None = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0
    ) -> Tensor:
        dims = () if axes is None else tuple(map(int, axes))
        if not dims and noop_with_empty_axes:
            return reduction(x.unsqueeze(-1), (-1,), False)
        return reduction(x, dims or tuple(range(x.ndim)), bool(keepdims))

    return reduced


def place_of(find: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The place of the first of the largest or smallest, or of the last."""

    def found(x: Tensor, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Tensor:
        if select_last_index:
            return x.shape[axis] - 1 - find(x.flip(axis), axis, bool(keepdims))
        return find(x, axis, bool(keepdims))

    return found


def running(total: Callable[..., Tensor], before_all: int) -> Callable[..., Tensor]:
    """A running total or product along an axis, from its end on if ``reverse``; without the element
    itself if ``exclusive``."""

    def found(x: Tensor, axis: Array, *, exclusive: int = 0, reverse: int = 0) -> Tensor:
        dim = int(axis)
        ordered = x.flip(dim) if reverse else x
        totals = total(ordered, dim, dtype=x.dtype)
        if exclusive:
            first = Tensor.full_like(x.narrow(dim, 0, 1), before_all)
            totals = Tensor.cat([first, totals.narrow(dim, 0, x.shape[dim] - 1)], dim)
        return totals.flip(dim) if reverse else totals

    return found


def top_k(x: Tensor, k: Array, *, axis: int = -1, largest: int = 1, sorted: int = 1) -> Any:
    return tuple(x.topk(int(k.item()), axis, bool(largest), True))


def top_k_1(x: Tensor, *, k: int, axis: int = -1) -> Any:
    return tuple(x.topk(k, axis))


OPERATORS: Operators = {
    **{
        name: (
            Operator(by_attribute(reduction)),
            Operator(by_input(reduction), since=BY_INPUT.get(name, OTHERS_BY_INPUT), host=(1,)),
        )
        for name, reduction in REDUCTIONS.items()
    },
    "ArgMax": (Operator(place_of(Tensor.argmax)),),
    "ArgMin": (Operator(place_of(Tensor.argmin)),),
    "CumSum": (Operator(running(Tensor.cumsum, 0), host=(1,)),),
    "CumProd": (Operator(running(Tensor.cumprod, 1), host=(1,)),),
    "TopK": (Operator(top_k_1), Operator(top_k, since=10, host=(1,))),
}
