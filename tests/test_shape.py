"""Shape arithmetic against NumPy, and its errors."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from lazygrad import shape as sh
from lazygrad.errors import ArgumentError, AxisError, ShapeError

SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)


@given(SHAPES, SHAPES)
def test_broadcast_is_numpys(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    try:
        expected = np.broadcast_shapes(left, right)
    except ValueError:
        with pytest.raises(ShapeError, match=r"\[add\] shapes .* do not broadcast"):
            sh.broadcast("add", left, right)
    else:
        assert sh.broadcast("add", left, right) == expected


@given(SHAPES, SHAPES)
def test_reshape_is_numpys(shape: tuple[int, ...], target: tuple[int, ...]) -> None:
    for wanted in (target, (-1, *target)):
        try:
            expected = np.empty(shape).reshape(wanted).shape
        except ValueError:
            with pytest.raises(ShapeError, match=r"\[reshape\]"):
                sh.infer_reshape("reshape", shape, wanted)
        else:
            if -1 in wanted and 0 in target:
                continue  # NumPy guesses where PyTorch refuses
            assert sh.infer_reshape("reshape", shape, wanted) == expected


@given(SHAPES)
def test_strides(shape: tuple[int, ...]) -> None:
    nonzero = tuple(max(size, 1) for size in shape)
    expected = [stride // 8 for stride in np.empty(nonzero).strides]
    assert list(sh.strides_of(nonzero)) == expected


@pytest.mark.parametrize(
    ("axis", "ndim", "expected"), [(0, 3, 0), (-1, 3, 2), (0, 0, 0), (-1, 0, 0)]
)
def test_axis(axis: int, ndim: int, expected: int) -> None:
    assert sh.normalize_axis("sum", axis, ndim) == expected


@pytest.mark.parametrize(("axis", "ndim"), [(3, 3), (-4, 3), (1, 0)])
def test_axis_outside(axis: int, ndim: int) -> None:
    with pytest.raises(AxisError, match=rf"\[sum\] dim {axis} is out of range .* {ndim} dim"):
        sh.normalize_axis("sum", axis, ndim)


def test_axis_twice() -> None:
    with pytest.raises(AxisError, match="names an axis twice"):
        sh.normalize_axes("sum", (1, -1), 2)


@pytest.mark.parametrize("sizes", [(2, 3), ((2, 3),), ([2, 3],), (np.int64(2), np.int32(3))])
def test_sizes(sizes: tuple[object, ...]) -> None:
    assert sh.as_shape("zeros", sizes) == (2, 3)


def test_sizes_that_are_none() -> None:
    with pytest.raises(ArgumentError, match=r"\[zeros\] sizes must be integers"):
        sh.as_shape("zeros", (2.5, 3))
    with pytest.raises(ShapeError, match="must not be negative"):
        sh.checked_shape("zeros", (2, -3))
