"""Pure arithmetic on shapes and axes; no tensors."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lazygrad.errors import ArgumentError, AxisError, ShapeError

Shape = tuple[int, ...]
MOST_ELEMENTS = 2**63 - 1


def numel(shape: Sequence[int]) -> int:
    """Number of elements; 1 for a scalar."""
    return math.prod(shape)


def without_ones(shape: Sequence[int]) -> Shape:
    """The sizes that are not 1."""
    return tuple(size for size in shape if size != 1)


def strides_of(shape: Sequence[int]) -> Shape:
    """Row-major strides in elements."""
    strides = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))


def as_shape(op: str, sizes: Sequence[Any]) -> Shape:
    """A shape from ``(2, 3)``, ``((2, 3),)`` or ``([2, 3],)``, as PyTorch's methods take it."""
    if len(sizes) == 1 and isinstance(sizes[0], Iterable) and not isinstance(sizes[0], Mapping):
        sizes = tuple(sizes[0])
    try:
        return tuple([size if type(size) is int else whole(size) for size in sizes])
    except TypeError:
        raise ArgumentError(f"[{op}] sizes must be integers, got {tuple(sizes)!r}") from None


def whole(value: Any) -> int:
    """What Python takes for an index, as an int; but no truth value.

    Raises:
        TypeError: for anything else.
    """
    if isinstance(value, bool):
        raise TypeError("a truth value is no index")
    return operator.index(value)


def checked_shape(op: str, shape: Shape) -> Shape:
    """``shape`` if every size is at least 0, and all elements can be counted."""
    if any(size < 0 for size in shape):
        raise ShapeError(f"[{op}] sizes must not be negative, got {shape}")
    if numel(shape) > MOST_ELEMENTS:
        raise ShapeError(f"[{op}] shape {shape} has more elements than 64 bits can count")
    return shape


def normalize_axis(op: str, axis: Any, ndim: int) -> int:
    """``axis`` as an index from the front; a scalar has the axes -1 and 0, as in PyTorch."""
    span = max(ndim, 1)
    try:
        index = axis if type(axis) is int else whole(axis)
    except TypeError:
        raise ArgumentError(f"[{op}] dim must be an integer, got {axis!r}") from None
    if not -span <= index < span:
        raise AxisError(
            f"[{op}] dim {index} is out of range for a tensor of {ndim} dimensions; "
            f"expected {-span} to {span - 1}"
        )
    return index % span


def normalize_axes(op: str, axes: Any, ndim: int) -> Shape:
    """``None`` (all), one axis or several, as sorted distinct indices."""
    if axes is None:
        return tuple(range(ndim))
    listed = (axes,) if not isinstance(axes, Iterable) else tuple(axes)
    found = [normalize_axis(op, axis, ndim) for axis in listed]
    if len(set(found)) != len(found):
        raise AxisError(f"[{op}] dim {tuple(listed)} names an axis twice")
    return tuple(sorted(axis for axis in found if axis < ndim))


def broadcast(op: str, *shapes: Shape) -> Shape:
    """The common shape of operands, by the rules of NumPy and PyTorch."""
    ndim = max(map(len, shapes), default=0)
    result = []
    for position in range(-ndim, 0):
        sizes = {shape[position] for shape in shapes if len(shape) >= -position}
        sizes.discard(1)
        if len(sizes) > 1:
            listed = " and ".join(map(str, shapes))
            raise ShapeError(
                f"[{op}] shapes {listed} do not broadcast: sizes {sorted(sizes)} "
                f"differ at dim {position}; reshape or expand one of them"
            )
        result.append(sizes.pop() if sizes else 1)
    return tuple(result)


def infer_reshape(op: str, shape: Shape, target: Shape) -> Shape:
    """``target`` with its one -1 resolved, holding as many elements as ``shape``."""
    total = numel(shape)
    if target.count(-1) > 1:
        raise ShapeError(f"[{op}] only one size can be -1, got {target}")
    if any(size < -1 for size in target):
        raise ShapeError(f"[{op}] sizes must not be negative, got {target}")
    if -1 in target:
        known = numel([size for size in target if size != -1])
        if known == 0 or total % known:
            raise ShapeError(f"[{op}] cannot view shape {shape} ({total} elements) as {target}")
        target = tuple(total // known if size == -1 else size for size in target)
    if numel(target) != total:
        raise ShapeError(
            f"[{op}] cannot view shape {shape} ({total} elements) as {target} "
            f"({numel(target)} elements)"
        )
    return target


def inverse_permutation(axes: Sequence[int]) -> Shape:
    """The permutation that undoes ``axes``."""
    inverse = [0] * len(axes)
    for position, axis in enumerate(axes):
        inverse[axis] = position
    return tuple(inverse)
