"""Convolutions in tiles, with fewer multiplications: what is found, what it computes, when it is
taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import prod

import numpy as np
import pytest

from lazygrad import Tensor, config, float16, float64, func
from lazygrad.graph import Node
from lazygrad.kernel import cost
from lazygrad.kernel.target import Target
from lazygrad.nn import functional as F
from lazygrad.schedule import correlation, winograd
from lazygrad.schedule.simplify import base_of, simplify
from lazygrad.schedule.toom_cook import MOST_TAPS, filtering, results_of
from lazygrad.testing.reference import evaluate_all
from tests.schedule.planning import GRAPHICS, LIBRARY, VECTORS, kernels_of

Array = np.ndarray
CLOSE = 3e-6  # of float32, relative to the largest result
TILES = [(2, 2), (4, 4), (2, 4)]


def data(*shape: int, seed: int = 0) -> Tensor:
    values = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    return Tensor(values)


def simple(*tensors: Tensor) -> list[Node]:
    found = simplify([tensor._node for tensor in tensors])
    return [found[tensor._node] for tensor in tensors]


def found_in(*tensors: Tensor) -> list[correlation.Correlation | None]:
    """The correlations that the results are, the views around them aside."""
    sums = [base_of(node) for node in simple(*tensors)]
    return [correlation.find(total) for total in sums]


@pytest.fixture(params=TILES, ids=str)
def tiles(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """All correlations are taken in tiles of this many results, whatever that costs."""

    def seconds(way: winograd.Way, target: Target) -> float:
        return 0.0 if way.tiles == request.param else 1.0

    monkeypatch.setattr(winograd.Way, "seconds", seconds)
    return request.param


def in_tiles(*tensors: Tensor) -> list[Array]:
    before = simple(*tensors)
    found: dict[Node, Node] = {}
    ways = winograd.ways_of(before, VECTORS)
    after = winograd.with_tiles(before, ways, lambda value: simplify([value], found)[value])
    assert all(a is not b for a, b in zip(before, after, strict=True))
    return evaluate_all(after)


def check(function: Callable[..., Sequence[Tensor]], *operands: Tensor) -> None:
    """In tiles, it computes what it does for float64, where nothing is taken in tiles."""
    wide = function(*(operand.double() for operand in operands))
    expected = evaluate_all([tensor._node for tensor in wide])
    for got, want in zip(in_tiles(*function(*operands)), expected, strict=True):
        assert got.dtype == np.float32 and got.shape == want.shape
        assert abs(got - want).max() <= CLOSE * abs(want).max()


# -- the mathematics ------------------------------------------------------------------------------


FILTERS = [(m, taps) for taps in range(2, MOST_TAPS + 1) for m in results_of(taps)]


@pytest.mark.parametrize(("results", "size"), FILTERS)
def test_filters_are_exact_in_fractions(results: int, size: int) -> None:
    rng = np.random.default_rng(0)
    taps, values = (
        np.array([Fraction(int(n)) for n in rng.integers(-9, 9, n)])
        for n in (size, results + size - 1)
    )
    f = filtering(results, size)
    through = np.array(f.back) @ ((np.array(f.taps) @ taps) * (np.array(f.data) @ values))
    assert list(through) == [taps @ values[i : i + size] for i in range(results)]


def test_how_many_results_a_tile_may_have() -> None:
    found = {taps: results_of(taps) for taps in range(2, MOST_TAPS + 1)}
    assert found == {2: [2, 3, 4], 3: [2, 3, 4], 4: [2, 3]}


# -- what is computed -----------------------------------------------------------------------------

CASES = {  # image, channels out, padding
    "one tile": ((1, 3, 4, 4), 2, 1),
    "odd sizes": ((2, 5, 9, 7), 3, 1),
    "no padding": ((3, 2, 11, 6), 5, 0),
    "much padding": ((1, 2, 3, 5), 4, 2),
}


def three(padding: int | tuple[int, int], k: int) -> Callable[..., list[Tensor]]:
    """A convolution and both of its gradients."""

    def results(x: Tensor, w: Tensor, g: Tensor) -> list[Tensor]:
        y, back = func.vjp(lambda x, w: F.conv2d(x, w, padding=padding), x, w)
        return [y, *back(g)]

    return results


@pytest.mark.parametrize("name", CASES)
def test_a_convolution_and_its_gradients(tiles: tuple[int, int], name: str) -> None:
    (n, c, h, w), k, padding = CASES[name]
    grown = 2 * padding - 2
    g = data(n, k, h + grown, w + grown, seed=2)
    check(three(padding, k), data(n, c, h, w), data(k, c, 3, 3, seed=1), g)


@pytest.mark.parametrize("tiles", [(2, 4)], indirect=True)
def test_derivatives_of_higher_order_and_maps(tiles: tuple[int, int]) -> None:
    x, w = data(2, 3, 6, 5), data(4, 3, 3, 3, seed=1)
    dx, dw = data(2, 3, 6, 5, seed=2), data(4, 3, 3, 3, seed=3)

    def conv(x: Tensor, w: Tensor) -> Tensor:
        return F.conv2d(x, w, padding=1)

    def loss(x: Tensor, w: Tensor) -> Tensor:
        return conv(x, w).square().sum()

    def along(x: Tensor, w: Tensor, dx: Tensor, dw: Tensor) -> list[Tensor]:
        return list(func.jvp(func.grad(loss, argnums=(0, 1)), (x, w), (dx, dw))[1])

    check(along, x, w, dx, dw)
    check(lambda x, w, dx: [func.jvp(lambda x: conv(x, w), (x,), (dx,))[1]], x, w, dx)
    ws = data(3, 4, 3, 3, 3, seed=4)
    check(lambda x, ws: [func.vmap(conv, in_dims=(None, 0))(x, ws)], x, ws)
    check(lambda x, w: [func.vmap(lambda one: conv(one, w))(x)], x, w)
    each = func.vmap(func.grad(loss, argnums=1), in_dims=(0, None))
    check(lambda x, w: [each(x, w)], x, w)


@pytest.mark.parametrize("tiles", [(4, 4)], indirect=True)
def test_parts_and_turned_factors(tiles: tuple[int, int]) -> None:
    x, w = data(2, 4, 10, 9), data(6, 3, 3, 3, seed=1)
    check(lambda x, w: [F.conv2d(x[:, 1:, 2:8].flip(2), w[1:].flip(3), padding=1)], x, w)
    check(lambda x, w: [F.conv2d(x.transpose(2, 3)[:, :3], w.flip(0, 1), padding=(0, 1))], x, w)


@pytest.mark.parametrize("tiles", [(2, 4)], indirect=True)
def test_where_there_are_fewer_places_than_taps_these_change_parts(tiles: tuple[int, int]) -> None:
    x, w = data(2, 3, 8, 7), data(4, 3, 6, 5)
    (found,) = found_in(F.conv2d(x, w))
    assert found is not None
    assert found.over_places and (found.places, found.taps) == ((6, 5), (3, 3))
    check(lambda x, w: [F.conv2d(x, w)], x, w)


@pytest.mark.parametrize("tiles", [(4, 4)], indirect=True)
def test_what_is_not_finite_reaches_its_tile(tiles: tuple[int, int]) -> None:
    x, w = data(1, 2, 12, 12), data(2, 2, 3, 3, seed=1)
    (expected,) = evaluate_all([F.conv2d(x, w)._node])
    x[0, 0, 1, 1] = float("nan")
    (got,) = in_tiles(F.conv2d(x, w))
    assert np.isnan(got[..., :4, :4]).all()
    got[..., :4, :4] = expected[..., :4, :4] = 0
    assert abs(got - expected).max() <= CLOSE * abs(expected).max()


WINDOWS = {  # of a convolution in so many dims: image, kernel, arguments
    "2 x 2": (2, (2, 3, 6, 7), (4, 3, 2, 2), {"padding": 1}),
    "4 x 4": (2, (1, 2, 9, 8), (3, 2, 4, 4), {"padding": 2}),
    "4 x 2": (2, (2, 2, 8, 7), (3, 2, 4, 2), {}),
    "3 x 1": (2, (2, 3, 7, 6), (4, 3, 3, 1), {"padding": (1, 0)}),
    "1 x 4": (2, (2, 3, 7, 9), (4, 3, 1, 4), {"padding": (0, 2)}),
    "one dim": (1, (3, 3, 11), (4, 3, 3), {"padding": 1}),
    "three dims": (3, (1, 2, 5, 6, 4), (3, 2, 3, 2, 3), {"padding": 1}),
    "groups": (2, (2, 6, 7, 6), (4, 3, 3, 3), {"padding": 1, "groups": 2}),
    "steps": (2, (2, 3, 8, 12), (4, 3, 4, 4), {"stride": 2, "padding": 1}),
    "longer steps": (2, (1, 2, 13, 15), (3, 2, 6, 4), {"stride": (3, 2), "padding": 1}),
    "dilation": (2, (1, 2, 12, 10), (3, 2, 3, 3), {"dilation": 2, "padding": 2}),
}
TRANSPOSED = {
    "4 x 4": (2, (2, 3, 5, 4), (3, 4, 4, 4), {"stride": 2, "padding": 1}),
    "3 x 3": (2, (2, 3, 5, 4), (3, 4, 3, 3), {"stride": 2, "padding": 1, "output_padding": 1}),
    "5 x 6": (2, (1, 2, 5, 4), (2, 3, 5, 6), {"stride": (2, 3), "padding": 2}),
    "one dim": (1, (2, 3, 9), (3, 4, 4), {"stride": 2, "padding": 1}),
}
CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSES = {1: F.conv_transpose1d, 2: F.conv_transpose2d}


def of_doubled_pixels(x: Tensor, w: Tensor) -> Tensor:
    n, c, rows, columns = x.shape
    wide = x.reshape(n, c, rows, 1, columns, 1).expand(n, c, rows, 2, columns, 2)
    return F.conv2d(wide.reshape(n, c, 2 * rows, 2 * columns), w, padding=1)


SLIDING = {
    "doubled pixels": (of_doubled_pixels, (2, 3, 4, 3), (4, 3, 3, 3), {}),
    **{name: (CONVOLUTIONS[dims], *rest) for name, (dims, *rest) in WINDOWS.items()},
    **{
        f"transposed {name}": (TRANSPOSES[dims], *rest)
        for name, (dims, *rest) in TRANSPOSED.items()
    },
}


@pytest.mark.parametrize("least", [1, -1], ids=["smallest tiles", "largest tiles"])
@pytest.mark.parametrize("name", SLIDING)
def test_windows(least: int, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd.Way, "seconds", lambda way, target: least * prod(way.tiles) - 1e3)
    convolve, image, kernel, arguments = SLIDING[name]

    def both(x: Tensor, w: Tensor, g: Tensor) -> list[Tensor]:
        y, back = func.vjp(lambda x, w: convolve(x, w, **arguments), x, w)
        return [y, *back(g)]

    x, w = data(*image), data(*kernel, seed=1)
    check(both, x, w, data(*convolve(x, w, **arguments).shape, seed=2))


# -- what is found --------------------------------------------------------------------------------


def test_all_three_are_found() -> None:
    x, w, g = data(2, 3, 8, 7), data(4, 3, 3, 3), data(2, 4, 8, 7)
    found = found_in(*three(1, 4)(x, w, g))
    assert [c and c.over_places for c in found] == [False, False, True]
    assert [c and c.starts for c in found] == [(-1, -1)] * 3
    assert [c and c.places for c in found] == [(8, 7)] * 3


OTHERS = {
    "a stride": lambda x, w: F.conv2d(x, w, stride=2),
    "a dilation": lambda x, w: F.conv2d(x, w, dilation=2),
    "a larger window": lambda x, w: F.conv2d(x, F.pad(w, (1, 1, 1, 1))),
    "one tap": lambda x, w: F.conv2d(x, w[:, :, :1, :1]),
    "halves": lambda x, w: F.conv2d(x.to(float16), w.to(float16)),
    "doubles": lambda x, w: F.conv2d(x.to(float64), w.to(float64)),
    "several products": lambda x, w: func.jvp(F.conv2d, (x, w), (x + 1, w + 1))[1],
    "a matrix product": lambda x, w: x @ w.flatten(1)[:, :9].T,
}


@pytest.mark.parametrize("name", OTHERS)
def test_nothing_else_is(name: str) -> None:
    assert found_in(OTHERS[name](data(2, 4, 9, 9), data(4, 4, 3, 3))) == [None]


def test_phases_stand_beside_their_places() -> None:
    x, w = data(2, 6, 5, 4), data(6, 3, 4, 4)
    (found,) = found_in(F.conv_transpose2d(x, w, stride=2, padding=1))
    assert found is not None
    assert (found.places, found.taps, found.phases) == ((6, 5), (2, 2), (2, 2))
    assert found.sizes == (2, 6, 2, 5, 2, 3)  # batch, place, phase, place, phase, channels
    assert found.image.shape == (1, 2, 5, 4, 6) and found.other.shape == (1, 2, 2, 6, 12)


def test_phases_are_channels_of_strided_convolutions_and_rows_of_dilated_ones() -> None:
    x, w = data(2, 3, 12, 10), data(5, 3, 4, 4)
    (strided,) = found_in(F.conv2d(x, w, stride=2, padding=1))
    assert strided is not None
    assert (strided.places, strided.taps, strided.phases) == ((6, 5), (2, 2), (1, 1))
    assert strided.image.shape == (1, 2, 7, 6, 12) and strided.other.shape == (1, 2, 2, 12, 5)
    (dilated,) = found_in(F.conv2d(x, w[..., :3, :3], dilation=2, padding=2))
    assert dilated is not None
    assert (dilated.places, dilated.taps) == ((6, 5), (3, 3))
    assert dilated.image.shape == (1, 8, 6, 5, 3)
    assert strided.strided and not dilated.strided


def test_a_sum_is_looked_at_once_although_its_factors_change(monkeypatch) -> None:
    seen: list[Node] = []

    def find(total: Node) -> correlation.Correlation | None:
        seen.append(total)
        return found(total)

    found = correlation.find
    monkeypatch.setattr(winograd.correlation, "find", find)
    monkeypatch.setattr(winograd.Way, "seconds", lambda way, target: -1.0)
    x, w, v = data(2, 3, 8, 7), data(4, 3, 3, 3), data(4, 4, 3, 3)
    first = F.conv2d(x, w, padding=1)
    in_tiles(first)
    assert len(seen) == 1
    seen.clear()
    in_tiles(F.conv2d(first, v, padding=1), first)  # the second one has a factor in tiles
    assert len(seen) == 2


# -- when it is taken -----------------------------------------------------------------------------


def multiplied(target: Target, *shape: int) -> int:
    n, c, h, k = shape
    kernels = kernels_of(F.conv2d(data(n, c, h, h), data(k, c, 3, 3), padding=1), target=target)
    return sum(map(cost.flops, kernels))


def test_many_channels_are_worth_it() -> None:
    with config(winograd=False):
        directly = multiplied(VECTORS, 4, 64, 16, 64)
    assert directly == pytest.approx(2 * 9 * 4 * 64 * 16 * 16 * 64, rel=0.01)
    assert multiplied(VECTORS, 4, 64, 16, 64) < 0.35 * directly


@pytest.mark.parametrize(
    ("target", "shape"),
    [
        (VECTORS, (4, 3, 32, 64)),  # few channels
        (VECTORS, (1, 512, 4, 512)),  # a large kernel for few places
        (LIBRARY, (4, 64, 16, 64)),
        (GRAPHICS, (4, 64, 16, 64)),
    ],
)
def test_little_else_is(target: Target, shape: tuple[int, ...]) -> None:
    with config(winograd=False):
        directly = multiplied(target, *shape)
    assert multiplied(target, *shape) == directly


# -- how exact it is ------------------------------------------------------------------------------


@pytest.mark.gpu
def test_errors_are_a_small_multiple_of_those_of_the_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a device, with the largest tiles: at most 2.4 times as large where this was written."""
    monkeypatch.setattr(winograd.Way, "seconds", lambda way, target: -prod(way.tiles))
    windows = range(2, MOST_TAPS + 1)
    x = data(2, 32, 12, 12)
    ws = [data(32, 32, size, size, seed=size) for size in windows]
    gs = [data(2, 32, 13 - size, 13 - size, seed=9 + size) for size in windows]

    def results(x: Tensor, *others: Tensor) -> list[Tensor]:
        pairs = zip(others[: len(ws)], others[len(ws) :], strict=True)
        return [tensor for w, g in pairs for tensor in three(0, 32)(x, w, g)]

    operands = x, *ws, *gs
    exact = [y.numpy() for y in results(*(tensor.double() for tensor in operands))]
    given = [tensor.to("GPU") for tensor in operands]
    tiled = results(*given)
    Tensor.realize(*tiled)
    with config(winograd=False):
        summed = results(*given)
        Tensor.realize(*summed)
    for got, direct, want in zip(tiled, summed, exact, strict=True):
        errors = [np.square(y.numpy() - want).mean() ** 0.5 for y in (got, direct)]
        assert 0 < errors[0] < 3 * errors[1]
