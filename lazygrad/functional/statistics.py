"""Sums, means and counts of what is there; moments together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lazygrad.bridge import optional, read, wrap
from lazygrad.functional.arguments import Dims, all_dims, dtype_or_none
from lazygrad.functional.reduce import correction_of
from lazygrad.lang import covariance, reduce, totals
from lazygrad.public import public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


class MinMax(NamedTuple):
    """What ``aminmax()`` returns."""

    min: Tensor
    max: Tensor


@public
def nansum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """As ``sum``, of what is not NaN.

    >>> Tensor([1.0, float("nan"), 2.0]).nansum().item()
    3.0
    """
    return wrap(totals.nansum(read(input), all_dims(dim), keepdim, dtype_or_none(dtype)))


@public
def nanmean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """As ``mean``, of what is not NaN.

    >>> Tensor([1.0, float("nan"), 2.0]).nanmean().item()
    1.5
    """
    return wrap(totals.nanmean(read(input), all_dims(dim), keepdim, dtype_or_none(dtype)))


@public
def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    """How many elements are not 0, int64.

    >>> Tensor([[0, 1], [2, 3]]).count_nonzero(dim=1).tolist()
    [1, 2]
    """
    return wrap(totals.count_nonzero(read(input), all_dims(dim)))


@public
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> MinMax:
    """The smallest and the largest value: ``(min, max)``; equals share the gradient.

    >>> low, high = Tensor([[1, 5], [7, 2]]).aminmax(dim=0)
    >>> low.tolist(), high.tolist()
    ([1, 2], [7, 5])
    """
    own = read(input)
    low, high = reduce.amin(own, dim, keepdim), reduce.amax(own, dim, keepdim)
    return MinMax(wrap(low), wrap(high))


@public
def var_mean(
    input: Tensor, dim: Dims = None, unbiased: bool = True, keepdim: bool = False, *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """``(var(...), mean(...))``

    >>> variance, mean = lazygrad.var_mean(Tensor([1.0, 2.0, 3.0]))
    >>> variance.item(), mean.item()
    (1.0, 2.0)
    """
    own, dims = read(input), all_dims(dim)
    variance = reduce.var(own, dims, correction_of(unbiased, correction), keepdim)
    return wrap(variance), wrap(reduce.mean(own, dims, keepdim))


@public
def std_mean(
    input: Tensor, dim: Dims = None, unbiased: bool = True, keepdim: bool = False, *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """``(std(...), mean(...))``

    >>> deviation, mean = lazygrad.std_mean(Tensor([1.0, 3.0]), unbiased=False)
    >>> deviation.item(), mean.item()
    (1.0, 2.0)
    """
    own, dims = read(input), all_dims(dim)
    deviation = reduce.std(own, dims, correction_of(unbiased, correction), keepdim)
    return wrap(deviation), wrap(reduce.mean(own, dims, keepdim))


@public
def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None,
    aweights: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The covariance matrix of variables, a row each, of which columns are observations.

    Args:
        correction: the divisor is the number of observations less this.
        fweights: how often each observation was made, integers.
        aweights: how much each observation counts.

    >>> Tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]).cov().tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    return wrap(covariance.cov(read(input), correction, optional(fweights), optional(aweights)))


@public
def corrcoef(input: Tensor) -> Tensor:
    """The correlation coefficients of variables, a row each, of which columns are observations.

    >>> Tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]).corrcoef().realize()
    Tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    return wrap(covariance.corrcoef(read(input)))
