"""Order: sorted elements, and what is found by its rank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lazygrad.arguments import require_range
from lazygrad.bridge import read, wrap
from lazygrad.errors import ShapeError
from lazygrad.functional.arguments import Indexed
from lazygrad.functional.reduce import indexed
from lazygrad.handle import Handle
from lazygrad.lang import movement, operands, ranks
from lazygrad.lang.creation import full
from lazygrad.public import public
from lazygrad.shape import normalize_axis

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Indexed:
    """Elements in order along ``dim``, and their int64 indices: ``(values, indices)``.

    Equals always stay in the order that they have; NaN counts as the largest.

    >>> values, indices = Tensor([3.0, float("nan"), 1.0]).sort()
    >>> values.tolist(), indices.tolist()
    ([1.0, 3.0, nan], [2, 0, 1])
    """
    return indexed(ranks.sort(read(input), dim, descending), "sort")


@public
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """The int64 indices that sort the elements along ``dim``; equals stay in order.

    >>> Tensor([3, 1, 2]).argsort(descending=True).tolist()
    [0, 2, 1]
    """
    return wrap(ranks.sort(read(input), dim, descending)[1])


@public
def msort(input: Tensor) -> Tensor:
    """Elements in ascending order along dim 0.

    >>> Tensor([[3, 1], [2, 4]]).msort().tolist()
    [[2, 1], [3, 4]]
    """
    return wrap(ranks.sort(read(input), 0)[0])


@public
def topk(
    input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> Indexed:
    """The ``k`` largest (or smallest) elements along ``dim``, in order: ``(values, indices)``.

    Raises:
        ValueRangeError: for more than there are.

    >>> values, indices = Tensor([3, 1, 4, 1]).topk(2)
    >>> values.tolist(), indices.tolist()
    ([4, 3], [2, 0])
    """
    return indexed(ranks.topk(read(input), k, dim, largest), "topk")


@public
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Indexed:
    """The ``k``-th smallest element along ``dim``, counted from 1: ``(values, indices)``.

    >>> value, index = Tensor([3, 1, 4]).kthvalue(2)
    >>> value.item(), index.item()
    (3, 0)
    """
    return indexed(ranks.kthvalue(read(input), k, dim, keepdim), "kthvalue")


@public
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The lower of the middle elements; with ``dim`` also its index: ``(values, indices)``. NaN
    where there is one.

    >>> Tensor([4.0, 1.0, 3.0, 2.0]).median().item()
    2.0
    """
    if dim is None:
        return wrap(ranks.median_of_all(read(input)))
    return indexed(ranks.median(read(input), dim, keepdim), "median")


@public
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """As ``median``, of what is not NaN.

    >>> Tensor([1.0, float("nan"), 3.0]).nanmedian().item()
    1.0
    """
    if dim is None:
        return wrap(ranks.median_of_all(read(input), skip_nan=True))
    return indexed(ranks.median(read(input), dim, keepdim, skip_nan=True), "nanmedian")


@public
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Indexed:
    """The most frequent value along ``dim``, the smallest of several, and the index of its last
    one: ``(values, indices)``.

    >>> value, index = Tensor([2, 1, 1, 2]).mode()
    >>> value.item(), index.item()
    (1, 2)
    """
    return indexed(ranks.mode(read(input), dim, keepdim), "mode")


@public
def quantile(
    input: Tensor, q: float | Tensor, dim: int | None = None, keepdim: bool = False, *,
    interpolation: str = "linear",
) -> Tensor:  # fmt: skip
    """What a share ``q`` of the elements does not exceed; of several shares (a vector of this
    dtype) the results lie along a new first dim. NaN where an element is.

    Args:
        interpolation: between two elements "linear", "lower", "higher", "nearest" or "midpoint".

    Raises:
        DtypeError: for integers, or shares of another dtype.
        ValueRangeError: for a number outside of [0, 1].

    >>> x = Tensor([1.0, 2.0, 3.0, 4.0])
    >>> x.quantile(0.5).item(), x.quantile(Tensor([0.0, 1.0])).tolist()
    (2.5, [1.0, 4.0])
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation)


@public
def nanquantile(
    input: Tensor, q: float | Tensor, dim: int | None = None, keepdim: bool = False, *,
    interpolation: str = "linear",
) -> Tensor:  # fmt: skip
    """As ``quantile``, of what is not NaN.

    >>> Tensor([1.0, float("nan"), 3.0]).nanquantile(0.5).item()
    2.0
    """
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation)


def _quantile(
    op: str, input: Tensor, q: Any, dim: int | None, keepdim: bool, interpolation: str
) -> Tensor:
    own = read(input)
    operands.require_float(op, own)
    if isinstance(q, Handle):
        share = read(q)
        if share.ndim > 1:
            raise ShapeError(f"[{op}] q must be a number or a vector, got shape {share.shape}")
    else:
        require_range(op, 0, 1, q=q)
        share = full((), q, own.dtype, own.device)
    if dim is None:
        shape = (1,) * own.ndim
        own, axis = movement.flatten(own), 0
    else:
        axis = normalize_axis(op, dim, own.ndim)
        shape = tuple(1 if d == axis else n for d, n in enumerate(own.shape))
    vector = movement.reshape(share, (share.size,))
    made = ranks.quantile(own, vector, axis, interpolation, op == "nanquantile")
    made = movement.movedim(made, -1, 0)
    if not keepdim:
        shape = made.shape[1:]
    return wrap(movement.reshape(made, (*share.shape, *shape)), op)
