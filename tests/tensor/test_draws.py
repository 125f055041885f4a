"""Random numbers by tensors, in place, and as PyTorch's functions take their arguments."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import lazygrad
from lazygrad import Generator, Tensor, jit
from lazygrad.errors import ArgumentError, DtypeError, JitError, ShapeError, ValueRangeError

COUNT = 20000
WEIGHTS = [0.0, 1.0, 2.0, 0.0, 7.0]


def weights(device: str, rows: int = 0) -> Tensor:
    values = np.float32(WEIGHTS)
    return Tensor(np.tile(values, (rows, 1)) if rows else values, device=device)


def shares(drawn: Tensor) -> np.ndarray:
    return np.bincount(drawn.numpy().reshape(-1), minlength=len(WEIGHTS)) / drawn.numel()


def test_multinomial_with_replacement(device: str) -> None:
    drawn = weights(device).multinomial(COUNT, replacement=True)
    assert (drawn.shape, drawn.dtype.name) == ((COUNT,), "int64")
    np.testing.assert_allclose(shares(drawn), np.array(WEIGHTS) / 10, atol=0.02)
    assert shares(drawn)[[0, 3]].tolist() == [0, 0]


def test_multinomial_draws_one_of_each_row(device: str) -> None:
    drawn = lazygrad.multinomial(weights(device, COUNT), 1)
    assert drawn.shape == (COUNT, 1)
    np.testing.assert_allclose(shares(drawn), np.array(WEIGHTS) / 10, atol=0.02)


def test_multinomial_without_replacement_draws_each_once(device: str) -> None:
    drawn = weights(device, 500).multinomial(3).numpy()
    assert np.sort(drawn, 1).tolist() == [[1, 2, 4]] * 500
    first = np.bincount(drawn[:, 0], minlength=5) / 500
    np.testing.assert_allclose(first, np.array(WEIGHTS) / 10, atol=0.08)


def test_multinomial_of_a_seed_is_the_same_on_every_device() -> None:
    def draw(device: str) -> list[int]:
        return weights(device).multinomial(50, True, generator=Generator().manual_seed(3)).tolist()

    assert draw("CPU") == draw("GPU")


def test_multinomial_in_a_jitted_function_draws_anew(device: str) -> None:
    draw = jit(lambda w: w.multinomial(40, replacement=True))
    given = weights(device)
    lazygrad.manual_seed(5)
    first, second, third = (draw(given).tolist() for _ in range(3))
    assert first != second != third
    lazygrad.manual_seed(5)
    assert [given.multinomial(40, replacement=True).tolist() for _ in range(3)] == [
        first, second, third
    ]  # fmt: skip


IN_PLACE: list[tuple[str, Callable[[Tensor], Tensor], float, float]] = [
    ("exponential_", lambda x: x.exponential_(2.0), 0.5, 0.5),
    ("geometric_", lambda x: x.geometric_(0.25), 4.0, np.sqrt(0.75) / 0.25),
    ("log_normal_", lambda x: x.log_normal_(0.0, 0.5), np.exp(0.125), 0.6039),
    ("bernoulli_", lambda x: x.bernoulli_(0.3), 0.3, np.sqrt(0.21)),
    ("random_", lambda x: x.random_(5, 9), 6.5, np.sqrt(15 / 12)),
]


@pytest.mark.parametrize(("name", "draw", "mean", "deviation"), IN_PLACE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_moments(
    name: str, draw: Callable[[Tensor], Tensor], mean: float, deviation: float, dtype: str,
    device: str,
) -> None:  # fmt: skip
    x = Tensor.zeros(COUNT, dtype=dtype, device=device)
    assert draw(x) is x
    values = x.numpy()
    assert values.dtype == dtype
    error = 5 / np.sqrt(COUNT)
    np.testing.assert_allclose(values.mean(), mean, atol=error * deviation)
    np.testing.assert_allclose(values.std(), deviation, rtol=0.1)


def test_cauchy_has_a_median_and_quartiles(device: str) -> None:
    values = Tensor.zeros(COUNT, device=device).cauchy_(2.0, 0.5).numpy()
    np.testing.assert_allclose(np.quantile(values, [0.25, 0.5, 0.75]), [1.5, 2.0, 2.5], atol=0.05)


def test_exponential_is_above_zero_and_geometric_a_whole_number(device: str) -> None:
    assert Tensor.zeros(COUNT, device=device).exponential_().numpy().min() > 0
    trials = Tensor.zeros(COUNT, dtype="int64", device=device).geometric_(0.5).numpy()
    assert trials.min() == 1


def test_bernoulli(device: str) -> None:
    odds = Tensor([0.0, 1.0, 0.5], device=device).expand(COUNT, 3)
    drawn = lazygrad.bernoulli(odds)
    assert drawn.dtype is odds.dtype
    np.testing.assert_allclose(drawn.numpy().mean(0), [0, 1, 0.5], atol=0.02)
    whole = Tensor.zeros(COUNT, 3, dtype="int32", device=device).bernoulli_(odds)
    np.testing.assert_allclose(whole.numpy().mean(0), [0, 1, 0.5], atol=0.02)
    assert odds.bernoulli(0.0).sum().item() == 0


def test_poisson_and_binomial(device: str) -> None:
    drawn = lazygrad.poisson(Tensor.full((COUNT,), 3.5, device=device)).numpy()
    np.testing.assert_allclose([drawn.mean(), drawn.var()], [3.5, 3.5], atol=0.15)
    count = Tensor.full((COUNT,), 10.0, device=device)
    drawn = lazygrad.binomial(count, Tensor(0.3, device=device)).numpy()
    np.testing.assert_allclose([drawn.mean(), drawn.var()], [3.0, 2.1], atol=0.1)
    again = [lazygrad.poisson(count, generator=Generator().manual_seed(2)).tolist() for _ in "ab"]
    assert again[0] == again[1]


def test_randint_as_pytorch_takes_it(device: str) -> None:
    for made in (
        lazygrad.randint(3, (2, 50), device=device),
        lazygrad.randint(0, 3, (2, 50), device=device),
        lazygrad.randint(high=3, size=(2, 50), device=device),
        lazygrad.randint_like(Tensor.zeros(2, 50, dtype="int64", device=device), 3),
    ):
        assert (made.shape, made.dtype.name) == ((2, 50), "int64")
        assert np.unique(made.numpy()).tolist() == [0, 1, 2]
    assert np.unique(lazygrad.randint(5, 7, [60], device=device).numpy()).tolist() == [5, 6]


def test_normal_as_pytorch_takes_it(device: str) -> None:
    drawn = lazygrad.normal(5.0, 0.5, (COUNT,), device=device).numpy()
    np.testing.assert_allclose([drawn.mean(), drawn.std()], [5, 0.5], atol=0.02)
    mean, std = Tensor([0.0, 10.0], device=device), Tensor([[1.0], [0.0]], device=device)
    drawn = lazygrad.normal(mean, std)
    assert drawn.shape == (2, 2)
    assert drawn[1].tolist() == [0, 10]
    assert lazygrad.normal(mean, 0.0).tolist() == [0, 10]
    assert lazygrad.normal(3.0, std * 0).tolist() == [[3], [3]]


WRONG: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "too many": (lambda: weights("CPU").multinomial(6), ValueRangeError,
                 r"^\[multinomial\] num_samples must be from 1 to 5 without replacement, got 6"),
    "dims": (lambda: Tensor.ones(2, 3, 4).multinomial(1), ShapeError, "1 or 2 dims"),
    "integers": (lambda: Tensor([1, 2]).multinomial(1), DtypeError, "needs a float dtype, got int"),
    "odds": (lambda: Tensor.ones(3).bernoulli_(1.5), ValueRangeError, "p must be from 0 to 1"),
    "rate": (lambda: Tensor.ones(3).exponential_(0), ValueRangeError, r"lambd must be at least"),
    "whole": (lambda: Tensor([1]).exponential_(), DtypeError, "needs a float dtype, got int64"),
    "rates": (lambda: lazygrad.poisson(Tensor([-1.0])), ValueRangeError, "must not be negative"),
    "no size": (lambda: lazygrad.normal(0.0, 1.0), ArgumentError, "two numbers need a size"),
    "no bounds": (lambda: lazygrad.randint((2, 3)), ArgumentError, "low must be an integer"),
    "in a jitted function": (lambda: jit(lazygrad.poisson)(Tensor([1.0])), JitError, "value of a"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_refused(name: str) -> None:
    call, kind, message = WRONG[name]
    with pytest.raises(kind, match=message):
        call()
