"""Counts of values, and where values belong among ordered ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from lazygrad import element_types as dt
from lazygrad.arguments import require_range
from lazygrad.bridge import operand, optional, read, required, wrap
from lazygrad.errors import ArgumentError, DtypeError, ShapeError, ValueRangeError
from lazygrad.functional.arguments import Number, Operand
from lazygrad.functional.creation import leaf_of
from lazygrad.graph import Node
from lazygrad.handle import Handle
from lazygrad.lang import counting, indexing, movement, operands
from lazygrad.public import public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each integer occurs in a vector, int64 (largest + 1,) or longer; or the sum of the
    weights that stand beside it. The largest value is read now.

    Raises:
        ShapeError: unless both are vectors of one length.
        ValueRangeError: for negative integers.

    >>> Tensor([0, 3, 3]).bincount(minlength=5).tolist()
    [1, 0, 0, 2, 0]
    >>> lazygrad.bincount(Tensor([0, 1, 1]), weights=Tensor([0.5, 1.0, 2.0])).tolist()
    [0.5, 3.0]
    """
    require_range("bincount", 0, minlength=minlength)
    if input.ndim != 1 or (weights is not None and weights.shape != input.shape):
        beside = "" if weights is None else f" and weights of shape {weights.shape}"
        raise ShapeError(f"[bincount] needs a vector, got shape {input.shape}{beside}")
    if not input.dtype.is_integer:
        raise DtypeError(f"[bincount] needs integers, got {input.dtype.name}")
    size = minlength
    if len(input):
        if (least := int(input.min().item())) < 0:
            raise ValueRangeError(f"[bincount] integers must not be negative, got {least}")
        size = max(size, int(input.max().item()) + 1)
    return wrap(counting.bincount(read(input), optional(weights), size))


@public
def histc(input: Tensor, bins: int = 100, min: Number = 0, max: Number = 0) -> Tensor:
    """How many elements lie in each of ``bins`` equal parts of [min, max], in this float dtype;
    others count nowhere. Equal bounds stand for the smallest and the largest element.

    >>> Tensor([0.0, 1.0, 1.0, 4.0]).histc(bins=4).tolist()
    [1.0, 2.0, 0.0, 1.0]
    """
    require_range("histc", 1, bins=bins)
    require_range("histc", min=min, max=max)
    if min > max:
        raise ValueRangeError(f"[histc] min {min} must not exceed max {max}")
    return wrap(counting.histc(read(input), bins, float(min), float(max)))


class Histogram(NamedTuple):
    """What ``histogram()`` returns."""

    hist: Tensor
    bin_edges: Tensor


@public
def histogram(
    input: Tensor, bins: int | Tensor, *, range: Sequence[float] | None = None,
    weight: Tensor | None = None, density: bool = False,
) -> Histogram:  # fmt: skip
    """How many elements lie between ascending edges, the last one included, and the edges, in this
    float dtype: ``(hist, bin_edges)``.

    Args:
        bins: the edges, or a number of parts between the smallest and the largest element, or
            those that ``range`` says.
        weight: how much each element counts.
        density: whether the counts are scaled to an integral of 1.

    >>> hist, edges = Tensor([0.0, 1.0, 1.0, 4.0]).histogram(2)
    >>> hist.tolist(), edges.tolist()
    ([3.0, 1.0], [0.0, 2.0, 4.0])
    """
    own = read(input)
    operands.require_float("histogram", own)
    beside = None if weight is None else read(weight)
    if beside is not None and beside.shape != own.shape:
        raise ShapeError(f"[histogram] weight of shape {beside.shape} for shape {own.shape}")
    if isinstance(bins, Handle):
        edges = operands.cast(read(bins), own.dtype)
    else:
        require_range("histogram", 1, bins=bins)
        low, high = (0.0, 0.0) if range is None else (float(range[0]), float(range[1]))
        edges = counting.edges(own, bins, low, high)
    found = counting.histogram(own, edges, beside, density)
    return Histogram(wrap(found, "histogram"), wrap(edges, "histogram"))


@public
def searchsorted(
    sorted_sequence: Tensor, input: Operand, *, out_int32: bool = False, right: bool = False,
    side: str | None = None, sorter: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Where values belong: before the first element of an ascending sequence that is not smaller
    (or, ``right``: that is larger).

    Args:
        sorted_sequence: (.., n), with the leading dims of ``input``; or a vector for all values.
        side: "left" or "right", as ``right``.
        sorter: the order in which the sequence is ascending, as of ``argsort``.

    Returns:
        int64 (or int32) in the shape of ``input``.

    >>> ordered = Tensor([1, 3, 5])
    >>> lazygrad.searchsorted(ordered, Tensor([3, 6])).tolist()
    [1, 3]
    >>> lazygrad.searchsorted(ordered, Tensor([3, 6]), right=True).tolist()
    [2, 3]
    """
    if side not in (None, "left", "right") or (side == "left" and right):
        raise ValueRangeError(f'[searchsorted] side must be "left" or "right", got {side!r}')
    ordered = read(sorted_sequence)
    if sorter is not None:
        ordered = indexing.gather(ordered, -1, read(sorter))
    values = _values("searchsorted", input, sorted_sequence)
    made = counting.searchsorted("searchsorted", ordered, values, right or side == "right")
    return wrap(operands.cast(made, dt.int32 if out_int32 else dt.int64))


@public
def bucketize(
    input: Operand, boundaries: Tensor, *, out_int32: bool = False, right: bool = False
) -> Tensor:
    """In which of the parts between ascending ``boundaries`` (a vector) each value lies: int64 (or
    int32). A value on a boundary lies below it, or above it if ``right``.

    >>> lazygrad.bucketize(Tensor([0.5, 1.0, 9.0]), Tensor([1.0, 2.0])).tolist()
    [0, 0, 2]
    """
    edges = read(boundaries)
    if edges.ndim != 1:
        raise ShapeError(f"[bucketize] boundaries must be a vector, got shape {edges.shape}")
    values = _values("bucketize", input, boundaries)
    made = counting.searchsorted("bucketize", edges, values, right)
    return wrap(operands.cast(made, dt.int32 if out_int32 else dt.int64))


def _values(op: str, given: Any, like: Tensor) -> Node:
    """A tensor, or a number as a scalar one of its own dtype."""
    found = required(op, given, like)
    return found if isinstance(found, Node) else leaf_of(found, None, like.device)


@public
def isin(
    elements: Operand, test_elements: Operand, *, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """Bool: whether each element is one of ``test_elements`` (or, ``invert``: none of them).

    >>> lazygrad.isin(Tensor([1, 2, 3]), Tensor([3, 1])).tolist()
    [True, False, True]
    """
    like = next((x for x in (elements, test_elements) if isinstance(x, Handle)), None)
    if like is None:
        raise ArgumentError("[isin] needs a Tensor, got two numbers")
    own, tested = operand(elements, like), operand(test_elements, like)
    own = own if isinstance(own, Node) else leaf_of(own, None, like.device)
    tested = tested if isinstance(tested, Node) else leaf_of(tested, None, like.device)
    return wrap(counting.isin(own, movement.reshape(tested, (tested.size,)), invert))
