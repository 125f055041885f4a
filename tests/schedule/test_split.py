"""Long reductions in parts: how many, of what length, and what the last and shorter one costs."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest

from lazygrad import Tensor
from lazygrad.codegen import nest as nests
from lazygrad.codegen.choose import loop_nest
from lazygrad.codegen.nest import LoopNest, Statement
from lazygrad.kernel import expr as ex
from lazygrad.kernel.contraction import find
from lazygrad.kernel.kernel import Kernel, loads
from tests.schedule.planning import GRAPHICS, LIBRARY, VECTORS, kernels_of

PRIME = 19_999_999
GENERATED = pytest.mark.parametrize("target", [VECTORS, GRAPHICS], ids=["vectors", "graphics"])


def empty(*shape: int) -> Tensor:
    """Stands for data that nobody reads."""
    return Tensor(np.broadcast_to(np.float32(0), shape))


def parts(kernel: Kernel) -> tuple[int, int]:
    """How many results a kernel has, and how many elements each one is made of."""
    (reduction,) = kernel.reductions()
    return prod(r.size for r in kernel.ranges), prod(r.size for r in reduction.arg.ranges)


def bounds(kernel: Kernel) -> list[ex.Bound]:
    guards = [e.arg.guard for e in loads(kernel.values)]
    guards += [e.arg for e in ex.toposort(kernel.values) if e.op is ex.GUARD]
    return [bound for guard in guards for bound in guard]


@GENERATED
@pytest.mark.parametrize("reduce", ["sum", "amax", "amin", "mean"])
def test_a_prime_length_is_split_as_well_as_any(target, reduce: str) -> None:
    first, last = kernels_of(getattr(empty(PRIME), reduce)(), target=target)
    count, length = parts(first)
    even, _ = parts(kernels_of(getattr(empty(20_000_000), reduce)(), target=target)[0])
    assert 0.9 * even < count < 1.1 * even
    assert PRIME <= count * length < 1.001 * PRIME + length
    assert parts(last) == (1, count)


@GENERATED
def test_lengths_that_divide_are_not_checked(target) -> None:
    first, _ = kernels_of(empty(20_000_000).sum(), target=target)
    assert prod(parts(first)) == 20_000_000
    assert not bounds(first)


def test_a_library_sums_in_blocks_of_any_length() -> None:
    (only,) = kernels_of(empty(PRIME).sum(), target=LIBRARY)
    assert parts(only) == (1, PRIME)
    assert not bounds(only)


@GENERATED
def test_the_parts_of_columns(target) -> None:
    """5,003 rows of 16 columns."""
    first, last = kernels_of(empty(5003, 16).sum(0), target=target)
    count, length = parts(last)[1], parts(first)[1]
    assert count > 1
    assert 5003 <= count * length < 5003 + length
    assert parts(last)[0] == 16


def nest_of(kernel: Kernel) -> LoopNest:
    nest = loop_nest(kernel, VECTORS)
    assert nest is not None
    return nest


def statements(body: tuple[Statement, ...]) -> tuple[list[Statement], list[Statement]]:
    """Those of all parts but the last, and those of the last one."""
    last = [s for outer in body if isinstance(outer, nests.Last) for s in nests.walk((outer,))]
    return [s for s in nests.walk(body) if s not in last], last


SPLIT = {
    "sum": lambda: empty(PRIME).sum(),
    "amax": lambda: empty(PRIME).amax(),
    "columns": lambda: empty(5003, 16).sum(0),
    "computed": lambda: (empty(PRIME).exp() * 2 + 1).sum(),
    "contraction": lambda: empty(16, 20011) @ empty(20011, 48),
}


@pytest.mark.parametrize("name", SPLIT)
def test_only_the_last_part_is_checked(name: str) -> None:
    split = [k for k in kernels_of(SPLIT[name](), target=VECTORS) if bounds(k)]
    (first,) = split
    nest = nest_of(first)
    main, last = statements(nest.body)
    read = [s for s in main if isinstance(s, nests.Load)]
    assert read
    assert all(not s.guard for s in read)
    assert any(s.lanes == VECTORS.lanes for s in read)
    assert not any(isinstance(s, nests.Test | nests.Gather | nests.Keep) for s in main)
    assert any(isinstance(s, nests.Test) for s in last)
    assert nest.items >= VECTORS.units


# -- products -----------------------------------------------------------------------------------


@GENERATED
def test_squares_are_split_as_what_is_squared(target) -> None:
    """A square has no factor that is used again, so it is no contraction."""
    x = empty(10_000_000)
    (one, _), (other, _) = (kernels_of(y, target=target) for y in (x.sum(), (x * x).sum()))
    assert parts(one) == parts(other)
    assert find(other) is None


@GENERATED
@pytest.mark.parametrize("shape", [(10_000_000,), (64, 32, 56, 56)])
def test_moments_are_split_alike(target, shape: tuple[int, ...]) -> None:
    """Those of ``std`` and of a batch norm."""
    axes = (0,) if len(shape) == 1 else (0, 2, 3)
    x = empty(*shape)
    mean, _, squares, *_ = kernels_of(x.mean(axes), x.std(axes), target=target)
    assert parts(mean) == parts(squares)


def test_factors_that_are_used_again_are_few_parts() -> None:
    """Enough tiles for every core, and operands that stay in cache."""
    partial = kernels_of(empty(256, 8192) @ empty(8192, 256), target=VECTORS)[-2]
    found = find(partial)
    assert found is not None
    assert len(found.batch) == 1
    assert found.batch[0].size <= 16


# -- values ---------------------------------------------------------------------------------------

LENGTHS = [4099, 10_007, 65_537]


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("reduce", ["sum", "amax", "amin"])
def test_values_of_prime_lengths(device: str, length: int, reduce: str) -> None:
    """All are negative where they can be, so that what pads would show as a maximum; of all dtypes
    in one plan, because a program takes long to compile."""
    values = np.random.default_rng(length).integers(-90, -1, length)
    given = [values.astype(name) for name in ("float32", "int32", "uint8")]
    given += [values.astype(np.float16) / np.float16(256), values % 2 == 0]
    found = [getattr(Tensor(each, device=device), reduce)() for each in given]
    Tensor.realize(*found)
    for each, reduced in zip(given, found, strict=True):
        wide = each.astype(np.float64 if each.dtype.kind == "f" else np.int64)
        expected = {"sum": wide.sum, "amax": wide.max, "amin": wide.min}[reduce]()
        name = str(each.dtype)
        np.testing.assert_allclose(float(reduced.item()), expected, rtol=1e-3, err_msg=name)


@pytest.mark.parametrize("where", [0, 10_006])
def test_a_nan_in_any_part_is_the_largest(device: str, where: int) -> None:
    values = np.full(10_007, -1, np.float32)
    values[where] = np.nan
    assert np.isnan(Tensor(values, device=device).amax().item())


def test_all_infinite(device: str) -> None:
    x = Tensor(np.full(10_007, -np.inf, np.float32), device=device)
    assert x.amax().item() == x.sum().item() == -np.inf


@pytest.mark.parametrize("function", ["log", "exp", "reciprocal"])
def test_what_the_padding_would_become_is_not_summed(device: str, function: str) -> None:
    """The logarithm of nothing is infinite, its exponential is 1."""
    values = np.linspace(1, 2, 10_007)
    expected = {"log": np.log, "exp": np.exp, "reciprocal": np.reciprocal}[function](values).sum()
    found = getattr(Tensor(values.astype(np.float32), device=device), function)().sum()
    np.testing.assert_allclose(found.item(), expected, rtol=1e-5)


def test_gradients_of_prime_lengths(device: str) -> None:
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((4099, 24)), rng.standard_normal((24, 16))
    weights = Tensor(w.astype(np.float32), device=device, requires_grad=True)
    y = Tensor(x.astype(np.float32), device=device) @ weights
    (y * y).sum().backward()
    expected = 2 * x.T @ (x @ w)
    np.testing.assert_allclose(weights.grad.numpy(), expected, rtol=1e-4, atol=1e-2)
