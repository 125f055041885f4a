"""Products of several matrices."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from lazygrad.errors import ShapeError
from lazygrad.graph import Node
from lazygrad.lang.linalg import matmul


def chain(op: str, matrices: Sequence[Node]) -> Node:
    """The product of matrices, in the order of multiplications that costs least.

    Raises:
        ShapeError: for none, or for what are no matrices.
    """
    if not matrices or any(x.ndim != 2 for x in matrices):
        raise ShapeError(f"[{op}] needs matrices, got shapes {[x.shape for x in matrices]}")
    sizes = [matrices[0].shape[0], *(x.shape[1] for x in matrices)]

    @cache
    def cost(first: int, last: int) -> tuple[int, int]:
        """Multiplications of the cheapest order, and before which matrix it is cut."""
        if first == last:
            return 0, first
        ends = sizes[first] * sizes[last + 1]
        return min(
            (cost(first, cut - 1)[0] + cost(cut, last)[0] + ends * sizes[cut], cut)
            for cut in range(first + 1, last + 1)
        )

    def product(first: int, last: int) -> Node:
        if first == last:
            return matrices[first]
        cut = cost(first, last)[1]
        return matmul(product(first, cut - 1), product(cut, last))

    return product(0, len(matrices) - 1)
