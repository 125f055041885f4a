"""Sums of products over named dims."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import combinations
from math import prod
from string import ascii_letters

from lazygrad.element_types import promote
from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.graph import Node
from lazygrad.lang.diagonals import diagonal
from lazygrad.lang.linalg import contract
from lazygrad.lang.movement import broadcast_to, movedim, permute, reshape
from lazygrad.lang.operands import cast
from lazygrad.lang.reduce import sum as sum_over

Dim = str  # a letter; of what "..." stands for, a number counted from the end
Named = tuple[Node, tuple[Dim, ...]]  # a value, and the names of its dims


def einsum(equation: str, values: Sequence[Node]) -> Node:
    """The sum of products that ``equation`` says: ``"bij,bjk->bik"``.

    Every dim of every operand has a letter; ``...`` stands for dims that broadcast. Without an
    arrow the letters that occur once are kept, in alphabetical order, behind those of ``...``.

    Raises:
        ValueRangeError: for an equation that is none, or does not fit the operands.
        ShapeError: for sizes that differ under one letter.
    """
    terms, result = _read(equation, values)
    dtype = reduce(promote, (x.dtype for x in values))
    sizes = _sizes(equation, values, terms)
    named = [_diagonals(cast(x, dtype), term) for x, term in zip(values, terms, strict=True)]
    while len(named) > 1:
        first, second = _cheapest(named, result, sizes)
        rest = [x for x in named if x is not first and x is not second]
        needed = {dim for _, dims in rest for dim in dims}.union(result)
        named = [*rest, _product(first, second, needed)]
    (found,) = named
    value, dims = _summed(found, set(result))
    value = permute(value, [dims.index(dim) for dim in result])
    return broadcast_to(value, [sizes[dim] for dim in result])


# -- what an equation says -------------------------------------------------------------------------


def _read(equation: str, values: Sequence[Node]) -> tuple[list[tuple[Dim, ...]], tuple[Dim, ...]]:
    """The names of the dims of each operand, and of the result."""
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    words = left.split(",")
    if len(words) != len(values):
        raise ValueRangeError(
            f"[einsum] {equation!r} speaks of {len(words)} operands, got {len(values)}"
        )
    terms = [_dims(equation, word, x.ndim) for word, x in zip(words, values, strict=True)]
    hidden = max((sum(dim.isdigit() for dim in term) for term in terms), default=0)
    dots = tuple(str(k) for k in reversed(range(hidden)))
    every = [dim for term in terms for dim in term if not dim.isdigit()]
    if not arrow:
        return terms, (*dots, *sorted(dim for dim in set(every) if every.count(dim) == 1))
    result = _dims(equation, right, None, dots)
    unknown = [dim for dim in result if not dim.isdigit() and dim not in every]
    if unknown or len(set(result)) != len(result):
        raise ValueRangeError(
            f"[einsum] the result of {equation!r} must name dims of operands, each once"
        )
    return terms, result


def _dims(
    equation: str, word: str, ndim: int | None, dots: tuple[Dim, ...] | None = None
) -> tuple[Dim, ...]:
    """The dims of a word; ``...`` stands for those of ``ndim`` that have no letter."""
    before, dotted, after = word.partition("...")
    letters = before + after
    if not all(letter in ascii_letters for letter in letters):
        raise ValueRangeError(
            f"[einsum] {equation!r} has {word!r}, which is not of letters and one ..."
        )
    if ndim is not None:
        rest = ndim - len(letters)
        if rest < 0 or (rest and not dotted):
            raise ValueRangeError(
                f"[einsum] {word!r} of {equation!r} does not fit an operand of {ndim} dims"
            )
        dots = tuple(str(k) for k in reversed(range(rest)))
    return (*before, *(dots or ()), *after) if dotted else tuple(before)


def _sizes(
    equation: str, values: Sequence[Node], terms: Sequence[tuple[Dim, ...]]
) -> dict[Dim, int]:
    """The size of each dim; where it is 1 it broadcasts."""
    sizes: dict[Dim, int] = {}
    for x, term in zip(values, terms, strict=True):
        for dim, size in zip(term, x.shape, strict=True):
            known = sizes.setdefault(dim, size)
            if known == 1:
                sizes[dim] = size
            elif size not in (1, known):
                what = "..." if dim.isdigit() else repr(dim)
                raise ShapeError(
                    f"[einsum] {what} of {equation!r} has sizes {known} and {size} in shapes "
                    f"{' and '.join(str(x.shape) for x in values)}"
                )
    return sizes


# -- how it is computed ----------------------------------------------------------------------------


def _diagonals(x: Node, term: tuple[Dim, ...]) -> Named:
    """An operand that has each dim once: of two with one name the diagonal."""
    dims = list(term)
    for dim in set(term):
        while dims.count(dim) > 1:
            first = dims.index(dim)
            second = dims.index(dim, first + 1)
            size = max(x.shape[first], x.shape[second])
            x = broadcast_to(
                x, [size if d == dim else n for d, n in zip(dims, x.shape, strict=True)]
            )
            x = movedim(diagonal(x, 0, first, second), -1, first)
            del dims[second]
    return x, tuple(dims)


def _cheapest(
    named: Sequence[Named], result: tuple[Dim, ...], sizes: dict[Dim, int]
) -> tuple[Named, Named]:
    """The two operands whose product, summed, is the smallest; of equals the first."""

    def size(pair: tuple[Named, Named]) -> int:
        others = {dim for x in named if x not in pair for dim in x[1]}.union(result)
        return prod(sizes[dim] for dim in {*pair[0][1], *pair[1][1]} & others)

    return min(combinations(named, 2), key=size)


def _summed(given: Named, needed: set[Dim]) -> Named:
    """Without the dims that nothing else has."""
    x, dims = given
    gone = [axis for axis, dim in enumerate(dims) if dim not in needed]
    left = tuple(dim for dim in dims if dim in needed)
    return (sum_over(x, gone, dtype=x.dtype), left) if gone else given


def _product(first: Named, second: Named, needed: set[Dim]) -> Named:
    """One sum of the product: dims of both that are needed, of the first, of the second, and those
    that are summed, in this order, as kernels know products of matrices."""
    left, left_dims = _summed(first, needed.union(second[1]))
    right, right_dims = _summed(second, needed.union(first[1]))
    both = [dim for dim in left_dims if dim in right_dims]
    batch = [dim for dim in both if dim in needed]
    inner = [dim for dim in both if dim not in needed]
    rows = [dim for dim in left_dims if dim not in both]
    columns = [dim for dim in right_dims if dim not in both]
    order = [*batch, *rows, *columns, *inner]
    left, right = _placed(left, left_dims, order), _placed(right, right_dims, order)
    kept = len(order) - len(inner)
    return contract(left, right, range(kept, len(order))), tuple(order[:kept])


def _placed(x: Node, dims: tuple[Dim, ...], order: Sequence[Dim]) -> Node:
    """``x`` with its dims where ``order`` has them, and dims of size 1 for the others."""
    here = [dim for dim in order if dim in dims]
    x = permute(x, [dims.index(dim) for dim in here])
    sizes = dict(zip(here, x.shape, strict=True))
    return reshape(x, [sizes.get(dim, 1) for dim in order])
