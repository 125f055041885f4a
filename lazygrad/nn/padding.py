"""Padding as modules: ``padding`` is one size for all sides, or (left, right, top, bottom, ...)."""

from __future__ import annotations

from typing import ClassVar

from lazygrad.errors import ValueRangeError
from lazygrad.functional import movement
from lazygrad.functional.arguments import Sizes
from lazygrad.nn.module import Module
from lazygrad.public import public
from lazygrad.shape import Shape
from lazygrad.tensor_class import Tensor


class _Pad(Module):
    """Padding of the last ``spatial`` dims, by ``mode``; each class says which."""

    spatial: ClassVar[int]
    mode: ClassVar[str] = "constant"

    value: float = 0.0

    @public
    def __init__(self, padding: Sizes) -> None:
        super().__init__()
        self.padding = self._sides(padding)

    def _sides(self, padding: Sizes) -> Shape:
        count = 2 * self.spatial
        sides = (padding,) * count if isinstance(padding, int) else tuple(padding)
        if len(sides) != count:
            raise ValueRangeError(
                f"[{type(self).__name__}] padding must be one or {count} integers, got {padding!r}"
            )
        return sides

    @public
    def forward(self, input: Tensor) -> Tensor:
        return movement.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    @public
    def __init__(self, padding: Sizes, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """``value`` around the last dim.

    >>> nn.ConstantPad1d((1, 0), 9.0)(Tensor([[1.0, 2.0]])).tolist()
    [[9.0, 1.0, 2.0]]
    """

    spatial = 1


class ConstantPad2d(_ConstantPad):
    """``value`` around the last two dims.

    >>> nn.ConstantPad2d((1, 2, 0, 1), 9.0)(lazygrad.zeros(1, 3, 4, 4)).shape
    (1, 3, 5, 7)
    """

    spatial = 2


class ConstantPad3d(_ConstantPad):
    """``value`` around the last three dims.

    >>> nn.ConstantPad3d(1, 9.0)(lazygrad.zeros(1, 3, 4, 4, 4)).shape
    (1, 3, 6, 6, 6)
    """

    spatial = 3


class ZeroPad1d(_Pad):
    """Zeros around the last dim.

    >>> nn.ZeroPad1d((0, -1))(Tensor([[1.0, 2.0]])).tolist()
    [[1.0]]
    """

    spatial = 1


class ZeroPad2d(_Pad):
    """Zeros around the last two dims.

    >>> nn.ZeroPad2d((1, 0, 0, 1))(Tensor([[[1.0, 2.0]]])).tolist()
    [[[0.0, 1.0, 2.0], [0.0, 0.0, 0.0]]]
    """

    spatial = 2


class ZeroPad3d(_Pad):
    """Zeros around the last three dims.

    >>> nn.ZeroPad3d((0, 0, 0, 0, 1, 1))(lazygrad.ones(3, 1, 4, 4)).shape
    (3, 3, 4, 4)
    """

    spatial = 3


class ReflectionPad1d(_Pad):
    """Mirrored at the outermost elements: the last dim.

    >>> nn.ReflectionPad1d(2)(Tensor([[1.0, 2.0, 3.0]])).tolist()
    [[3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0]]
    """

    spatial, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """Mirrored at the outermost elements: the last two dims.

    >>> nn.ReflectionPad2d(1)(lazygrad.zeros(1, 3, 4, 4)).shape
    (1, 3, 6, 6)
    """

    spatial, mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """Mirrored at the outermost elements: the last three dims.

    >>> nn.ReflectionPad3d((1, 1, 0, 0, 0, 0))(lazygrad.zeros(3, 4, 4, 4)).shape
    (3, 4, 4, 6)
    """

    spatial, mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """The outermost elements repeated: the last dim.

    >>> nn.ReplicationPad1d((1, 2))(Tensor([[1.0, 2.0]])).tolist()
    [[1.0, 1.0, 2.0, 2.0, 2.0]]
    """

    spatial, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """The outermost elements repeated: the last two dims.

    >>> nn.ReplicationPad2d(1)(Tensor([[[5.0]]])).tolist()
    [[[5.0, 5.0, 5.0], [5.0, 5.0, 5.0], [5.0, 5.0, 5.0]]]
    """

    spatial, mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """The outermost elements repeated: the last three dims.

    >>> nn.ReplicationPad3d(2)(lazygrad.zeros(3, 4, 4, 4)).shape
    (3, 8, 8, 8)
    """

    spatial, mode = 3, "replicate"


class CircularPad1d(_Pad):
    """Going on at the other end: the last dim.

    >>> nn.CircularPad1d((1, 2))(Tensor([[1.0, 2.0, 3.0]])).tolist()
    [[3.0, 1.0, 2.0, 3.0, 1.0, 2.0]]
    """

    spatial, mode = 1, "circular"


class CircularPad2d(_Pad):
    """Going on at the other end: the last two dims.

    >>> nn.CircularPad2d(1)(lazygrad.zeros(1, 3, 4, 4)).shape
    (1, 3, 6, 6)
    """

    spatial, mode = 2, "circular"


class CircularPad3d(_Pad):
    """Going on at the other end: the last three dims.

    >>> nn.CircularPad3d(1)(lazygrad.zeros(3, 4, 4, 4)).shape
    (3, 6, 6, 6)
    """

    spatial, mode = 3, "circular"
