"""Where elements are that are not 0, as many as are asked for."""

from __future__ import annotations

from lazygrad.element_types import default_int
from lazygrad.graph import Node, const
from lazygrad.lang.comparison import lt, to_bool
from lazygrad.lang.creation import iota
from lazygrad.lang.elementwise import add, sub, where
from lazygrad.lang.indexing import scatter
from lazygrad.lang.join import stack
from lazygrad.lang.movement import reshape
from lazygrad.lang.operands import cast
from lazygrad.lang.reduce import cumsum
from lazygrad.lang.rounding import floor_divide, remainder
from lazygrad.shape import strides_of


def nonzero_static(x: Node, size: int, filler: int) -> Node:
    """int64 (size, ndim): the positions of the first elements that are not 0, then ``filler``."""
    if not x.ndim or not size:
        return const(filler, default_int, (size, x.ndim), x.device)
    found = reshape(to_bool(x), (x.size,))
    turn = where(found, sub(cumsum(found, 0), 1), -1)
    number = cast(add(iota(x.size, x.device), 1), default_int)
    place = sub(scatter(turn, number, 0, size, None), 1)  # -1 where there is none
    sizes = zip(strides_of(x.shape), x.shape, strict=True)
    columns = [remainder(floor_divide(place, step), n) for step, n in sizes]
    return stack([where(lt(place, 0), filler, column) for column in columns], 1)
