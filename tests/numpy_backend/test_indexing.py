"""Loads that are not plain strided walks: guards, quotients, gathers."""

from __future__ import annotations

import numpy as np
import pytest

from lazygrad import element_types as dt, ops
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Bound, guarded, substitute, zero
from lazygrad.kernel.index import DataAtom, Index, of as index_of
from tests.numpy_backend.helpers import check, flat, kernel, load, op, ranges, reduce_sum


@pytest.mark.parametrize("size", [10, 1_000_000])
@pytest.mark.parametrize(("low", "high"), [(0, 3), (4, 0), (2, 5)])
def test_padding_in_one_dim(size: int, low: int, high: int) -> None:
    """Also in the dim that is walked in blocks."""
    (i,) = ranges(i=size)
    at = index_of(i) + -low
    inner = size - low - high
    x = load(1, at, guard=(Bound(at, 0, inner),))
    check(kernel("pad", (i,), [(index_of(i), op(ops.ADD, x, 1.0), ())], {1: inner}))


@pytest.mark.parametrize("rows", [5, 30_000])
def test_concatenation(rows: int) -> None:
    """a and b side by side, as a sum of two padded loads."""
    r, c = ranges(r=rows, c=30)
    left = load(1, index_of(r) * 10 + index_of(c), guard=(Bound(index_of(c), 0, 10),))
    right = load(2, index_of(r) * 20 + index_of(c) + -10, guard=(Bound(index_of(c), 10, 30),))
    made = kernel("cat", (r, c), [(flat([r, c]), op(ops.ADD, left, right), ())],
                  {1: rows * 10, 2: rows * 20})  # fmt: skip
    assert "take(" not in check(made).source


@pytest.mark.parametrize("n", [3, 2000])
def test_guard_that_couples_ranges(n: int) -> None:
    """y[n, h] = sum over k of x[n, 2h - k + 1] inside; a strided transpose."""
    rn, rh, rk = ranges(n=n, h=40, k=20)
    at = index_of(rh) * 2 + index_of(rk) * -1 + 1
    x = load(1, index_of(rn) * 70 + at, guard=(Bound(at, 0, 70),))
    made = kernel("coupled", (rn, rh), [(flat([rn, rh]), reduce_sum(x, rk), ())], {1: n * 70})
    assert "take(" not in check(made).source


def test_guard_that_is_never_met() -> None:
    (i,) = ranges(i=100)
    x = load(1, index_of(i), guard=(Bound(index_of(i), 200, 300),))
    assert x is zero(x.dtype)
    later = load(1, index_of(i), guard=(Bound(index_of(i), 90, 300),))
    first = substitute(later, {i: Index((), 0)})
    assert first is zero(x.dtype) and guarded(later, (Bound(index_of(i), 0, 0),)) is first
    check(kernel("never", (i,), [(index_of(i), op(ops.ADD, later, x), ())], {1: 100}))


@pytest.mark.parametrize(
    "dtype", [dt.float16, dt.bfloat16, dt.bool_, dt.int8], ids=lambda d: d.name
)
def test_padding_of_every_storage(dtype: dt.DType) -> None:
    (i,) = ranges(i=1000)
    at = index_of(i) + -3
    x = load(1, at, dtype, guard=(Bound(at, 0, 900),))
    check(kernel("pad", (i,), [(index_of(i), op(ops.MAX, x, x), ())], {1: 900}))


def test_guard_around_a_value() -> None:
    """exp of padding would be 1: the guard stands outside."""
    r, c = ranges(r=200, c=300)
    at = index_of(c) + index_of(r) * -1
    x = load(1, index_of(r) * 300 + index_of(c))
    value = ex.guarded(op(ops.EXP, x), (Bound(at, 0, 300), Bound(index_of(c), 5, 290)))
    check(kernel("triangle", (r, c), [(flat([r, c]), value, ())], {1: 60_000}))


@pytest.mark.parametrize("size", [60, 600_000])
def test_quotient_and_remainder(size: int) -> None:
    (i,) = ranges(i=size)
    shifted = index_of(i) * 3 + 1
    row, column = shifted.floordiv(7), shifted.mod(5)
    bound = (size * 3 + 1) // 7 + 1
    x = load(1, row * 5 + column)
    value = op(ops.ADD, x, ex.index_value(row * 2 + column * -1, dt.float32))
    check(kernel("uneven", (i,), [(index_of(i), value, ())], {1: bound * 5}))


def test_negative_quotient_rounds_down() -> None:
    (i,) = ranges(i=50)
    at = (index_of(i) * -2 + 3).floordiv(5)
    value = ex.index_value(at, dt.int32)
    check(kernel("floor", (i,), [(index_of(i), value, ())], {}))


def test_guard_with_a_quotient() -> None:
    (i,) = ranges(i=500)
    at = (index_of(i) + -20).floordiv(3)
    x = load(1, at, guard=(Bound(at, 0, 100), Bound((index_of(i) + -20).mod(3), 0, 1)))
    check(kernel("spread", (i,), [(index_of(i), x, ())], {1: 100}))


@pytest.mark.parametrize(("count", "width"), [(7, 5), (3000, 64), (400_000, 2)])
@pytest.mark.parametrize("ids", [dt.int32, dt.int64, dt.uint8], ids=lambda d: d.name)
def test_rows_of_a_table(count: int, width: int, ids: dt.DType) -> None:
    i, d = ranges(i=count, d=width)
    row = Index([(DataAtom(load(2, index_of(i), ids), (0, 99)), 1)])
    value = op(ops.MUL, load(1, row * width + index_of(d)), 2.0)
    made = kernel("embedding", (i, d), [(flat([i, d]), value, ())], {1: 100 * width, 2: count})
    chosen = np.random.default_rng(0).integers(0, 100, count).astype(ids.numpy)
    assert "take(" in check(made, {2: chosen}).source


def test_rows_that_lie_apart_are_taken_whole() -> None:
    """Where the result has the positions side by side, it is the rows that would be cut."""
    d, i = ranges(d=64, i=16_128)
    row = Index([(DataAtom(load(2, index_of(i), dt.int64), (0, 99)), 1)])
    value = op(ops.MUL, load(1, row * 64 + index_of(d)), 2.0)
    made = kernel("embedding", (d, i), [(flat([d, i]), value, ())], {1: 6400, 2: 16_128})
    chosen = np.random.default_rng(0).integers(0, 100, 16_128)
    assert "take(" in check(made, {2: chosen}).source


def test_rows_of_a_table_times_a_matrix() -> None:
    """Too long to be packed at once, but rows are taken whole."""
    i, c, k = ranges(i=64, c=8, k=20_000)
    row = Index([(DataAtom(load(2, index_of(i), dt.int64), (0, 9)), 1)])
    row_value = load(1, row * 20_000 + index_of(k))
    value = reduce_sum(op(ops.MUL, row_value, load(3, flat([k, c]))), k)
    buffers = {1: 200_000, 2: 64, 3: 160_000}
    made = kernel("product", (i, c), [(flat([i, c]), value, ())], buffers)
    chosen = np.random.default_rng(0).integers(0, 10, 64)
    assert "take(" in check(made, {2: chosen}).source


def test_gather_along_columns_with_a_guard() -> None:
    """x[i, ids[i]], 0 where the id is no column."""
    (i,) = ranges(i=5000)
    column = load(2, index_of(i), dt.int64)
    at = Index([(DataAtom(column, (0, 9)), 1)])
    anywhere = Index([(DataAtom(column, (-(2**62), 2**62)), 1)])
    value = load(1, index_of(i) * 10 + at, guard=(Bound(anywhere, 0, 10),))
    made = kernel("pick", (i,), [(index_of(i), value, ())], {1: 50_000, 2: 5000})
    check(made, {2: np.random.default_rng(0).integers(-3, 13, 5000)})


def test_gather_in_half_precision_and_of_bits() -> None:
    (i,) = ranges(i=300)
    for dtype in (dt.bfloat16, dt.float16, dt.bool_):
        at = Index([(DataAtom(load(2, index_of(i), dt.int16), (0, 39)), 1)])
        value = op(ops.MAX, load(1, at, dtype), load(1, at, dtype))
        made = kernel("take", (i,), [(index_of(i), value, ())], {1: 40, 2: 300})
        check(made, {2: np.random.default_rng(0).integers(0, 40, 300).astype(np.int16)})


def test_sum_of_gathered_elements() -> None:
    i, k = ranges(i=100, k=50)
    at = Index([(DataAtom(load(2, flat([i, k]), dt.int64), (0, 999)), 1)])
    made = kernel("bag", (i,), [(index_of(i), reduce_sum(load(1, at), k), ())], {1: 1000, 2: 5000})
    check(made, {2: np.random.default_rng(0).integers(0, 1000, 5000)})


# -- copies of boxes --------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 500])
@pytest.mark.parametrize("size", [10, 11])
def test_enlarged_image(n: int, size: int) -> None:
    """x[h // 2, w // 2] where it is inside, and which of the four copies each element is."""
    rn, rh, rw = ranges(n=n, h=size, w=size)
    half = size // 2
    row, column = index_of(rh).floordiv(2), index_of(rw).floordiv(2)
    guard = ex.simplify_guard((Bound(index_of(rh), 0, 2 * half), Bound(index_of(rw), 0, 2 * half)))
    x = load(1, index_of(rn) * (half * half) + row * half + column, guard=guard)
    which = ex.index_value(index_of(rh).mod(2) * 2 + index_of(rw).mod(2), dt.float32)
    made = kernel("enlarged", (rn, rh, rw), [(flat([rn, rh, rw]), op(ops.MUL, x, which), ())],
                  {1: n * half * half})  # fmt: skip
    assert "take(" not in check(made).source


@pytest.mark.parametrize("n", [2, 500])
@pytest.mark.parametrize("shift", [0, 1, -1, -3])
def test_gradient_of_a_strided_window(n: int, shift: int) -> None:
    """y[h] = sum over k of x[(h - k + shift) / 2] where that divides and is inside."""
    rn, rh, rk = ranges(n=n, h=25, k=5)
    at = index_of(rh) + index_of(rk) * -1 + shift
    guard = (Bound(at.mod(2), 0, 1), Bound(at.floordiv(2), 0, 12))
    x = load(1, index_of(rn) * 12 + at.floordiv(2), guard=guard)
    value = reduce_sum(op(ops.MUL, x, ex.index_value(index_of(rk) + 1, dt.float32)), rk)
    made = kernel("strided_dx", (rn, rh), [(flat([rn, rh]), value, ())], {1: n * 12})
    assert "take(" not in check(made).source


def test_division_of_a_range_that_also_counts_by_itself() -> None:
    (i,) = ranges(i=40_000)
    at = index_of(i) * 3 + index_of(i).floordiv(7) * 2 + index_of(i).mod(7)
    size = at.interval[1] + 1
    check(kernel("mixed", (i,), [(index_of(i), load(1, at), ())], {1: size}))


@pytest.mark.parametrize("bounds", [(0, 5), (3, 8), (2, 9), (4, 4)])
def test_bounds_that_do_or_do_not_fit_the_division(bounds: tuple[int, int]) -> None:
    r, i = ranges(r=400, i=11)
    at = index_of(i).floordiv(2)
    x = load(1, index_of(r) * 6 + at, guard=(Bound(index_of(i), *bounds),))
    check(kernel("cut", (r, i), [(flat([r, i]), op(ops.ADD, x, 1.0), ())], {1: 2400}))


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_remainder_that_a_guard_holds_to_one_value(shift: int) -> None:
    """The gradient of a strided window, as reshapes of rows of 32 write it: where h - k is even,
    the row's remainder is 0 and drops out of the column's bounds."""
    rn, rh, rw, ri, rj = ranges(n=40, h=32, w=32, i=3, j=3)
    row = index_of(rh) + index_of(ri) * -1 + shift
    column = index_of(rw) + index_of(rj) * -1 + shift
    mixed = column + row.mod(2) * 32
    guard = (
        Bound(column.mod(2), 0, 1), Bound(mixed, 0, 31), Bound(row.mod(2), 0, 1), Bound(row, 0, 31)
    )  # fmt: skip
    where = index_of(rn) * 256 + row.mod(2) * 1000 + row.floordiv(2) * 16 + column.floordiv(2)
    x = load(1, where, guard=guard)
    value = reduce_sum(x, ri, rj)
    made = kernel("fixed", (rn, rh, rw), [(flat([rn, rh, rw]), value, ())], {1: 10240})
    assert "take(" not in check(made).source
