"""Factors of a sum of products: which ranges move along which of their dims.

What a stride or a dilation cuts a dim into are dims of their own here: what is read at
``2 * (place + tap) + phase`` has a dim of phases, and one in which places and taps move by one.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from lazygrad.graph import Node
from lazygrad.kernel.expr import Guard, substitute_guard
from lazygrad.kernel.index import Index, Quotient, Range, Remainder, of as index_of
from lazygrad.lang.movement import flip, pad, permute, reshape, shrink
from lazygrad.schedule.views import Indices
from lazygrad.shape import numel

MAX_ROUNDS = 4  # of cutting all ranges once

Ranges = tuple[Range, ...]


# -- as a kernel would read them ------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """Where a sum reads its two factors.

    Attributes:
        bases, at: the factors, and the index of each.
        results, summed: ranges of the result, in order, and those that are summed.
        guards: outside of which the product is zero.
    """

    bases: tuple[Node, Node]
    at: tuple[Indices, Indices]
    results: Ranges
    summed: Ranges
    guards: Guard

    def apart(self) -> Reading:
        """With ranges cut in two where an index divides them, or where they reach over a stride."""
        found = self
        for _ in range(MAX_ROUNDS):
            cuts = _cuts(index for at in found.at for index in at)
            if not cuts:
                break
            found = found._cut(cuts)
        return found

    def _cut(self, cuts: Mapping[Range, int]) -> Reading:
        parts = {
            r: (Range(r.name + "h", r.size // size), Range(r.name + "l", size))
            for r, size in cuts.items()
        }
        mapping = {r: index_of(high) * low.size + index_of(low) for r, (high, low) in parts.items()}
        first, second = (tuple(index.substitute(mapping) for index in at) for at in self.at)
        return replace(
            self,
            at=(first, second),
            results=tuple(part for r in self.results for part in parts.get(r, (r,))),
            summed=tuple(part for r in self.summed for part in parts.get(r, (r,))),
            guards=substitute_guard(self.guards, mapping),
        )

    @property
    def is_affine(self) -> bool:
        return all(index.is_affine for at in self.at for index in at)

    def is_guarded_by_factors(self) -> bool:
        """Whether the product is zero only where a factor is read outside of a part of it."""
        indices = [index for at in self.at for index in at]
        return all(
            any(not (bound.index - index * sign).terms for index in indices for sign in (1, -1))
            for bound in self.guards
        )

    def windows(self, number: int) -> list[tuple[Range, Range]]:
        """The ranges of each dim of a factor in which two of them move by the same step."""
        outer = [found[0][1] for index in self.at[number] if (found := levels(index))]
        return [(ranges[0], ranges[1]) for ranges in outer if len(ranges) == 2]


def _cuts(indices: Iterable[Index]) -> dict[Range, int]:
    """Ranges to be cut, and the size of the inner part."""
    found: dict[Range, int] = {}
    for index in indices:
        for atom, step in index.terms:
            if isinstance(atom, Quotient | Remainder):
                r, size = atom.index.only_atom, atom.divisor
            else:
                above = [abs(other) for _, other in index.terms if abs(other) > abs(step)]
                r, size = atom, min(above, default=0) // abs(step)
            if isinstance(r, Range) and 1 < size < r.size and r.size % size == 0:
                found[r] = min(size, found.get(r, size))
    return found


def levels(index: Index) -> list[tuple[int, list[Range]]] | None:
    """Steps of an index, the largest first, and the ranges that take them: two may take the
    largest one, and the ranges of each other one fill the step above it. None of any other."""
    steps: dict[int, list[Range]] = {}
    for atom, step in index.terms:
        if not isinstance(atom, Range):
            return None
        steps.setdefault(abs(step), []).append(atom)
    found = list(steps.items())
    filled = all(
        len(ranges) == 1 and ranges[0].size * step == above
        for (above, _), (step, ranges) in pairwise(found)
    )
    if found and (found[-1][0] != 1 or len(found[0][1]) > 2 or not filled):
        return None
    return found


# -- by themselves --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dim:
    """What moves along a dim: nothing, a range from end to end, or, in a window, a place and a tap.

    Attributes:
        start: where the first tap of the first place is, which may be outside.
        backwards: the tap counts down.
        between: ranges of the dims of what lies between two steps.
    """

    ranges: Ranges
    start: int = 0
    backwards: bool = False
    between: Ranges = ()


@dataclass(frozen=True)
class Factor:
    """A value, and what moves along each of its dims."""

    value: Node
    dims: tuple[Dim, ...]

    @property
    def ranges(self) -> frozenset[Range]:
        return frozenset(r for dim in self.dims for r in dim.ranges)

    @property
    def repeats(self) -> bool:
        """Whether a range moves along several dims."""
        return sum(len(dim.ranges) for dim in self.dims) != len(self.ranges)

    def between(self, ranges: Container[Range]) -> set[Range]:
        """What lies between two steps of these ranges."""
        return {
            r for dim in self.dims if dim.ranges and dim.ranges[0] in ranges for r in dim.between
        }

    @property
    def slides(self) -> bool:
        """Whether it has windows."""
        return any(len(dim.ranges) > 1 for dim in self.dims)

    def window(self, place: Range) -> Dim:
        (found,) = (dim for dim in self.dims if dim.ranges[:1] == (place,))
        return found

    def arranged(self, groups: Sequence[Ranges], backwards: Container[Range] = ()) -> Node:
        """The value with a dim for each group of ranges, of which those of places stand for the
        dims that windows slide over; ranges of ``backwards`` in the other direction."""
        moving = {dim.ranges[0]: axis for axis, dim in enumerate(self.dims) if dim.ranges}
        turned = [axis for r, axis in moving.items() if r in backwards]
        value = flip(self.value, turned) if turned else self.value
        axes = [[moving[r] for r in group] for group in groups]
        order = [axis for group in axes for axis in group]
        rest = [axis for axis, dim in enumerate(self.dims) if not dim.ranges]
        shape = [numel([value.shape[axis] for axis in group]) for group in axes]
        return reshape(permute(value, (*rest, *order)), shape)


def factor(base: Node, at: Indices, guards: Guard, places: Container[Range]) -> Factor | None:
    """``base`` where it is read, zero outside of it and of the guards; ``places`` are those of
    windows. None if that is not along ranges."""
    parts = [_along(*of, guards, places) for of in zip(at, base.shape, strict=True)]
    read = [part for part in parts if part is not None]
    if len(read) < len(parts):
        return None
    value = shrink(base, [part.kept for part in read])
    value = pad(value, [part.edges for part in read])
    value = reshape(value, [size for part in read for size in part.sizes])
    backwards = [one for part in read for one in part.backwards]
    turned = [axis for axis, backward in enumerate(backwards) if backward]
    value = flip(value, turned) if turned else value
    return Factor(value, tuple(dim for part in read for dim in part.dims))


@dataclass(frozen=True)
class _Along:
    """How a dim of a base is read: a part, with zeros around it, as dims of these sizes, of which
    some are ``backwards``."""

    kept: tuple[int, int]
    edges: tuple[int, int]
    sizes: tuple[int, ...]
    backwards: tuple[bool, ...]
    dims: tuple[Dim, ...]


def _along(index: Index, size: int, guards: Guard, places: Container[Range]) -> _Along | None:
    found = levels(index)
    low, high = _inside(index, size, guards)
    if found is None or low >= high:
        return None
    if not found:
        return _Along((index.const, index.const + 1), (0, 0), (1,), (False,), (Dim(()),))
    (step, outer), *inner = found
    below = [r for _, (r,) in inner]
    downwards = [r for r in (*outer, *below) if index.coefficient(r) < 0]
    # Of the part from low on, read from the first element of inner ranges on.
    first = index.const - low
    first += sum(index.coefficient(r) * (r.size - 1) for r in below if r in downwards)
    if len(outer) == 1:
        (r,) = outer
        before = (step * (r.size - 1) if r in downwards else 0) - first
        length, dim, turned = r.size, Dim((r,)), r in downwards
    else:
        place, tap = outer if outer[0] in places else outer[::-1]
        before = -first % step
        length = -(-(before + high - low) // step)
        start, turned = (first + before) // step, place in downwards
        dim = Dim(
            (place, tap),
            length - 1 - start if turned else start,
            backwards=(tap in downwards) is not turned,
        )
        if dim.backwards:
            dim = replace(dim, start=dim.start - (tap.size - 1))
    return _Along(
        (low, high),
        (before, step * length - before - (high - low)),
        (length, *(r.size for r in below)),
        (turned, *(r in downwards for r in below)),
        (replace(dim, between=tuple(below)), *(Dim((r,)) for r in below)),
    )


def _inside(index: Index, size: int, guards: Guard) -> tuple[int, int]:
    """The part of a dim outside of which guards make the product zero."""
    low, high = 0, size
    for bound in guards:
        for sign in (1, -1):
            apart = bound.index - index * sign
            if not apart.terms:
                ends = (bound.low - apart.const) * sign, (bound.high - 1 - apart.const) * sign
                low, high = max(low, min(ends)), min(high, max(ends) + 1)
    return low, high
