"""Factors of a contraction that windows slide over, as the image of a convolution: what is computed
of an element is computed once, not again for each window that the element is in."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations

from lazygrad.plugin import Expr, Index, Range, expr as ex, index as ix
from lazygrad_numpy.code import Array


@dataclass(frozen=True)
class Windowed:
    """An expression in which some ranges occur in sums only, ``step * start + offset``.

    Attributes:
        value: the expression with a position in the place of each sum.
        steps: by position: the two ranges, and how many positions a step of each is.
    """

    value: Expr
    steps: Mapping[Range, Mapping[Range, int]]

    def seen(self, array: Array, loops: Container[Range]) -> Array:
        """``array``, which holds ``value``, along the ranges of the expression."""
        strides, extents, absolute = dict(array.strides), dict(array.extents), set(array.absolute)
        for position, steps in self.steps.items():
            stride = strides.pop(position)
            del extents[position]
            for r, step in steps.items():
                strides[r], extents[r] = stride * step, r.size
                if r in loops:
                    absolute.add(r)
        return replace(
            array,
            label=f"{array.label}_seen",
            strides=strides,
            extents=extents,
            absolute=frozenset(absolute),
        )


def windowed(value: Expr) -> Windowed | None:
    """``value`` by positions; None where that saves nothing: it is read from memory as it is, it
    depends on no memory and is computed once for all, or nothing slides over it."""
    parts = ex.toposort([value])
    if value.op is ex.LOAD or not any(e.op is ex.LOAD for e in parts):
        return None
    indices = [index for e in parts for index in ex.indices(e)]
    steps: dict[Range, dict[Range, int]] = {}
    moved: dict[Range, Index] = {}
    for start, offset in permutations(sorted(value.ranges, key=lambda r: r.name), 2):
        step = 0 if {start, offset} & moved.keys() else _step(indices, start, offset)
        size = step * (start.size - 1) + offset.size
        if step > 0 and size < start.size * offset.size:
            position = Range(f"{start.name}{offset.name}", size)
            steps[position] = {start: step, offset: 1}
            moved |= {start: Index(), offset: ix.of(position)}
    return Windowed(value.substitute(moved), steps) if steps else None


def _step(indices: Iterable[Index], start: Range, offset: Range) -> int:
    """How many offsets a step of ``start`` is; 0 if they do not form a sum everywhere."""
    step = 0
    for index in indices:
        ahead, inside = index.coefficient(start), index.coefficient(offset)
        if not (index.affine_in(start) and index.affine_in(offset)):
            return 0
        if ahead or inside:
            if not (ahead and inside) or ahead % inside or step not in (0, ahead // inside):
                return 0
            step = ahead // inside
    return step


def with_positions(order: Sequence[Range], found: Iterable[Windowed]) -> tuple[Range, ...]:
    """``order`` with each position where the outer one of its ranges is."""
    result = list(order)
    for one in found:
        for position, steps in one.steps.items():
            outer = next(r for r in result if r in steps)
            if position not in result:
                result.insert(result.index(outer), position)
    return tuple(result)
