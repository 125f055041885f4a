"""Arrays in other shapes, orders and sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lazygrad.array_api.arguments import together
from lazygrad.errors import SharingError, ValueRangeError
from lazygrad.functional import joining, movement, splitting, views
from lazygrad.functional.arguments import Dims, Sizes
from lazygrad.shape import normalize_axes

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

Arrays = tuple["Tensor", ...] | list["Tensor"]


def broadcast_arrays(*arrays: Tensor) -> list[Tensor]:
    """All arrays in the shape that they broadcast to."""
    return list(joining.broadcast_tensors(*arrays)) if arrays else []


def broadcast_to(x: Tensor, /, shape: Sequence[int]) -> Tensor:
    """Repeated to a shape that it broadcasts to."""
    return views.broadcast_to(x, shape)


def concat(arrays: Arrays, /, *, axis: int | None = 0) -> Tensor:
    """Arrays one after the other along ``axis``, or all of them flat."""
    given = together("concat", *arrays)
    if axis is None:
        return joining.cat([x.ravel() for x in given])
    return joining.cat(given, dim=axis)


def expand_dims(x: Tensor, /, *, axis: int = 0) -> Tensor:
    """A new dim of size 1."""
    return views.unsqueeze(x, axis)


def flip(x: Tensor, /, *, axis: Dims = None) -> Tensor:
    """The order along ``axis`` (or all axes) reversed."""
    return movement.flip(x, normalize_axes("flip", axis, x.ndim))


def moveaxis(x: Tensor, source: Sizes, destination: Sizes, /) -> Tensor:
    """Axes moved to other places; the rest keeps its order."""
    return views.moveaxis(x, source, destination)


def permute_dims(x: Tensor, /, axes: Sequence[int]) -> Tensor:
    """Axes in another order."""
    return views.permute(x, axes)


def repeat(x: Tensor, repeats: int | Tensor, /, *, axis: int | None = None) -> Tensor:
    """Each element (or slice along ``axis``) repeated, one after the other."""
    return movement.repeat_interleave(x, repeats, axis)


def reshape(x: Tensor, /, shape: Sequence[int], *, copy: bool | None = None) -> Tensor:
    """The elements in row-major order in another shape.

    Raises:
        SharingError: for ``copy=False`` where elements do not lie in that order.
    """
    if copy is False and not x.is_contiguous():
        raise SharingError(f"[reshape] copy=False: shape {x.shape} does not lie in order")
    found = views.reshape(x, shape)
    return found.clone() if copy else found


def roll(x: Tensor, /, shift: Sizes, *, axis: Dims = None) -> Tensor:
    """Elements moved forward along ``axis``, around the end."""
    return movement.roll(x, shift, axis)


def squeeze(x: Tensor, /, axis: Sizes) -> Tensor:
    """Without axes of size 1.

    Raises:
        ValueRangeError: for one of another size.
    """
    for one in normalize_axes("squeeze", axis, x.ndim):
        if x.shape[one] != 1:
            raise ValueRangeError(f"[squeeze] axis {one} of shape {x.shape} is not of size 1")
    return views.squeeze(x, axis)


def stack(arrays: Arrays, /, *, axis: int = 0) -> Tensor:
    """Arrays of one shape along a new axis."""
    return joining.stack(together("stack", *arrays), dim=axis)


def tile(x: Tensor, repetitions: Sequence[int], /) -> Tensor:
    """Tiled along the last axes."""
    return movement.tile(x, repetitions)


def unstack(x: Tensor, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """The slices along ``axis``."""
    return tuple(splitting.unbind(x, axis))
