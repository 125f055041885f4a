"""Running sums in short runs equal those element by element."""

from __future__ import annotations

import numpy as np
import pytest

from lazygrad_numpy import support
from lazygrad_numpy.support import accumulate

SHAPES = [(500, 125), (300, 128), (4, 300, 20), (600, 16), (1000, 127), (10, 25), (9000,)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_whole_numbers_are_added_exactly(
    shape: tuple[int, ...], backwards: bool, dtype: str
) -> None:
    x = np.random.default_rng(0).integers(-9, 9, shape).astype(dtype)
    for axis in range(len(shape)):
        out = np.full_like(x, 7)
        accumulate(np.add, x, axis, backwards, out)
        turned = np.flip(x, axis) if backwards else x
        expected = np.cumsum(turned, axis)
        np.testing.assert_array_equal(out, np.flip(expected, axis) if backwards else expected)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("place", [0, 24, 25, 124])
def test_what_is_not_finite_stays_in_its_row_and_behind(value: float, place: int) -> None:
    x = np.ones((500, 125), np.float32)
    x[3, place] = value
    out = np.empty_like(x)
    with np.errstate(all="ignore"):  # as around every launch
        accumulate(np.add, x, 1, False, out)
    np.testing.assert_array_equal(out, np.cumsum(x, 1))


def test_views_are_added_where_they_are() -> None:
    x = np.arange(600 * 50, dtype=np.float32).reshape(600, 50)[:, ::2]
    out = np.zeros((600, 50), np.float32)[:, ::2]
    accumulate(np.add, x, 1, False, out)
    np.testing.assert_array_equal(out, np.cumsum(x, 1))


def test_rows_are_multiplied_where_that_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    made = support._ones_up_to

    def counting(length: int, dtype: str) -> np.ndarray:
        asked.append(length)
        return made(length, dtype)

    monkeypatch.setattr(support, "_ones_up_to", counting)
    for shape in SHAPES:
        x = np.ones(shape, np.float32)
        accumulate(np.add, x, x.ndim - 1, False, np.empty_like(x))
    assert asked == [25, 32, 20, 16, 30]
