"""Tensors in pieces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lazygrad.aliases import views_of
from lazygrad.errors import ShapeError
from lazygrad.functional.arguments import Sizes
from lazygrad.functional.views import select
from lazygrad.handle import Handle
from lazygrad.lang import movement
from lazygrad.public import alias, public
from lazygrad.shape import normalize_axis

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor


@public
def split(input: Tensor, split_size: Sizes, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of ``split_size`` along ``dim``, or of the sizes listed.

    >>> [part.tolist() for part in lazygrad.arange(5).split(2)]
    [[0, 1], [2, 3], [4]]
    >>> [part.tolist() for part in lazygrad.arange(5).split([1, 4])]
    [[0], [1, 2, 3, 4]]
    """
    return views_of(input, movement.split, split_size, dim)


@public
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most ``chunks`` equal pieces along ``dim``.

    >>> [len(part) for part in lazygrad.arange(7).chunk(3)]
    [3, 3, 1]
    """
    return views_of(input, movement.chunk, chunks, dim)


@public
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """All slices along ``dim``, which is removed.

    >>> [row.tolist() for row in Tensor([[1, 2], [3, 4]]).unbind()]
    [[1, 2], [3, 4]]
    """
    axis = normalize_axis("unbind", dim, input.ndim)
    return tuple([select(input, axis, i) for i in range(input.size(axis))])


@public
def tensor_split(
    input: Tensor, indices_or_sections: int | Sequence[int] | Tensor, dim: int = 0
) -> tuple[Tensor, ...]:
    """So many pieces along ``dim``, the first ones longer by one where they are not equal; or cut
    before each of the positions listed (of a tensor: read now).

    >>> [len(part) for part in lazygrad.arange(7).tensor_split(3)]
    [3, 2, 2]
    >>> [part.tolist() for part in lazygrad.arange(4).tensor_split([1, 3])]
    [[0], [1, 2], [3]]
    """
    where = indices_or_sections
    cuts = where.tolist() if isinstance(where, Handle) else where
    return views_of(input, movement.tensor_split, cuts, dim)


@public
def hsplit(input: Tensor, indices_or_sections: Sizes) -> tuple[Tensor, ...]:
    """``tensor_split`` along dim 1, of vectors dim 0; a number of pieces must divide the size.

    >>> [part.tolist() for part in Tensor([[1, 2], [3, 4]]).hsplit(2)]
    [[[1], [3]], [[2], [4]]]
    """
    return _even("hsplit", input, indices_or_sections, 1 if input.ndim > 1 else 0, 1)


@public
def vsplit(input: Tensor, indices_or_sections: Sizes) -> tuple[Tensor, ...]:
    """``tensor_split`` along dim 0 of at least two; a number of pieces must divide the size.

    >>> [part.tolist() for part in Tensor([[1, 2], [3, 4]]).vsplit(2)]
    [[[1, 2]], [[3, 4]]]
    """
    return _even("vsplit", input, indices_or_sections, 0, 2)


@public
def dsplit(input: Tensor, indices_or_sections: Sizes) -> tuple[Tensor, ...]:
    """``tensor_split`` along dim 2; a number of pieces must divide the size.

    >>> [part.shape for part in lazygrad.zeros(2, 3, 4).dsplit([1])]
    [(2, 3, 1), (2, 3, 3)]
    """
    return _even("dsplit", input, indices_or_sections, 2, 3)


def _even(op: str, input: Tensor, where: Sizes, dim: int, ndim: int) -> tuple[Tensor, ...]:
    if input.ndim < ndim:
        raise ShapeError(f"[{op}] needs {ndim} dims, got shape {input.shape}")
    if isinstance(where, int) and (where < 1 or input.shape[dim] % where):
        raise ShapeError(
            f"[{op}] {where} pieces do not divide the size {input.shape[dim]} of dim {dim}; "
            "use tensor_split()"
        )
    return tensor_split(input, where, dim)


split_with_sizes = alias(split, "split_with_sizes")
unsafe_split = alias(split, "unsafe_split")
unsafe_split_with_sizes = alias(split, "unsafe_split_with_sizes")
unsafe_chunk = alias(chunk, "unsafe_chunk")
