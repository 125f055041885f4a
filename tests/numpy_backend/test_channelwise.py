"""Convolutions with a filter a channel and their gradients where channels are innermost: one copy
for all taps, long runs of what repeats, a result at a time."""

from __future__ import annotations

import numpy as np
import pytest

from lazygrad import ops
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Bound, Expr
from lazygrad.kernel.index import Range, of as index_of
from lazygrad.kernel.kernel import Kernel
from lazygrad_numpy import channelwise
from lazygrad_numpy.generate import generate
from lazygrad_numpy.ranges import simplified
from lazygrad_numpy.repeating import LONG_RUN, with_long_runs
from lazygrad_numpy.taps import taps_of
from tests.numpy_backend.helpers import check, flat, kernel, load, op, ranges, reduce_sum

SHAPES = {  # images, side, channels, stride, padding, window, dilation; and copies that are made
    (4, 16, 32, 1, 1, 3, 1): 1,
    (4, 9, 40, 1, 2, 5, 1): 1,
    (4, 12, 32, 1, 2, 3, 2): 1,
    (4, 16, 32, 2, 1, 3, 1): 3,  # each parity of rows and columns that is padded
    (4, 15, 24, 3, 1, 3, 1): 5,  # a tap a column of each row: none shares with another one
    (3, 13, 33, 1, 1, 2, 3): 1,
}
Shape = tuple[int, ...]


def depthwise(shape: Shape, *, of_weight: bool = False, of: int = 0) -> Kernel:
    """A convolution of images whose channels are innermost, or the derivative by its weight."""
    images, side, channels, stride, padding, window, dilation = shape
    out = (side + 2 * padding - dilation * (window - 1) - 1) // stride + 1
    n, h, w, c, i, j = ranges(n=images, h=out, w=out, c=channels, i=window, j=window)
    row = index_of(h) * stride + index_of(i) * dilation + -padding
    column = index_of(w) * stride + index_of(j) * dilation + -padding
    at = ((index_of(n) * side + row) * side + column) * channels + index_of(c)
    image: Expr = load(1, at, guard=(Bound(row, 0, side), Bound(column, 0, side)))
    filters, results = [c, i, j], [n, h, w, c]
    written, read = (filters, results) if of_weight else (results, filters)
    value = reduce_sum(
        op(ops.MUL, image, load(2, flat(read))),
        *(r for r in (n, h, w, i, j) if r not in written),
    )
    sizes = {1: images * side**2 * channels, 2: int(np.prod([r.size for r in read]))}
    return kernel("depthwise", written, [(flat(written), value, ())], sizes)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_taps_share_a_copy(shape: Shape) -> None:
    source = check(depthwise(shape)).source
    assert source.count("_padded[") + source.count("copyto(in1_padded,") == SHAPES[shape]
    assert source.count("matmul(") == source.count("take(") == 0
    assert source.count("multiply(") == shape[5] ** 2


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_weight_gets_its_gradient_a_result_at_a_time(shape: Shape) -> None:
    source = check(depthwise(shape, of_weight=True), tolerance=1e-5).source
    assert source.count("multiply(") == shape[5] ** 2
    assert source.count("matmul(") == source.count("take(") == 0


def test_blocks_of_rows_have_their_neighbours_too() -> None:
    """One image, walked in blocks of its rows: the copy of a block goes on to both sides."""
    shape = (1, 97, 64, 1, 1, 3, 1)
    source = generate(depthwise(shape), 2).text
    assert "for h in team.blocks():" in source
    assert source.count("in1_padded[") == 1
    check(depthwise(shape))


def test_other_numbers_than_zero_outside_are_no_taps() -> None:
    """Loads with different bounds on the same memory: a zero of one is an element of the other."""
    (i,) = ranges(i=9000)
    tight = load(1, index_of(i), guard=(Bound(index_of(i), 5, 8000),))
    loose = load(1, index_of(i) + 1, guard=(Bound(index_of(i), 0, 8999),))
    made = kernel("both", (i,), [(index_of(i), op(ops.ADD, tight, loose), ())], {1: 9000})
    taps = taps_of(made, ex.toposort(made.values))
    assert len({tap.box for tap in taps.values()}) == 2
    check(made)


def test_shifts_are_told_by_dim() -> None:
    made = depthwise((2, 8, 16, 1, 1, 3, 1))
    h, w, i, j = (Range(name, size) for name, size in zip("hwij", (8, 8, 3, 3), strict=True))
    (image,) = (e for e in ex.toposort(made.values) if e.op is ex.LOAD and e.arg.slot == 1)
    assert {h, w, i, j} <= image.ranges
    loads = [
        image.substitute({i: index_of(h) * 0 + a, j: index_of(h) * 0 + b})
        for a in range(3)
        for b in range(3)
        if (a, b) != (1, 1)
    ]
    taps = taps_of(made, loads)
    (box,) = {tap.box for tap in taps.values()}
    assert [part.size for part in box.parts] == [2, 10, 10, 16]
    steps = [b - a for a, b in zip(taps[loads[0]].shifts, taps[loads[-1]].shifts, strict=True)]
    assert steps == [0, 2, 2, 0]


# -- what is planned ------------------------------------------------------------------------------


def test_channels_that_are_not_innermost_are_packed() -> None:
    from tests.numpy_backend.test_windows import depthwise as channels_first

    assert not channelwise.plan(simplified(channels_first(5, 16, 1, 1, 3, 1, of_weight=True)))
    assert channelwise.plan(simplified(depthwise((4, 16, 32, 1, 1, 3, 1), of_weight=True)))


def shifted(rows: int, width: int) -> Kernel:
    r, c = ranges(r=rows, c=width)
    value = op(
        ops.MUL, op(ops.ADD, load(1, flat([r, c])), load(2, index_of(c))), load(1, flat([r, c]))
    )
    return kernel("shifted", (r, c), [(flat([r, c]), value, ())], {1: rows * width, 2: width})


def test_a_range_is_cut_for_what_repeats_along_it() -> None:
    made = shifted(4096, 48)
    r, c = made.ranges
    outer, inner, last = with_long_runs(made, (r, c), ()).ranges
    assert (outer.size, inner.size, last) == (128, 32, c)
    assert inner.size * c.size >= LONG_RUN > inner.size // 2 * c.size
    assert with_long_runs(made, (r, c), {r}) is made


@pytest.mark.parametrize(("rows", "width"), [(4096, 48), (4099, 48), (300, 2000), (70_000, 3)])
def test_what_repeats(rows: int, width: int) -> None:
    source = check(shifted(rows, width)).source
    wide = {(4096, 48): 1, (70_000, 3): 0}.get((rows, width), 0)
    assert source.count("copyto(") == wide
