"""Reductions and running sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lazygrad.bridge import read, wrap
from lazygrad.errors import ShapeError
from lazygrad.functional import elementwise
from lazygrad.functional.arguments import Dims, Indexed, all_dims, dtype_or_none
from lazygrad.graph import Node
from lazygrad.handle import Handle
from lazygrad.lang import activation, reduce
from lazygrad.public import public
from lazygrad.shape import as_shape, broadcast

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def sum(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Sum over ``dim``; bools and integers give int64.

    >>> x = Tensor([[1, 2], [3, 4]], dtype="int8")
    >>> x.sum().realize(), x.sum(1, keepdim=True).tolist()
    (Tensor(10), [[3], [7]])
    """
    return wrap(reduce.sum(read(input), all_dims(dim), keepdim, dtype_or_none(dtype)))


@public
def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """Summed over the dims that broadcasting ``size`` to this shape would repeat.

    Raises:
        ShapeError: for a size that does not broadcast to this shape.

    >>> lazygrad.ones(2, 3).sum_to_size(2, 1).tolist()
    [[3.0], [3.0]]
    """
    target = as_shape("sum_to_size", size)
    if len(target) > input.ndim or broadcast("sum_to_size", target, input.shape) != input.shape:
        raise ShapeError(f"[sum_to_size] {target} does not broadcast to shape {input.shape}")
    return wrap(reduce.sum_to(read(input), target))


@public
def mean(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Arithmetic mean over ``dim``, of floats.

    >>> Tensor([[1.0, 2.0], [3.0, 5.0]]).mean(0).tolist()
    [2.0, 3.5]
    >>> Tensor([1, 2]).mean(dtype=lazygrad.float32).item()
    1.5
    """
    return wrap(reduce.mean(read(input), all_dims(dim), keepdim, dtype_or_none(dtype)))


@public
def prod(input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Product over ``dim``; bools and integers give int64.

    >>> Tensor([[1, 2], [3, 4]]).prod(1).tolist(), Tensor([]).prod().item()
    ([2, 12], 1.0)
    """
    return wrap(reduce.prod(read(input), all_dims(dim), keepdim, dtype_or_none(dtype)))


@public
def var(
    input: Tensor, dim: Dims = None, unbiased: bool = True, keepdim: bool = False, *,
    correction: float | None = None,
) -> Tensor:  # fmt: skip
    """Variance with divisor ``count - correction`` (default 1; ``unbiased=False``: 0).

    >>> x = Tensor([1.0, 2.0, 3.0])
    >>> x.var().item(), x.var(correction=0).realize()
    (1.0, Tensor(0.6667))
    """
    less = correction_of(unbiased, correction)
    return wrap(reduce.var(read(input), all_dims(dim), less, keepdim))


@public
def std(
    input: Tensor, dim: Dims = None, unbiased: bool = True, keepdim: bool = False, *,
    correction: float | None = None,
) -> Tensor:  # fmt: skip
    """Standard deviation, the root of ``var``.

    >>> Tensor([[1.0, 3.0], [2.0, 2.0]]).std(1).realize()
    Tensor([1.4142, 0.    ])
    """
    less = correction_of(unbiased, correction)
    return wrap(reduce.std(read(input), all_dims(dim), less, keepdim))


def correction_of(unbiased: bool, correction: float | None) -> float:
    if correction is not None:
        return correction
    return 1 if unbiased else 0


@public
def max(input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False) -> Any:
    """The largest value; with ``dim`` also its index: ``(values, indices)``. With another
    tensor, the larger of each pair.

    >>> values, indices = Tensor([[1, 5], [7, 2]]).max(dim=1)
    >>> values.tolist(), indices.tolist()
    ([5, 7], [1, 0])
    """
    if isinstance(dim, Handle):
        return elementwise.maximum(input, dim)
    if dim is None:
        return wrap(reduce.amax(read(input)))
    return indexed(reduce.max_with_index(read(input), dim, keepdim), "max")


@public
def min(input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False) -> Any:
    """The smallest value; with ``dim`` also its index: ``(values, indices)``. With another
    tensor, the smaller of each pair.

    >>> Tensor([[1, 5], [7, 2]]).min().item(), Tensor([1, 5]).min(Tensor([3, 3])).tolist()
    (1, [1, 3])
    """
    if isinstance(dim, Handle):
        return elementwise.minimum(input, dim)
    if dim is None:
        return wrap(reduce.amin(read(input)))
    return indexed(reduce.min_with_index(read(input), dim, keepdim), "min")


def indexed(pair: tuple[Node, Node], label: str) -> Indexed:
    return Indexed(wrap(pair[0], label), wrap(pair[1], label))


@public
def amax(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The largest value over one or several dims; equals share the gradient.

    >>> Tensor([[1, 5], [7, 2]]).amax((0, 1)).item()
    7
    """
    return wrap(reduce.amax(read(input), all_dims(dim), keepdim))


@public
def amin(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The smallest value over one or several dims; equals share the gradient.

    >>> Tensor([[1, 5], [7, 2]]).amin(1, keepdim=True).tolist()
    [[1], [2]]
    """
    return wrap(reduce.amin(read(input), all_dims(dim), keepdim))


@public
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Index of the first largest value, int64.

    >>> x = Tensor([[1, 7], [7, 2]])
    >>> x.argmax().item(), x.argmax(dim=1).tolist()
    (1, [1, 0])
    """
    return wrap(reduce.argmax(read(input), dim, keepdim))


@public
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Index of the first smallest value, int64.

    >>> Tensor([[1, 7], [7, 2]]).argmin(dim=0).tolist()
    [0, 1]
    """
    return wrap(reduce.argmin(read(input), dim, keepdim))


@public
def any(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether something is not 0.

    >>> Tensor([[0.0, 2.0], [0.0, 0.0]]).any(1).tolist(), Tensor([]).any().item()
    ([True, False], False)
    """
    return wrap(reduce.any(read(input), dim, keepdim))


@public
def all(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether nothing is 0.

    >>> Tensor([[0.0, 2.0], [1.0, 1.0]]).all(1).tolist(), Tensor([]).all().item()
    ([False, True], True)
    """
    return wrap(reduce.all(read(input), dim, keepdim))


@public
def logsumexp(input: Tensor, dim: Dims, keepdim: bool = False) -> Tensor:
    """``log(sum(exp(x)))`` over ``dim``, without overflow.

    >>> Tensor([1000.0, 1000.0]).logsumexp(0).realize()
    Tensor(1000.6932)
    """
    return wrap(activation.logsumexp(read(input), dim, keepdim))


@public
def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Running sum along ``dim``.

    >>> Tensor([[1, 2], [3, 4]]).cumsum(0).tolist()
    [[1, 2], [4, 6]]
    """
    return wrap(reduce.cumsum(read(input), dim, dtype_or_none(dtype)))
