"""Slow functions write to the memory of an output, and what follows works there."""

from __future__ import annotations

from lazygrad import element_types as dt, ops
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import Range
from tests.numpy_backend.helpers import (
    check,
    flat,
    kernel,
    op,
    ranges,
    reduce_max,
    reduce_sum,
)

i, j, k, m = ranges(i=40, j=300, k=300, m=300)
SIZE = i.size * j.size


def read(slot: int, column: Range) -> Expr:
    return ex.load(slot, flat((i, column)), dt.float32)


def powers(column: Range) -> Expr:
    largest = reduce_max(read(1, m), m)
    return op(ops.EXP, op(ops.ADD, read(1, column), op(ops.MUL, largest, -1.0)))


SHARE = op(ops.DIV, powers(j), reduce_sum(powers(k), k))


def test_what_follows_works_in_its_place_also_where_that_is_the_input() -> None:
    made = kernel("softmax", (i,), [(flat((i, j)), SHARE, (j,))], {1: SIZE})
    source = check(made).source
    assert "exp(difference_0, out=out0)" in source
    assert "divide(out0, sum_0, out=out0)" in source
    assert "max_rows(in1, max_0)" in source
    check(made, alias={0: 1})


def test_not_where_the_input_is_read_once_more() -> None:
    value = op(ops.ADD, SHARE, read(1, j))
    made = kernel("late", (i,), [(flat((i, j)), value, (j,))], {1: SIZE})
    assert "exp(difference_0, out=exp_0)" in check(made, alias={0: 1}).source


def test_not_where_another_output_needs_it() -> None:
    power = op(ops.EXP, ex.load(2, flat((i, j)), dt.float32))
    outputs = [
        (flat((i, j)), op(ops.ADD, power, 1.0), (j,)),
        (flat((i, j)), op(ops.MUL, power, 2.0), (j,)),
    ]
    made = kernel("shared", (i,), outputs, {2: SIZE})
    assert "exp(in2, out=exp_0)" in check(made, alias={0: 2}).source
