"""Elementwise kernels: chains, broadcasting, every op and dtype, blocks, outputs in place."""

from __future__ import annotations

import numpy as np
import pytest

from lazygrad import element_types as dt, ops, semantics
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import of as index_of
from lazygrad_numpy import support
from lazygrad_numpy.support import filled
from tests.numpy_backend.helpers import BACKEND, check, flat, kernel, launch, load, op, ranges

FLOATS = (dt.float16, dt.bfloat16, dt.float32, dt.float64)
INTEGERS = tuple(d for d in dt.ALL if d.is_integer)


def chain(x: Expr, y: Expr) -> Expr:
    """(x * y + 1.5) / (1 + exp(-x)) with a few more steps."""
    one = op(ops.ADD, op(ops.MUL, x, y), 1.5)
    two = op(ops.ADD, op(ops.EXP, op(ops.MUL, x, -1.0)), 1.0)
    return op(ops.MAX, op(ops.DIV, one, two), op(ops.ADD, y, op(ops.MUL, x, -1.0)))


@pytest.mark.parametrize("size", [1, 7, 1000, 300_001, 1 << 20])
def test_chain_of_any_length(size: int) -> None:
    (i,) = ranges(i=size)
    value = chain(load(1, index_of(i)), load(2, index_of(i)))
    check(kernel("chain", (i,), [(index_of(i), value, ())], {1: size, 2: size}))


@pytest.mark.parametrize("of", [dt.float16, dt.float32, dt.float64], ids=lambda d: d.name)
def test_abs_is_one_call(of: dt.DType) -> None:
    (i,) = ranges(i=6000)
    x = load(1, index_of(i), of)
    size = op(ops.MAX, x, op(ops.MUL, x, -1.0))
    value = op(ops.WHERE, op(ops.NE, x, 0.0), size, 0.0)
    made = kernel("abs", (i,), [(index_of(i), value, ())], {1: 6000})
    special = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, -1.5], of.numpy)
    source = check(made, {1: np.tile(special, 1000)}).source
    assert "absolute(" in source and "maximum(" not in source


@pytest.mark.parametrize("of", [dt.int8, dt.float16, dt.float32, dt.float64], ids=lambda d: d.name)
@pytest.mark.parametrize(("size", "is_array"), [(100, False), (6000, True), (300_001, True)])
def test_the_larger_of_many_elements_and_a_number_is_of_two_arrays(
    of: dt.DType, size: int, is_array: bool
) -> None:
    (i,) = ranges(i=size)
    value = op(ops.MAX, load(1, index_of(i), of), 3)
    made = kernel("clamp", (i,), [(index_of(i), value, ())], {1: size})
    special = np.array([0, 3, 4, -9] if of is dt.int8 else [np.nan, np.inf, 3, -0.0], of.numpy)
    source = check(made, {1: np.resize(special, size)}).source
    assert ("filled(" in source) is is_array


def test_equal_numbers_share_their_memory() -> None:
    first = filled(np.array(0.25, np.float32), (40, 100))
    second = filled(np.array(0.25, np.float32), (200,))
    assert first.shape == (40, 100) and np.all(first == 0.25)
    assert np.shares_memory(first, second)
    assert not np.shares_memory(first, filled(np.array(0.25), (200,)))
    negative = filled(np.array(-0.0, np.float32), (3,))
    assert np.all(np.signbit(negative))


@pytest.mark.parametrize(("rows", "columns"), [(3, 5), (600, 700), (2, 400_000), (300_000, 3)])
def test_broadcasting_of_rows_and_columns(rows: int, columns: int) -> None:
    r, c = ranges(r=rows, c=columns)
    x = load(1, flat([r, c]))
    value = chain(op(ops.ADD, x, load(2, index_of(c))), load(3, index_of(r)))
    sizes = {1: rows * columns, 2: columns, 3: rows}
    check(kernel("broadcast", (r, c), [(flat([r, c]), value, ())], sizes))


def test_transposed_input_and_output() -> None:
    a, b, c = ranges(a=70, b=90, c=110)
    x = load(1, flat([c, a, b]))
    value = op(ops.ADD, x, load(2, index_of(b)))
    check(kernel("permuted", (a, b, c), [(flat([b, c, a]), value, ())], {1: 693_000, 2: 90}))


def test_reversed_input() -> None:
    a, b = ranges(a=4, b=600)
    x = load(1, index_of(a) * -600 + index_of(b) * -1 + 2399)
    check(kernel("flip", (a, b), [(flat([a, b]), op(ops.MUL, x, 2.0), ())], {1: 2400}))


@pytest.mark.parametrize("dtype", FLOATS, ids=lambda d: d.name)
@pytest.mark.parametrize("which", [ops.EXP, ops.LOG, ops.SIN, ops.SQRT], ids=lambda o: o.name)
def test_unary(which: ops.Op, dtype: dt.DType) -> None:
    (i,) = ranges(i=500)
    square = op(ops.MUL, load(1, index_of(i), dtype), load(1, index_of(i), dtype))
    value = op(which, op(ops.ADD, op(ops.MUL, square, 0.125), 0.5))
    check(kernel("unary", (i,), [(index_of(i), value, ())], {1: 500}))


@pytest.mark.parametrize("dtype", dt.ALL, ids=lambda d: d.name)
@pytest.mark.parametrize(
    "which", [ops.ADD, ops.MUL, ops.DIV, ops.MAX, ops.LT, ops.NE, ops.MOD, ops.AND, ops.XOR],
    ids=lambda o: o.name,
)  # fmt: skip
def test_binary(which: ops.Op, dtype: dt.DType) -> None:
    if which in (ops.AND, ops.XOR) and dtype.kind == dt.FLOAT:
        return
    if which in (ops.DIV, ops.MOD) and dtype is dt.bool_:
        return
    (i,) = ranges(i=900)
    value = op(which, load(1, index_of(i), dtype), load(2, index_of(i), dtype))
    made = kernel("binary", (i,), [(index_of(i), value, ())], {1: 900, 2: 900})
    rng = np.random.default_rng(5)
    divisor = rng.integers(1, 9, 900).astype(dtype.numpy)
    if dtype.is_signed and dtype.is_integer:
        divisor *= rng.choice(np.array([-1, 1], dtype.numpy), 900)
    check(made, {2: divisor} if dtype.is_integer else None)


@pytest.mark.parametrize("size", [100, 20_000])
@pytest.mark.parametrize("dtype", dt.ALL, ids=lambda d: d.name)
@pytest.mark.parametrize("zero", ["none", "left", "right", "literals"])
def test_where(dtype: dt.DType, size: int, zero: str) -> None:
    (i,) = ranges(i=size)
    x, y = load(1, index_of(i), dtype), load(2, index_of(i), dtype)
    literal = ex.zero(dtype)
    left = {"left": literal, "literals": ex.literal(1, dtype)}.get(zero, x)
    right = {"right": literal, "literals": ex.literal(3, dtype)}.get(zero, y)
    if dtype is dt.bool_ and zero == "literals":
        left, right = ex.literal(True, dtype), ex.literal(False, dtype)
    value = ex.elementwise(ops.WHERE, (op(ops.LT, x, y), left, right), dtype)
    check(kernel("where", (i,), [(index_of(i), value, ())], {1: size, 2: size}))


def test_where_keeps_infinities_and_nan_out() -> None:
    size = 10_000
    (i,) = ranges(i=size)
    x, mask = load(2, index_of(i)), load(3, index_of(i), dt.bool_)
    kept = op(ops.WHERE, mask, x, 0.0)
    dropped = op(ops.WHERE, mask, 0.0, x)
    outputs = [(index_of(i), kept, ()), (index_of(i), dropped, ())]
    made = kernel("masked", (i,), outputs, {2: size, 3: size})
    special = np.tile(np.array([np.nan, np.inf, -np.inf, -0.0, 1.0], np.float32), size // 5)
    bits = np.random.default_rng(0).integers(0, 2, size).astype(bool)
    check(made, {2: special, 3: bits})


@pytest.mark.parametrize("source", dt.ALL, ids=lambda d: d.name)
@pytest.mark.parametrize("target", dt.ALL, ids=lambda d: d.name)
def test_cast(source: dt.DType, target: dt.DType) -> None:
    (i,) = ranges(i=300)
    x = load(1, index_of(i), source)
    if not target.is_signed:
        x = op(ops.MUL, x, x)  # a negative float has no unsigned value
    value = ex.elementwise(ops.CAST, (x,), target)
    made = kernel("cast", (i,), [(index_of(i), value, ())], {1: 300})
    small = np.random.default_rng(1).integers(0, 8, 300)
    known = small.astype(source.numpy) if source is not dt.bfloat16 else None
    check(made, None if known is None else {1: known})


@pytest.mark.parametrize("half", [dt.float16, dt.bfloat16], ids=lambda d: d.name)
def test_cast_to_half_and_back_rounds(half: dt.DType) -> None:
    (i,) = ranges(i=300)
    x = load(1, index_of(i))
    back = ex.elementwise(ops.CAST, (ex.elementwise(ops.CAST, (x,), half),), dt.float32)
    made = kernel("rounded", (i,), [(index_of(i), back, ())], {1: 300})
    check(made, tolerance=0.0)


def test_integers_wrap_without_warnings() -> None:
    """Rounds of Threefry: rotations are multiplications and divisions by powers of two."""
    (i,) = ranges(i=5000)
    x0, x1 = load(1, index_of(i), dt.uint32), load(2, index_of(i), dt.uint32)
    for rotation in (13, 15, 26, 6):
        x0 = op(ops.ADD, x0, x1)
        high = op(ops.MUL, x1, 1 << rotation)
        low = op(ops.DIV, x1, 1 << (32 - rotation))
        x1 = op(ops.XOR, op(ops.ADD, high, low), x0)
    x1 = op(ops.ADD, x1, 0xFFFFFFFF)
    bits = np.random.default_rng(0).integers(0, 1 << 32, (2, 5000), dtype=np.uint32)
    made = kernel("threefry", (i,), [(index_of(i), op(ops.XOR, x0, x1), ())], {1: 5000, 2: 5000})
    check(made, {1: bits[0], 2: bits[1]})


def test_no_floating_point_warnings() -> None:
    (i,) = ranges(i=6)
    x = load(1, index_of(i))
    value = op(ops.ADD, op(ops.LOG, x), op(ops.DIV, op(ops.EXP, x), op(ops.SQRT, x)))
    made = kernel("warnings", (i,), [(index_of(i), value, ())], {1: 6})
    check(made, {1: np.array([0, -1, 1e30, np.inf, np.nan, 1], np.float32)})


@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS], ids=lambda d: d.name)
@pytest.mark.parametrize("size", [7, 500_000])
def test_index_as_a_value(dtype: dt.DType, size: int) -> None:
    r, c = ranges(r=size, c=3)
    value = ex.index_value(index_of(r) * 3 + index_of(c) * -1 + 5, dtype)
    if dtype.itemsize < 4 and size > 100:
        return  # it does not hold such numbers
    if not dtype.is_signed:
        value = ex.index_value(index_of(r) * 3 + index_of(c) + 5, dtype)
    made = kernel("iota", (r, c), [(flat([r, c]), value, ())], {})
    check(made)


def test_several_outputs_share_what_they_compute() -> None:
    (i,) = ranges(i=400_000)
    x, y = load(2, index_of(i)), load(3, index_of(i))
    shared = op(ops.EXP, op(ops.MUL, x, y))
    values = (op(ops.ADD, shared, 1.0), op(ops.MUL, shared, x))
    outputs = [(index_of(i), value, ()) for value in values]
    program = check(kernel("two", (i,), outputs, {2: 400_000, 3: 400_000}))
    assert program.source.count("exp(") == 1


@pytest.mark.parametrize("size", [50, 1_000_000])
def test_in_place(size: int) -> None:
    """Every output gets the memory of an input that is read at the same index, also by outputs
    written later."""
    (i,) = ranges(i=size)
    p, m, g = (load(slot, index_of(i)) for slot in (2, 3, 4))
    momentum = op(ops.ADD, op(ops.MUL, m, 0.9), g)
    stepped = op(ops.ADD, p, op(ops.MUL, op(ops.ADD, m, momentum), -0.1))
    outputs = [(index_of(i), momentum, ()), (index_of(i), stepped, ())]
    made = kernel("sgd", (i,), outputs, {2: size, 3: size, 4: size})
    check(made, alias={0: 3, 1: 2})
    swapped = kernel("swap", (i,), [(index_of(i), p, ()), (index_of(i), m, ())], {2: size, 3: size})
    check(swapped, alias={0: 3, 1: 2})


@pytest.mark.parametrize("size", [50, 100_000])
def test_where_in_place(size: int) -> None:
    (i,) = ranges(i=size)
    x, y = load(1, index_of(i)), load(2, index_of(i))
    value = op(ops.WHERE, op(ops.LT, x, y), op(ops.MUL, x, 2.0), x)
    made = kernel("where", (i,), [(index_of(i), value, ())], {1: size, 2: size})
    check(made, alias={0: 1})
    check(made, alias={0: 2})


def test_unaligned_sizes_of_every_width() -> None:
    """Blocks of arrays of 1 and 8 bytes side by side."""
    (i,) = ranges(i=777_777)
    x = load(2, index_of(i), dt.float64)
    wide = op(ops.ADD, x, 1.0)
    small = ex.elementwise(ops.CAST, (op(ops.LT, x, 0.0),), dt.uint8)
    outputs = [(index_of(i), wide, ()), (index_of(i), op(ops.ADD, small, 3), ())]
    check(kernel("widths", (i,), outputs, {2: 777_777}))


def test_small_kernels_have_no_loop() -> None:
    (i,) = ranges(i=64)
    value = op(ops.ADD, load(1, index_of(i)), 1.0)
    program = check(kernel("small", (i,), [(index_of(i), value, ())], {1: 64}))
    assert "for " not in program.source


@pytest.mark.parametrize("sizes", [(0, 3), (3, 0), (1, 1)])
def test_degenerate_sizes(sizes: tuple[int, int]) -> None:
    r, c = ranges(r=sizes[0], c=sizes[1])
    value = op(ops.ADD, load(1, flat([r, c])), 1.0)
    made = kernel("degenerate", (r, c), [(flat([r, c]), value, ())], {1: sizes[0] * sizes[1]})
    check(made)


def test_no_ranges_at_all() -> None:
    value = op(ops.MUL, load(1, index_of(0)), 3.0)
    check(kernel("scalar", (), [(index_of(0), value, ())], {1: 1}))
    check(kernel("constant", (), [(index_of(0), ex.literal(4.5, dt.float32), ())], {}))


def test_constant_everywhere() -> None:
    r, c = ranges(r=300, c=2000)
    check(kernel("full", (r, c), [(flat([r, c]), ex.literal(2, dt.int16), ())], {}))
    check(kernel("expand", (r, c), [(flat([r, c]), load(1, index_of(r)), ())], {1: 300}))


def test_literals_out_of_range_wrap() -> None:
    (i,) = ranges(i=10)
    value = op(ops.ADD, load(1, index_of(i), dt.uint8), 300)
    made = kernel("wrap", (i,), [(index_of(i), value, ())], {1: 10})
    (program,) = BACKEND.compile([made])
    (result,) = launch(made, program, {1: np.arange(10, dtype=np.uint8)})
    np.testing.assert_array_equal(result, np.arange(10) + 44)


# -- floats as integers ---------------------------------------------------------------------------

HARD = [np.nan, np.inf, -np.inf, 2.0**31, -(2.0**31), -3e9, 2.0**63, 1.5 * 2**63, 2.0**64, -7.9]


@pytest.mark.parametrize("native", [True, False], ids=["native", "by_hand"])
@pytest.mark.parametrize("target", INTEGERS, ids=lambda d: d.name)
@pytest.mark.parametrize("source", [np.float32, np.float64])
def test_truncation_is_what_semantics_says(
    source: type, target: dt.DType, native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where copies do something else, as on processors whose conversions saturate."""
    if not native:
        monkeypatch.setattr(support, "copies_truncate", lambda target: False)
    for count in (1, 3, 33):
        values = np.repeat(np.array(HARD, source), count)
        out = np.empty(values.shape, target.numpy)
        with np.errstate(all="ignore"):
            support.truncate(values, out)
        np.testing.assert_array_equal(out, semantics.truncated(values, target))


def test_only_wide_signed_integers_can_be_copied_to() -> None:
    """NumPy's copies of floats to uint32 depend on the place of an element."""
    found = {of for of in INTEGERS if support.copies_truncate(of)}
    assert found <= {dt.int32, dt.int64}
