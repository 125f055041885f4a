"""Rows of a table by number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lazygrad import host
from lazygrad.arguments import require_range
from lazygrad.bridge import read, wrap
from lazygrad.errors import DtypeError, ShapeError, ValueRangeError
from lazygrad.graph import Node
from lazygrad.lang import indexing, lookup
from lazygrad.lang.comparison import eq
from lazygrad.lang.creation import iota
from lazygrad.lang.elementwise import mul, where
from lazygrad.lang.movement import broadcast_to, reshape
from lazygrad.lang.operands import cast
from lazygrad.public import public

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

BAG_MODES = ("sum", "mean", "max")


@public
def embedding(
    input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None,
    norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Tensor:  # fmt: skip
    """Rows of ``weight`` (rows, width) that these integers name: (*) to (*, width).

    Args:
        padding_idx: a row that gets no gradient.
        max_norm: rows that are named are brought to a ``norm_type``-norm of at most that, in
            ``weight`` itself.
        scale_grad_by_freq: whether gradients are divided by how often a row is named.
        sparse: accepted as PyTorch's; gradients are dense.

    Raises:
        ShapeError: for a weight that is no matrix.
        ValueRangeError: for an index out of range among values given by the host; where it is not
            known yet, floats become NaN there instead.

    >>> table = Tensor([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]])
    >>> F.embedding(Tensor([[2, 1]]), table).tolist()
    [[[3.0, 4.0], [1.0, 2.0]]]
    """
    index = read(input)
    known = _check("embedding", index, weight)
    if max_norm is not None:
        _shorten(weight, index, max_norm, norm_type)
    found = indexing.embedding(_table("embedding", weight, padding_idx), index, known)
    if scale_grad_by_freq:
        found = lookup.by_frequency(found, index, weight.shape[0])
    return wrap(found)


@public
def embedding_bag(
    input: Tensor, weight: Tensor, offsets: Tensor | None = None, max_norm: float | None = None,
    norm_type: float = 2, scale_grad_by_freq: bool = False, mode: str = "mean",
    sparse: bool = False, per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False, padding_idx: int | None = None,
) -> Tensor:  # fmt: skip
    """Sums, means or maxima of rows of ``weight`` (rows, width): of each row of ``input`` (B, N),
    or of the parts of ``input`` (N) that start at ``offsets`` (B); (B, width).

    Args:
        per_sample_weights: a factor for each of the rows named, with mode "sum".
        include_last_offset: whether the last offset is the end of the last bag.
        padding_idx: a row that does not count.
        max_norm, norm_type, scale_grad_by_freq, sparse: as of ``embedding``.

    Raises:
        ShapeError: for shapes that do not fit.
        ValueRangeError: for an unknown mode, or one that does not take weights.

    >>> table = Tensor([[1.0], [10.0], [100.0]])
    >>> F.embedding_bag(Tensor([0, 1, 2]), table, offsets=Tensor([0, 2]), mode="sum").tolist()
    [[11.0], [100.0]]
    """
    if mode not in BAG_MODES:
        known = ", ".join(BAG_MODES)
        raise ValueRangeError(f"[embedding_bag] mode must be one of {known}, got {mode!r}")
    if per_sample_weights is not None and mode != "sum":
        raise ValueRangeError(
            f'[embedding_bag] per_sample_weights are for mode "sum", not {mode!r}'
        )
    index = read(input)
    known_indices = _check("embedding_bag", index, weight)
    bag, bags = _bags(index, offsets, include_last_offset)
    if max_norm is not None:
        _shorten(weight, index, max_norm, norm_type)
    flat = reshape(index, (index.size,))
    rows = indexing.embedding(_table("embedding_bag", weight, padding_idx), flat, known_indices)
    if scale_grad_by_freq:
        rows = lookup.by_frequency(rows, flat, weight.shape[0])
    if per_sample_weights is not None:
        factors = read(per_sample_weights)
        if factors.shape != index.shape:
            raise ShapeError(
                f"[embedding_bag] per_sample_weights of shape {factors.shape} for indices of shape "
                f"{index.shape}"
            )
        rows = mul(rows, cast(reshape(factors, (-1, 1)), rows.dtype))
    if padding_idx is not None:
        bag = where(eq(flat, padding_idx % weight.shape[0]), bags, bag)
    return wrap(lookup.bagged(rows, bag, bags, mode))


def _check(op: str, index: Node, weight: Tensor) -> bool:
    """Whether all indices are known to be in range."""
    if weight.ndim != 2:
        raise ShapeError(f"[{op}] weight must be (rows, width), got shape {weight.shape}")
    return host.check_labels(op, index, weight.shape[0])


def _table(op: str, weight: Tensor, padding_idx: int | None) -> Node:
    table = read(weight)
    if padding_idx is None:
        return table
    rows = table.shape[0]
    require_range(op, -rows, rows - 1, padding_idx=padding_idx)
    return lookup.frozen_row(table, padding_idx % rows)


def _shorten(weight: Tensor, index: Node, max_norm: float, norm_type: float) -> None:
    weight.assign(wrap(lookup.shortened(read(weight.detach()), index, max_norm, norm_type)))


def _bags(index: Node, offsets: Tensor | None, include_last: bool) -> tuple[Node, int]:
    """The bag of each of the flattened indices, and their number."""
    if index.ndim == 2 and offsets is None:
        numbers = reshape(iota(index.shape[0], index.device, index.dtype), (-1, 1))
        return reshape(broadcast_to(numbers, index.shape), (index.size,)), index.shape[0]
    if index.ndim != 1 or offsets is None:
        raise ShapeError(
            f"[embedding_bag] input of shape {index.shape} needs "
            f"{'no offsets' if index.ndim == 2 else 'to be (B, N), or (N) with offsets'}"
        )
    starts = read(offsets)
    if starts.ndim != 1:
        raise ShapeError(f"[embedding_bag] offsets must have one dim, got shape {starts.shape}")
    if not starts.dtype.is_integer:
        raise DtypeError(f"[embedding_bag] offsets must be integers, got {starts.dtype.name}")
    return lookup.bag_numbers(index.shape[0], starts), starts.shape[0] - include_last
