"""Reductions: over rows, columns, everything, windows, nothing; several stages in one kernel."""

from __future__ import annotations

import numpy as np
import pytest

from lazygrad import element_types as dt, ops
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Bound, Expr
from lazygrad.kernel.index import of as index_of
from lazygrad.kernel.kernel import Kernel
from tests.numpy_backend.helpers import (
    BACKEND,
    check,
    flat,
    kernel,
    launch,
    load,
    op,
    ranges,
    reduce_max,
    reduce_sum,
)

SHAPES = [(3, 4), (1, 9), (9, 1), (128, 10), (5, 40_000), (40_000, 5), (3000, 700), (2, 1_000_000)]


def softmax(rows: int, columns: int) -> Kernel:
    r, c, k, j = ranges(r=rows, c=columns, k=columns, j=columns)

    def x(column: object) -> Expr:
        return load(1, flat([r, column]))  # type: ignore[list-item]

    top = reduce_max(x(k), k)

    def power(column: object) -> Expr:
        return op(ops.EXP, op(ops.ADD, x(column), op(ops.MUL, top, -1.0)))

    value = op(ops.DIV, power(c), reduce_sum(power(j), j))
    return kernel("softmax", (r,), [(flat([r, c]), value, (c,))], {1: rows * columns})


@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_softmax_is_one_program(rows: int, columns: int) -> None:
    program = check(softmax(rows, columns))
    if rows * columns < 100_000:  # one block: computed once for the sum and for the result
        assert program.source.count("exp(") == 1


@pytest.mark.parametrize("which", ["rows", "columns", "all"])
@pytest.mark.parametrize("dtype", dt.ALL, ids=lambda d: d.name)
@pytest.mark.parametrize(("rows", "columns"), [(7, 5), (3000, 200)])
def test_sum_and_maximum(rows: int, columns: int, dtype: dt.DType, which: str) -> None:
    r, k = ranges(r=rows, k=columns)
    x = load(2, flat([r, k]), dtype)
    over = {"rows": (k,), "columns": (r,), "all": (r, k)}[which]
    kept = tuple(one for one in (r, k) if one not in over)
    index = flat(kept)
    outputs = [(index, reduce_sum(x, *over), ()), (index, reduce_max(x, *over), ())]
    tolerance = 3e-2 if dtype is dt.bfloat16 else None
    check(kernel("reduced", kept, outputs, {2: rows * columns}), tolerance=tolerance)


@pytest.mark.parametrize(
    ("rows", "columns", "call"), [(4096, 4096, "dot("), (3000, 200, "matmul(")]
)
def test_rows_are_summed_by_what_lets_other_threads_go_on(
    rows: int, columns: int, call: str
) -> None:
    """NumPy's matmul keeps the interpreter lock for up to 500 results, its dot never does."""
    r, k = ranges(r=rows, k=columns)
    value = reduce_sum(load(1, flat([r, k])), k)
    program = check(kernel("rows", (r,), [(index_of(r), value, ())], {1: rows * columns}))
    assert f" {call}" in program.source


@pytest.mark.parametrize("size", [3, 4096, 5_000_000])
@pytest.mark.parametrize("axis", [0, 1])
def test_long_float32_sums_are_accurate(size: int, axis: int) -> None:
    """All positive, so the relative error of the sum is what rounding left."""
    k, c = ranges(k=size, c=2)
    order = [k, c] if axis == 0 else [c, k]
    made = kernel(
        "long", (c,), [(index_of(c), reduce_sum(load(1, flat(order)), k), ())], {1: 2 * size}
    )
    x = np.random.default_rng(0).uniform(0.5, 1.5, 2 * size).astype(np.float32)
    check(made, {1: x}, tolerance=1e-6)


@pytest.mark.parametrize("size", [1000, 3_000_000])
def test_variance_needs_two_passes(size: int) -> None:
    k, j = ranges(k=size, j=size)
    mean = op(ops.DIV, reduce_sum(load(1, index_of(k)), k), float(size))
    away = op(ops.ADD, load(1, index_of(j)), op(ops.MUL, mean, -1.0))
    value = op(ops.DIV, reduce_sum(op(ops.MUL, away, away), j), float(size))
    check(kernel("variance", (), [(index_of(0), value, ())], {1: size}))


@pytest.mark.parametrize(
    ("batch", "channels", "pixels"), [(4, 3, 7), (128, 32, 676), (64, 64, 121)]
)
@pytest.mark.parametrize("last", [False, True])
def test_statistics_by_channel(batch: int, channels: int, pixels: int, last: bool) -> None:
    """Two outputs: mean and mean of squares, over the batch and all pixels."""
    c, n, p = ranges(c=channels, n=batch, p=pixels)
    x = load(2, flat([n, p, c] if last else [n, c, p]))
    count = float(batch * pixels)
    mean = op(ops.DIV, reduce_sum(x, n, p), count)
    squares = op(ops.DIV, reduce_sum(op(ops.MUL, x, x), n, p), count)
    outputs = [(index_of(c), mean, ()), (index_of(c), squares, ())]
    check(kernel("moments", (c,), outputs, {2: batch * channels * pixels}))


def test_layer_norm_of_wide_rows() -> None:
    r, c, k, j = ranges(r=3, c=300_000, k=300_000, j=300_000)
    mean = op(ops.DIV, reduce_sum(load(1, flat([r, k])), k), 300_000.0)
    negative = op(ops.MUL, mean, -1.0)
    away = op(ops.ADD, load(1, flat([r, j])), negative)
    variance = op(ops.DIV, reduce_sum(op(ops.MUL, away, away), j), 300_000.0)
    here = op(ops.ADD, load(1, flat([r, c])), negative)
    value = op(ops.DIV, here, op(ops.SQRT, op(ops.ADD, variance, 1e-5)))
    check(kernel("layer_norm", (r,), [(flat([r, c]), value, (c,))], {1: 900_000}))


@pytest.mark.parametrize("size", [100, 2_000_000])
def test_output_and_its_sum(size: int) -> None:
    """Outputs of different ranges in one kernel."""
    i, k = ranges(i=size, k=size)
    whole = op(ops.MUL, load(2, index_of(i)), 2.0)
    total = reduce_sum(op(ops.MUL, load(2, index_of(k)), 2.0), k)
    outputs = [(index_of(i), whole, (i,)), (index_of(0), total, ())]
    check(kernel("both", (), outputs, {2: size}))


def test_nested_reductions() -> None:
    r, c, k = ranges(r=50, c=60, k=70)
    inner = reduce_sum(load(1, flat([r, c, k])), k)
    value = reduce_max(op(ops.MUL, inner, inner), c)
    check(kernel("nested", (r,), [(index_of(r), value, ())], {1: 210_000}))
    big_c, big_k = ranges(c=1000, k=2000)
    inner = reduce_sum(op(ops.SIN, load(1, flat([big_c, big_k]))), big_k)
    value = reduce_sum(op(ops.MUL, inner, inner), big_c)
    check(kernel("nested", (), [(index_of(0), value, ())], {1: 2_000_000}))


@pytest.mark.parametrize("op_name", ["sum", "max"])
@pytest.mark.parametrize("dtype", [dt.float32, dt.int32, dt.bool_], ids=lambda d: d.name)
def test_empty_reduction(op_name: str, dtype: dt.DType) -> None:
    i, k = ranges(i=3, k=0)
    x = load(1, flat([i, k]), dtype)
    value = reduce_sum(x, k) if op_name == "sum" else reduce_max(x, k)
    made = kernel("empty", (i,), [(index_of(i), value, ())], {1: 0})
    (program,) = BACKEND.compile([made])
    (result,) = launch(made, program, {1: np.empty(0, dtype.numpy)})
    np.testing.assert_array_equal(result, [0 if op_name == "sum" else dtype.min] * 3)


def test_sum_of_what_does_not_vary() -> None:
    i, k = ranges(i=5, k=9)
    for dtype in (dt.float32, dt.int8, dt.uint16, dt.bool_):
        value = reduce_sum(load(1, index_of(i), dtype), k)
        check(kernel("repeated", (i,), [(index_of(i), value, ())], {1: 5}))


# -- windows ----------------------------------------------------------------------------------


def pooling(n: int, h: int, w: int, c: int, *, index: bool) -> Kernel:
    """2x2 windows of [n, 2h, 2w, c]: the maximum, and which element of the window is the first
    to equal it."""
    rn, rh, rw, rc = ranges(n=n, h=h, w=w, c=c)
    kh, kw, jh, jw = ranges(kh=2, kw=2, jh=2, jw=2)
    slot = 2 if index else 1

    def x(row: object, column: object) -> Expr:
        position = index_of(rn) * (4 * h * w * c)
        position = position + (index_of(rh) * 2 + index_of(row)) * (2 * w * c)  # type: ignore[arg-type]
        position = position + (index_of(rw) * 2 + index_of(column)) * c  # type: ignore[arg-type]
        return load(slot, position + index_of(rc))

    top = reduce_max(x(kh, kw), kh, kw)
    outputs = [(flat([rn, rh, rw, rc]), top, ())]
    if index:
        differs = op(ops.NE, x(jh, jw), top)
        number = ex.index_value(index_of(jh) * -2 + index_of(jw) * -1, dt.int32)
        found = ex.elementwise(ops.WHERE, (differs, ex.literal(-4, dt.int32), number), dt.int32)
        first = op(ops.MUL, reduce_max(found, jh, jw), -1)
        outputs.append((flat([rn, rh, rw, rc]), first, ()))
    return kernel("pool", (rn, rh, rw, rc), outputs, {slot: 4 * n * h * w * c})


@pytest.mark.parametrize("sizes", [(1, 2, 2, 1), (8, 13, 13, 32), (2, 3, 5, 7)])
@pytest.mark.parametrize("index", [False, True])
def test_pooling_windows(sizes: tuple[int, int, int, int], index: bool) -> None:
    made = pooling(*sizes, index=index)
    slot = 2 if index else 1
    x = np.random.default_rng(0).integers(0, 3, made.buffers[slot].size)  # with ties
    check(made, {slot: x.astype(np.float32)})


def test_overlapping_windows_with_padding() -> None:
    """A 3x3 sum with zeros around the image."""
    n, h, w = ranges(n=16, h=40, w=40)
    i, j = ranges(i=3, j=3)
    row, column = index_of(h) + index_of(i) + -1, index_of(w) + index_of(j) + -1
    guard = (Bound(row, 0, 40), Bound(column, 0, 40))
    x = load(1, index_of(n) * 1600 + row * 40 + column, guard=guard)
    value = reduce_sum(x, i, j)
    check(kernel("blur", (n, h, w), [(flat([n, h, w]), value, ())], {1: 25_600}))
    transposed = load(
        1, index_of(n) * 1600 + (index_of(h) + index_of(i) * -1) * 40 + index_of(w) * 1,
        guard=(Bound(index_of(h) + index_of(i) * -1, 0, 40),),
    )  # fmt: skip
    value = reduce_sum(op(ops.MUL, transposed, 2.0), i)
    check(kernel("spread", (n, h, w), [(flat([n, h, w]), value, ())], {1: 25_600}))
