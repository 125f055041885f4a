"""Movement ops as index arithmetic: an index into the result becomes one into the source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from lazygrad import ops
from lazygrad.graph import Node
from lazygrad.kernel.expr import Bound, Guard
from lazygrad.kernel.index import Index, ravel, unravel
from lazygrad.ops import Op
from lazygrad.shape import Shape, inverse_permutation, strides_of, without_ones

Indices = tuple[Index, ...]
Moved = tuple[Indices, Guard]  # index into the source, and where it lies inside the source
ZERO = Index()


def _reshape(view: Node, index: Indices) -> Moved:
    """Dims are matched in groups of equal size, so that untouched dims stay as they are."""
    result: list[Index] = []
    for new, old, same in dim_groups(view.shape, view.src[0].shape):
        if same and len(new) == len(old) == 1:
            result.append(index[new[0]] if view.shape[new[0]] != 1 else ZERO)
            continue
        inside = [index[axis] for axis in new]
        new_sizes = tuple(view.shape[axis] for axis in new)
        old_sizes = tuple(view.src[0].shape[axis] for axis in old)
        result.extend(unravel(ravel(inside, strides_of(new_sizes)), old_sizes))
    return tuple(result), ()


class DimGroup(NamedTuple):
    """Dims of two shapes that hold the same elements; ``same`` if they are the same dims but for
    those of size 1."""

    new: tuple[int, ...]
    old: tuple[int, ...]
    same: bool


@lru_cache(maxsize=4096)
def dim_groups(new: Shape, old: Shape) -> tuple[DimGroup, ...]:
    """The finest split of both shapes into consecutive groups that hold equally many elements."""
    groups: list[DimGroup] = []
    i = j = 0
    while i < len(new) or j < len(old):
        left: list[int] = []
        right: list[int] = []
        a = b = 1
        while True:
            if i < len(new) and (a < b or not left):
                a *= new[i]
                left.append(i)
                i += 1
            elif j < len(old) and (b < a or not right):
                b *= old[j]
                right.append(j)
                j += 1
            else:
                break
        same = _sizes(new, left) == _sizes(old, right)
        groups.append(DimGroup(tuple(left), tuple(right), same))
    return tuple(groups)


def _sizes(shape: Shape, dims: Iterable[int]) -> Shape:
    return without_ones(tuple(shape[dim] for dim in dims))


def _permute(view: Node, index: Indices) -> Moved:
    inverse = inverse_permutation(view.arg)
    return tuple(index[position] for position in inverse), ()


def _expand(view: Node, index: Indices) -> Moved:
    before = view.src[0].shape
    pairs = zip(index, before, view.shape, strict=True)
    return tuple(ZERO if old == 1 and new != 1 else i for i, old, new in pairs), ()


def _pad(view: Node, index: Indices) -> Moved:
    moved, guard = [], []
    for i, (low, high), size in zip(index, view.arg, view.src[0].shape, strict=True):
        inner = i - low
        moved.append(inner)
        if low or high:
            guard.append(Bound(inner, 0, size))
    return tuple(moved), tuple(guard)


def _shrink(view: Node, index: Indices) -> Moved:
    return tuple(i + start for i, (start, _) in zip(index, view.arg, strict=True)), ()


def _flip(view: Node, index: Indices) -> Moved:
    sizes = view.shape
    return tuple(
        i * -1 + (sizes[axis] - 1) if axis in view.arg else i for axis, i in enumerate(index)
    ), ()


def _shear(view: Node, index: Indices) -> Moved:
    axis, by, factor, offset, _ = view.arg
    inner = index[axis] + index[by] * factor + offset
    moved = index[:axis] + (inner,) + index[axis + 1 :]
    return moved, (Bound(inner, 0, view.src[0].shape[axis]),)


MOVE: Mapping[Op, Callable[[Node, Indices], Moved]] = {
    ops.RESHAPE: _reshape,
    ops.PERMUTE: _permute,
    ops.EXPAND: _expand,
    ops.PAD: _pad,
    ops.SHRINK: _shrink,
    ops.FLIP: _flip,
    ops.SHEAR: _shear,
}
