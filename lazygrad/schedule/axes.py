"""Axes: at which points of a kernel's loops a value is needed, told from the views around it.

A position names, for each dim of a value, the axis that it is read along: a loop of the kernel, or
what movement made of loops (shifted, merged, cut). Equal positions are equal points, so what a
kernel evaluates, and how often, is counted without lowering it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from lazygrad import ops
from lazygrad.graph import Node
from lazygrad.ops import Op
from lazygrad.schedule.views import dim_groups
from lazygrad.shape import Shape, inverse_permutation

Position = tuple[int, ...]
FIRST = -1  # no axis: a dim of size 1, or one that is read at its first element only


@dataclass
class Axes:
    """The axes of one kernel.

    Attributes:
        own: the axes of its outer loops, outermost first.
        points: for each axis, how often what depends on it is evaluated. Values are computed in
            the outermost loop that knows them, so only loops inside the innermost one are spared.
        moved: those that movement made.
        picked: those that an index chooses from.
    """

    shape: Shape
    own: list[int] = field(default_factory=list)
    points: list[int] = field(default_factory=list)
    known: dict[Hashable, int] = field(default_factory=dict)
    moved: set[int] = field(default_factory=set)
    picked: set[int] = field(default_factory=set)

    def whole(self) -> Position:
        """The position of the kernel's first output: a loop for each of its dims."""
        position, around = [], 1
        for size in self.shape:
            position.append(FIRST if size == 1 else self._new(around := around * size))
        self.own = [axis for axis in position if axis != FIRST]
        return tuple(position)

    def _new(self, points: int) -> int:
        self.points.append(points)
        return len(self.points) - 1

    def made(self, how: Hashable, of: Collection[int]) -> int:
        """The axis that ``how`` makes of others."""
        axis = self.known.get(how)
        if axis is None:
            axis = self.known[how] = self._new(self.evaluated(tuple(of)))
            self.moved.add(axis)
            if not self.picked.isdisjoint(of):
                self.picked.add(axis)
        return axis

    def evaluated(self, position: Position) -> int:
        """How often a value is computed that is needed at ``position``."""
        return max([self.points[axis] for axis in position if axis != FIRST], default=1)

    def inside(self, reduction: Node, position: Position) -> Position:
        """The position of what ``reduction`` combines: a loop more for each axis it runs over."""
        result, around = list(position), self.evaluated(position)
        for dim in reduction.arg:
            around *= reduction.src[0].shape[dim]
            how = (reduction, position, dim)
            if how not in self.known:
                self.known[how] = self._new(around)
            result[dim] = self.known[how]
        return tuple(result)

    def picked_from(self, gather: Node, position: Position) -> Position:
        """The position of what ``gather`` reads by index."""
        axis = self.made((gather, position), position)
        self.picked.add(axis)
        return (*position[: gather.arg], axis, *position[gather.arg + 1 :])

    def scattered(self, scatter: Node, position: Position) -> Position:
        """The position of the index by which ``scatter`` brings something to its places: a loop
        over all of it, in each loop over places."""
        dim = scatter.arg.axis
        rest = self.evaluated((*position[:dim], *position[dim + 1 :]))
        how = (scatter, position)
        if how not in self.known:
            self.known[how] = self._new(rest * scatter.src[0].shape[dim])
        return (*position[:dim], self.known[how], *position[dim + 1 :])

    def brought(self, scatter: Node) -> Position:
        """The position of what ``scatter`` brings to its places: loops of its own, as each element
        is needed once, at the place it goes to."""
        result, around = [], 1
        for dim, size in enumerate(scatter.src[1].shape):
            around *= size
            how = (scatter, dim)
            if how not in self.known:
                self.known[how] = self._new(around)
            result.append(self.known[how])
        return tuple(result)

    def is_picked(self, position: Position) -> bool:
        return not self.picked.isdisjoint(position)

    def below(self, view: Node, position: Position) -> tuple[Node, Position]:
        """The value under movement ops, and where it is read."""
        while (move := MOVE.get(view.op)) is not None:
            position = move(self, view, position)
            view = view.src[0]
        return view, position

    def is_moved(self, position: Position) -> bool:
        return not self.moved.isdisjoint(position)

    def plain(self, position: Position) -> bool:
        """Whether each dim has a loop of the kernel to itself."""
        loops = [axis for axis in position if axis != FIRST]
        own = set(loops).intersection(self.own)
        return len(own) == len(loops)


# -- what movement does to positions --------------------------------------------------------------


class _Dims(NamedTuple):
    """Dims of two shapes that hold the same elements.

    Attributes:
        new: those of the result, ``loops`` without those of size 1, which are ``ones``.
        old: those of the source that elements move along.
        same: they are the same ones.
        sizes: of all dims, new and old.
    """

    new: Position
    loops: Position
    ones: Position
    old: Position
    same: bool
    sizes: tuple[Shape, Shape]


@lru_cache(maxsize=4096)
def moved_dims(shape: Shape, before: Shape) -> tuple[_Dims, ...]:
    """How a reshape to ``shape`` moves positions, by groups of dims."""
    found = []
    for new, old, same in dim_groups(shape, before):
        loops = tuple([dim for dim in new if shape[dim] != 1])
        ones = tuple([dim for dim in new if shape[dim] == 1])
        along = tuple([dim for dim in old if before[dim] != 1]) or old[:1]
        sizes = tuple([shape[dim] for dim in new]), tuple([before[dim] for dim in old])
        found.append(_Dims(new, loops, ones, along, same, sizes))
    return tuple(found)


def _reshape(axes: Axes, view: Node, position: Position) -> Position:
    before = view.src[0].shape
    result = [FIRST] * len(before)
    for new, loops, ones, old, same, sizes in moved_dims(view.shape, before):
        inside = tuple([position[dim] for dim in new])
        if inside.count(FIRST) == len(inside):
            continue
        if same and all(position[dim] == FIRST for dim in ones):
            for dim, loop in zip(old, loops, strict=False):
                result[dim] = position[loop]
            continue
        for number, dim in enumerate(old):
            result[dim] = axes.made((ops.RESHAPE, inside, sizes, number), inside)
    return tuple(result)


def _permute(axes: Axes, view: Node, position: Position) -> Position:
    return tuple([position[dim] for dim in inverse_permutation(view.arg)])


def _expand(axes: Axes, view: Node, position: Position) -> Position:
    pairs = zip(position, view.src[0].shape, view.shape, strict=True)
    return tuple([FIRST if old == 1 and new != 1 else axis for axis, old, new in pairs])


def _pad(axes: Axes, view: Node, position: Position) -> Position:
    pairs = zip(position, view.arg, strict=True)
    return tuple([
        axes.made((ops.PAD, axis, *by), (axis,)) if by != (0, 0) else axis for axis, by in pairs
    ])  # fmt: skip


def _shrink(axes: Axes, view: Node, position: Position) -> Position:
    moved = zip(position, view.arg, view.src[0].shape, strict=True)
    return tuple([
        axes.made((ops.SHRINK, axis, by[0]), (axis,)) if by != (0, size) else axis
        for axis, by, size in moved
    ])  # fmt: skip


def _flip(axes: Axes, view: Node, position: Position) -> Position:
    return tuple(
        axes.made((ops.FLIP, axis, view.shape[dim]), (axis,)) if dim in view.arg else axis
        for dim, axis in enumerate(position)
    )


def _shear(axes: Axes, view: Node, position: Position) -> Position:
    dim, by, factor, offset, _ = view.arg
    pair = position[dim], position[by]
    moved = axes.made((ops.SHEAR, *pair, factor, offset), pair)
    return (*position[:dim], moved, *position[dim + 1 :])


MOVE: Mapping[Op, Callable[[Axes, Node, Position], Position]] = {
    ops.RESHAPE: _reshape,
    ops.PERMUTE: _permute,
    ops.EXPAND: _expand,
    ops.PAD: _pad,
    ops.SHRINK: _shrink,
    ops.FLIP: _flip,
    ops.SHEAR: _shear,
}
