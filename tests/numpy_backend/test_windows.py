"""Convolutions with a filter a channel and their gradients, and what windows slide over."""

from __future__ import annotations

import re
from math import gcd, prod

import numpy as np
import pytest

from lazygrad import Tensor, grad, ops
from lazygrad.inspect import sources, steps
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Bound, Expr
from lazygrad.kernel.index import Index, Quotient, of as index_of
from lazygrad.kernel.kernel import Kernel
from lazygrad_numpy.ranges import LONGEST_UNROLLED
from lazygrad_numpy.windows import windowed
from tests.numpy_backend.helpers import check, flat, kernel, load, op, ranges, reduce_sum

CHANNELS = 40
SHAPES = [  # images, side, stride, padding, window, dilation
    (5, 16, 1, 1, 3, 1),
    (5, 16, 2, 1, 3, 1),
    (3, 20, 1, 0, 5, 1),
    (3, 21, 3, 2, 4, 1),
    (3, 20, 1, 2, 3, 2),
    (2, 20, 2, 2, 3, 2),
]


def result_side(side: int, stride: int, padding: int, window: int, dilation: int) -> int:
    return (side + 2 * padding - dilation * (window - 1) - 1) // stride + 1


def depthwise(*shape: int, of_weight: bool) -> Kernel:
    """A convolution of relu(2 x + 1), or the derivative by its weight."""
    images, side, stride, padding, window, dilation = shape
    out = result_side(*shape[1:])
    n, c, h, w, i, j = ranges(n=images, c=CHANNELS, h=out, w=out, i=window, j=window)
    row = index_of(h) * stride + index_of(i) * dilation + -padding
    column = index_of(w) * stride + index_of(j) * dilation + -padding
    guard = (Bound(row, 0, side), Bound(column, 0, side))
    at = ((index_of(n) * CHANNELS + index_of(c)) * side + row) * side + column
    inside = op(ops.MAX, op(ops.ADD, op(ops.MUL, load(1, at, guard=guard), 2.0), 1.0), 0.0)
    image, filters, results = ex.guarded(inside, guard), [c, i, j], [n, c, h, w]
    written, read = (filters, results) if of_weight else (results, filters)
    summed = [r for r in (n, h, w, i, j) if r not in written]
    value = reduce_sum(op(ops.MUL, image, load(2, flat(read))), *summed)
    sizes = {1: images * CHANNELS * side**2, 2: prod(r.size for r in read)}
    return kernel("depthwise", written, [(flat(written), value, ())], sizes)


def memory_of(name: str, source: str) -> str:
    """The shape of what is called so, and perhaps otherwise too."""
    line = next(line for line in source.splitlines() if re.search(rf"^[\w =]*\b{name} =", line))
    found = re.search(r"scratch\(\(([\d, ]+)\)", line)
    return found[1] if found else memory_of(line.rpartition(" = ")[2], source)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("of_weight", [False, True])
def test_an_element_is_computed_once(shape: tuple[int, ...], of_weight: bool) -> None:
    source = check(depthwise(*shape, of_weight=of_weight)).source
    calls = {name: source.count(f"{name}(") for name in ("maximum", "matmul", "take")}
    assert calls == {"maximum": 1, "matmul": 1, "take": 0}
    _, _, stride, _, window, dilation = shape
    reach = stride * (result_side(*shape[1:]) - 1) + dilation * (window - 1)
    positions = reach // gcd(stride, dilation) + 1
    (target,) = re.findall(r"maximum\(.*out=(\w+)\)", source)
    made = memory_of(rf"{target}(?:_all)?", source)
    assert made.split(", ").count(str(positions)) >= 2


def test_what_is_not_a_number_stays_where_its_windows_are() -> None:
    made = depthwise(2, 16, 1, 1, 3, 1, of_weight=False)
    x = np.ones(made.buffers[1].size, np.float32)
    x.reshape(2, CHANNELS, 16, 16)[0, 3, 5, 7] = np.inf
    x.reshape(2, CHANNELS, 16, 16)[1, 2, 0, 0] = np.nan
    check(made, {1: x, 2: np.ones(made.buffers[2].size, np.float32)})


# -- what is found --------------------------------------------------------------------------------


def test_positions_stand_for_sums() -> None:
    h, i, c = ranges(h=10, i=3, c=7)
    at = index_of(c) * 100 + index_of(h) * 4 + index_of(i) * 2
    found = windowed(op(ops.ADD, load(0, at), 1.0))
    assert found is not None
    ((position, steps),) = found.steps.items()
    assert (position.size, dict(steps)) == (2 * 9 + 3, {h: 2, i: 1})
    assert found.value is op(ops.ADD, load(0, index_of(c) * 100 + index_of(position) * 2), 1.0)


def sums() -> dict[str, Expr]:
    h, i, other = ranges(h=10, i=3, other=4)
    row = index_of(h) + index_of(i)
    two = op(ops.ADD, load(0, row), load(1, index_of(h) * 2 + index_of(i)))
    divided = load(0, Index([(Quotient(row, 2), 1)]))
    return {
        "read as it is": load(0, row),
        "no sum": op(ops.ADD, load(0, index_of(h) * 3 + index_of(i)), 1.0),
        "two sums": two,
        "one of them alone": op(ops.ADD, load(0, row), load(1, index_of(i))),
        "divided": op(ops.ADD, divided, 1.0),
        "walks apart": op(ops.ADD, load(0, index_of(h) + index_of(other) * -1 + 3), 1.0),
    }


@pytest.mark.parametrize("why", list(sums()))
def test_where_nothing_is_saved(why: str) -> None:
    assert windowed(sums()[why]) is None


# -- from the outside -----------------------------------------------------------------------------


def test_the_input_of_a_strided_convolution_gets_its_gradient_without_gathers() -> None:
    rng = np.random.default_rng(0)
    x = Tensor(rng.integers(-3, 4, (8, 32, 16, 16)).astype(np.float32), requires_grad=True)
    weight = rng.integers(-3, 4, (32, 1, 3, 3)).astype(np.float32)
    upstream = rng.integers(-3, 4, (8, 32, 8, 8)).astype(np.float32)
    y = x.conv2d(Tensor(weight), stride=2, padding=1, groups=32)
    (by_x,) = grad(y, x, Tensor(upstream))
    assert by_x is not None
    assert not any("take(" in source for source in sources(by_x))
    expected = np.zeros((8, 32, 18, 18), np.float32)
    for i in range(3):
        for j in range(3):
            expected[:, :, i : i + 16 : 2, j : j + 16 : 2] += upstream * weight[:, :, i, j, None]
    np.testing.assert_array_equal(by_x.numpy(), expected[:, :, 1:-1, 1:-1])


def test_a_constant_image_is_computed_when_the_program_is_prepared() -> None:
    weight = np.random.default_rng(0).integers(0, 9, (3, 5, 2, 3)).astype(np.int32)
    found = Tensor.ones((1, 5, 4, 4), dtype="int32", device="CPU").conv2d(
        Tensor(weight, device="CPU"), None, 2, 2, 2
    )
    padded = np.pad(np.ones((5, 4, 4), np.int32), ((0, 0), (2, 2), (2, 2)))
    expected = [
        [[(weight[o] * padded[:, y : y + 3 : 2, x : x + 5 : 2]).sum() for x in (0, 2)]
         for y in (0, 2, 4)]
        for o in range(3)
    ]  # fmt: skip
    np.testing.assert_array_equal(found.numpy()[0], expected)


def test_a_strided_convolution_and_its_gradients_walk_in_strides() -> None:
    x = Tensor(np.zeros((4, 8, 16, 16), np.float32), requires_grad=True)
    weight = Tensor(np.zeros((8, 8, 3, 3), np.float32), requires_grad=True)
    y = x.conv2d(weight, stride=2, padding=1)
    by_x, by_weight = grad(y, (x, weight), Tensor(np.zeros(y.shape, np.float32)))
    for result in (y, by_x, by_weight):
        assert result is not None
        assert not any("take(" in source for source in sources(result))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_filter_that_each_element_meets_once_is_no_product_of_matrices(
    shape: tuple[int, ...],
) -> None:
    """Packing an image that is in memory for a single vector takes longer than multiplying."""
    images, side, stride, padding, window, dilation = shape
    random = np.random.default_rng(0)
    x = Tensor(random.standard_normal((images, CHANNELS, side, side)).astype(np.float32))
    weight = Tensor(random.standard_normal((CHANNELS, 1, window, window)).astype(np.float32))

    def convolved(x: Tensor, weight: Tensor) -> Tensor:
        return x.conv2d(
            weight, stride=stride, padding=padding, dilation=dilation, groups=CHANNELS
        )  # fmt: skip

    source = "".join(sources(convolved(x, weight)))
    written_out = window**2 <= LONGEST_UNROLLED
    assert ("matmul(" in source) != written_out
    assert source.count("multiply(") == (window**2 if written_out else 0)
    wide = convolved(x.double(), weight.double()).numpy()
    np.testing.assert_allclose(convolved(x, weight).numpy(), wide, rtol=1e-4, atol=1e-5)


def test_a_filter_a_channel_keeps_the_order_of_what_it_reads() -> None:
    """So that values and sums after it walk along memory, too. Here channels are last."""
    x = Tensor.randn(32, 8, 9, 16, device="CPU").realize().permute(0, 3, 1, 2)
    each, last = Tensor.randn(16, 1, 3, 3, device="CPU"), Tensor.randn(4, 16, 1, 1, device="CPU")
    found = steps(x.conv2d(each, padding=1, groups=16).conv2d(last))[0]
    shapes = [tuple(n for n in buffer.shape if n != 1) for buffer in found.buffers]
    assert shapes.count((32, 8, 9, 16)) == 2
