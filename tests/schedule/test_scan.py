"""Running sums: the work, the kernels and the memory of a scan, and its values."""

from __future__ import annotations

import numpy as np
import pytest

from lazygrad import Tensor
from lazygrad.codegen import nest as nests
from lazygrad.codegen.choose import loop_nest
from lazygrad.kernel import cost, running
from lazygrad.kernel.kernel import Kernel
from tests.schedule.planning import TARGETS, VECTORS, kernels_of
from tests.schedule.test_split import empty

MILLION = 1_000_000
SHAPES = {
    "one row": ((MILLION,), 0),
    "prime": ((999_983,), 0),
    "rows": ((1000, 1000), 1),
    "columns": ((1000, 1000), 0),
    "in between": ((10, 1000, 100), 1),
}


@pytest.fixture(params=[*TARGETS])
def target(request: pytest.FixtureRequest):
    return TARGETS[request.param]


def runs(kernel: Kernel) -> list[running.Running]:
    return [found for e in kernel.reductions() if (found := running.find(e)) is not None]


@pytest.mark.parametrize("name", SHAPES)
def test_work_is_linear(target, name: str) -> None:
    """Each element is added to its block's total, to what runs within the block, and to that the
    blocks before are added."""
    shape, axis = SHAPES[name]
    kernels = kernels_of(empty(*shape).cumsum(axis), target=target)
    elements = np.prod(shape)
    assert sum(map(cost.flops, kernels)) < 3.1 * elements
    written_twice = name == "prime"  # in whole blocks first
    assert sum(map(cost.nbytes, kernels)) < (12 + 8 * written_twice) * 1.03 * elements
    assert len(kernels) == (6 if name == "prime" else 5 if name == "one row" else 3)


def test_every_level_runs(target) -> None:
    kernels = kernels_of(empty(MILLION).cumsum(0), target=target)
    assert [len(runs(k)) for k in kernels] == [0, 0, 1, 1, 1]


@pytest.mark.parametrize("length", [2, 64, 128])
def test_short_ones_are_a_kernel(target, length: int) -> None:
    (only,) = kernels_of(empty(40, length).cumsum(1), target=target)
    assert len(runs(only)) == 1


@pytest.mark.parametrize("name", SHAPES)
def test_the_gradient_runs_backwards(target, name: str) -> None:
    shape, axis = SHAPES[name]
    x = Tensor(np.zeros(shape, np.float32), requires_grad=True)
    given = empty(*shape)
    (x.cumsum(axis) * given).sum().backward()
    kernels = kernels_of(x.grad, target=target)
    assert sum(map(cost.flops, kernels)) < 5 * x.numel()
    found = [run for k in kernels for run in runs(k)]
    assert found
    assert all(run.backwards for run in found)


def test_a_row_is_one_loop_and_rows_go_side_by_side() -> None:
    last = kernels_of(empty(MILLION).cumsum(0), target=VECTORS)[-1]
    nest = loop_nest(last, VECTORS)
    assert nest is not None
    adds = [s for s in nests.walk(nest.body) if isinstance(s, nests.Accumulate)]
    assert len(adds) == 8
    assert nest.items > VECTORS.units


def test_columns_are_vectors() -> None:
    last = kernels_of(empty(1000, 1000).cumsum(0), target=VECTORS)[-1]
    nest = loop_nest(last, VECTORS)
    assert nest is not None
    adds = [s for s in nests.walk(nest.body) if isinstance(s, nests.Accumulate)]
    assert {s.lanes for s in adds} == {VECTORS.lanes}


# -- values -----------------------------------------------------------------------------------

LENGTHS = [0, 1, 2, 127, 128, 129, 250, 1009, 16_384, 40_009]


@pytest.mark.parametrize("length", LENGTHS)
def test_values(device: str, length: int) -> None:
    """Of all dtypes in one plan: a program takes long to compile."""
    values = np.random.default_rng(length).integers(-9, 9, length)
    given = [values.astype(name) for name in ("float32", "int32", "int64", "bool", "uint8")]
    found = [Tensor(each, device=device).cumsum(0) for each in given]
    Tensor.realize(*found)
    for each, total in zip(given, found, strict=True):
        wanted = np.cumsum(each.astype(np.int64))
        np.testing.assert_array_equal(total.numpy(), wanted, err_msg=str(each.dtype))


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("shape", [(3, 200, 5), (150, 2, 140), (131, 1, 257), (2, 0, 3)])
def test_any_axis(device: str, shape: tuple[int, ...], axis: int) -> None:
    values = np.random.default_rng(0).integers(-9, 9, shape).astype(np.float32)
    given = [values, np.flip(values, axis), values.transpose(2, 0, 1)]
    x, y, z = (Tensor(values, device=device) for _ in given)
    found = [each.cumsum(axis) for each in (x, y.flip(axis), z.permute(2, 0, 1))]
    Tensor.realize(*found)
    for each, total in zip(given, found, strict=True):
        np.testing.assert_array_equal(total.numpy(), np.cumsum(each, axis))


@pytest.mark.parametrize("length", [100, 300, 20_011])
def test_halves_are_carried_wide(device: str, length: int) -> None:
    values = np.full(length, 1 / 64, np.float16)
    found = Tensor(values, device=device).cumsum(0).numpy()
    assert found.dtype == np.float16
    np.testing.assert_array_equal(found, np.cumsum(values.astype(np.float32)).astype(np.float16))


@pytest.mark.parametrize("where", [0, 5, 130, 1000])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_stays_behind(device: str, where: int, value: float) -> None:
    values = np.ones(1009, np.float32)
    values[where] = value
    np.testing.assert_array_equal(
        Tensor(values, device=device).cumsum(0).numpy(), np.cumsum(values)
    )


def test_no_less_accurate_than_before(device: str) -> None:
    """The error of blocks of 64, each result of which was a sum of its own, was 2.2e-4."""
    values = np.random.default_rng(0).standard_normal(MILLION).astype(np.float32)
    found = Tensor(values, device=device).cumsum(0).numpy()
    assert np.abs(found - np.cumsum(values.astype(np.float64))).max() < 3e-4


@pytest.mark.parametrize("shape", [(40, 3), (300, 2), (2, 1009)])
@pytest.mark.parametrize("axis", [0, 1])
def test_gradients_of_any_order(device: str, shape: tuple[int, int], axis: int) -> None:
    values = np.random.default_rng(1).standard_normal(shape) / 8
    x = Tensor(values.astype(np.float32), device=device, requires_grad=True)
    (x.cumsum(axis) ** 3).sum().backward()
    running_sum = np.cumsum(values, axis)
    expected = np.flip(np.cumsum(np.flip(3 * running_sum**2, axis), axis), axis)
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=2e-4, atol=2e-4 * expected.max())


def test_what_follows_and_what_precedes(device: str) -> None:
    """Epilogues, computed elements, several sums in one kernel."""
    values = np.random.default_rng(2).standard_normal((64, 100))
    x = Tensor(values.astype(np.float32), device=device)
    found = (x.exp().cumsum(1) * 2 + x.cumsum(1)).tanh()
    expected = np.tanh(np.cumsum(np.exp(values), 1) * 2 + np.cumsum(values, 1))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-4)
    row = (x.cumsum(0) / x.cumsum(0).amax(0)).sum(0)
    sums = np.cumsum(values, 0)
    np.testing.assert_allclose(row.numpy(), (sums / sums.max(0)).sum(0), rtol=1e-3, atol=1e-2)
