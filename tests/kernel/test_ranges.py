"""Ranges of kernels: replaced, left out, merged."""

from __future__ import annotations

from lazygrad import element_types as dt, ops
from lazygrad.kernel import expr as ex, index as ix, ranges as rg
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import Index, Range
from lazygrad.kernel.kernel import BufferSpec, Kernel, Output

ROW, COLUMN, ONE, SUMMED = Range("i", 4), Range("j", 6), Range("one", 1), Range("k", 5)


def kernel_of(value: Expr, index: Index, *ranges: Range) -> Kernel:
    specs = (BufferSpec(value.dtype, 24), BufferSpec(value.dtype, 24))
    return Kernel("test", ranges, (Output(0, index, value, ranges),), specs)


def loaded(*strides: tuple[Range, int], dtype: dt.DType = dt.float32) -> Expr:
    return ex.load(1, Index(strides), dtype)


def sizes(kernel: Kernel) -> list[int]:
    return [r.size for r in kernel.ranges]


def test_ranges_that_walk_as_one_are_one() -> None:
    kernel = rg.merged(
        kernel_of(loaded((ROW, 6), (COLUMN, 1)), Index([(ROW, 6), (COLUMN, 1)]), ROW, COLUMN)
    )
    assert sizes(kernel) == [24]
    (output,) = kernel.outputs
    assert output.index == output.value.arg.index == ix.of(kernel.ranges[0])


def test_ranges_that_one_index_walks_apart_stay_two() -> None:
    transposed = loaded((ROW, 1), (COLUMN, 4))
    assert sizes(rg.merged(kernel_of(transposed, Index([(ROW, 6), (COLUMN, 1)]), ROW, COLUMN))) == [
        4,
        6,
    ]


def test_ranges_of_different_loops_stay_two() -> None:
    summed = ex.reduce(ops.SUM, loaded((ROW, 6), (COLUMN, 1)), (COLUMN,))
    assert sizes(rg.merged(kernel_of(summed, ix.of(ROW), ROW))) == [4]


def test_a_range_of_one_element_is_the_constant_zero() -> None:
    kernel = rg.without_trivial(
        kernel_of(loaded((ROW, 1), (ONE, 7)), Index([(ROW, 1), (ONE, 9)]), ROW, ONE)
    )
    assert kernel.ranges == (ROW,)
    assert kernel.outputs[0].index == ix.of(ROW)


def test_an_output_without_elements_is_gone() -> None:
    assert rg.without_trivial(kernel_of(loaded(), Index(), Range("none", 0))).outputs == ()


def test_a_sum_over_what_it_does_not_read_is_a_multiple() -> None:
    kernel = rg.without_trivial(
        kernel_of(ex.reduce(ops.SUM, loaded((ROW, 1)), (SUMMED,)), ix.of(ROW), ROW)
    )
    assert str(kernel.outputs[0].value) == str(
        ex.elementwise(ops.MUL, (loaded((ROW, 1)), ex.literal(5.0, dt.float32)), dt.float32)
    )


def test_a_multiple_wraps_around_as_its_sum_does() -> None:
    many = Range("many", 200)
    total = ex.reduce(ops.SUM, loaded((ROW, 1), dtype=dt.int8), (many,))
    kernel = rg.without_trivial(kernel_of(total, ix.of(ROW), ROW))
    assert kernel.outputs[0].value.src[1].arg == 200 - 256


def test_a_maximum_over_what_it_does_not_read_is_the_value() -> None:
    total = ex.reduce(ops.REDUCE_MAX, loaded((ROW, 1)), (SUMMED,))
    assert rg.without_trivial(kernel_of(total, ix.of(ROW), ROW)).outputs[0].value is loaded(
        (ROW, 1)
    )


def test_ranges_are_replaced_where_they_are_bound_and_where_they_are_used() -> None:
    total = ex.reduce(ops.SUM, loaded((ROW, 6), (COLUMN, 1)), (COLUMN,))
    high, low = Range("h", 3), Range("l", 2)
    kernel = rg.substitute(
        kernel_of(total, ix.of(ROW), ROW),
        {COLUMN: ix.of(high) * 2 + ix.of(low)},
        {COLUMN: (high, low)},
    )
    found = kernel.outputs[0].value
    assert found.arg.ranges == (high, low)
    assert found.src[0].arg.index == Index([(ROW, 6), (high, 2), (low, 1)])
