"""LAZYGRAD_CHECK=nan: the first NaN, infinity or lost index is an error that says where."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor, config, jit, linalg, nn, optim
from lazygrad.errors import ConfigError, NotFiniteError


@pytest.fixture(autouse=True)
def on(device: str) -> Iterator[None]:
    with config(check="nan", backend=device):
        yield


def given(*values: float) -> Tensor:
    return Tensor([float(value) for value in values]).realize()


def whole(*values: int) -> Tensor:
    return Tensor(list(values)).realize()


def a_mask_in_a_softmax() -> Tensor:
    return lazygrad.masked_fill(given(1, 2, 3), given(1, 2, 3) > 2, -np.inf).softmax(0)


def a_row_of_zeros() -> Tensor:
    x = lazygrad.zeros(2, 3).realize()
    return (x / x.norm(dim=1, keepdim=True)).sum()


BAD: dict[str, tuple[Callable[[], Tensor], str]] = {
    "log": (lambda: given(1, -2).log() * 2, r"a log gives nan of -2 at \(1,\) of .*log \(test_ch"),
    "division": (lambda: given(3, 1) / given(1, 0), r"a division gives inf of 1, 0 at \(1,\)"),
    "product": (lambda: (given(1, 1e30) * 1e30).sum(), r"a product gives inf of 1e\+30, 1e\+30"),
    "sum": (lambda: given(3e38, 3e38).sum(), r"a sum over many gives inf at \(\)"),
    "conversion": (lambda: (given(7e4)).half(), r"a conversion gives inf of 70000 at \(0,\)"),
    "one of many": (
        lambda: lazygrad.arange(200.0).reshape(10, 20).sub(77).square().rsqrt(),
        r"inf of .* at \(3, 17\) of .*float32 \(10, 20\)",
    ),
    "in its second kernel": (lambda: (given(1, 2).log().sum() - 1).log(), r"a log gives nan of -0"),
    "a piece of a join": (
        lambda: Tensor.cat([given(1, 2).log(), given(3, -4).log()]),
        r"a log gives nan of -4 at \(3,\)",
    ),
    "a row of zeros": (a_row_of_zeros, r"a division gives nan of 0, 0"),
    "remainder": (
        lambda: Tensor([3, 4]).realize() % Tensor([0, 2]).realize(),
        r"a remainder gives 0 of 3, 0 at \(0,\) of .*int64 \(2,\), from remainder \(test_check",
    ),
    "a sum of quotients": (
        lambda: (lazygrad.arange(12).reshape(3, 4) // whole(1, 2, 0).reshape(3, 1)).sum(1),
        r"a division gives \S+ of 8, 0 at \(2,\) of .*from ",
    ),
    "a quotient that says where to read": (
        lambda: given(1, 2, 3)[whole(2, 1) // whole(1, 0)],
        r"a division gives \S+ of 1, 0 at \(1,\) of .*from ",
    ),
}
GOOD: dict[str, Callable[[], Tensor]] = {
    "not taken": lambda: lazygrad.where(given(1, -2) > 0, given(1, -2).log(), 0),
    "a mask": a_mask_in_a_softmax,
    "infinity given": lambda: given(1, np.inf) * 2,
    "harmless": lambda: 1 / (1 + (given(1, 1000) * 10).exp()),
    "a maximum of nothing": lambda: given(-1, 2).max(),
    "a quotient that is not taken": lambda: lazygrad.where(
        whole(1, 0) != 0, whole(7, 8) // whole(1, 0), 5
    ),
    "integers": lambda: Tensor([7, 8]).realize() // Tensor([2, 3]).realize(),
}


@pytest.mark.parametrize("name", BAD)
def test_who_made_it_is_named(name: str) -> None:
    compute, message = BAD[name]
    y = compute()
    with pytest.raises(NotFiniteError, match=message):
        y.realize()
    with config(check=None):
        y.realize()


@pytest.mark.parametrize("name", GOOD)
def test_what_does_no_harm_is_no_error(name: str) -> None:
    GOOD[name]().realize()


def test_an_index_in_a_jitted_step_that_points_at_nothing() -> None:
    table = nn.Embedding(4, 3)
    step = jit(lambda index: table(index).sum())
    for _ in range(3):
        step(Tensor([1, 3])).item()
    with pytest.raises(NotFiniteError, match=r"index 9 points at nothing: .* embedding \(test_ch"):
        step(Tensor([1, 9])).item()
    assert np.isfinite(step(Tensor([0, 3])).item())


def test_a_label_in_a_jitted_step_that_is_no_class() -> None:
    step = jit(lambda x, y: nn.functional.cross_entropy(x, y))
    x = lazygrad.ones(2, 3)
    step(x, Tensor([0, 2])).item()
    with pytest.raises(NotFiniteError, match=r"index 7 points at nothing: .* at \(1,\) of"):
        step(x, Tensor([0, 7])).item()


def test_a_step_that_fails_leaves_everything_as_it_was() -> None:
    layer = nn.Linear(2, 1)
    optimizer = optim.SGD(layer.parameters(), lr=0.1)

    @jit
    def step(x: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = layer(x).sum().log()
        loss.backward()
        optimizer.step()
        return loss

    with config(check=None):
        layer.weight.data.fill_(0.5)
        layer.bias.data.fill_(50.0)
        step(lazygrad.ones(1, 2)).item()
    before = layer.weight.numpy()
    with pytest.raises(NotFiniteError, match="a log gives nan of"):
        step(lazygrad.full((1, 2), -1e6)).item()
    np.testing.assert_array_equal(layer.weight.numpy(), before)
    assert np.isfinite(step(lazygrad.ones(1, 2)).item())


def test_a_routine() -> None:
    with pytest.raises(NotFiniteError, match="gives inf"):
        linalg.matrix_exp(lazygrad.full((2, 2), 1e3)).realize()


def test_a_value_that_it_does_not_have() -> None:
    with pytest.raises(ConfigError, match="expected nan, or nothing"), config(check="inf"):
        pass
