"""Loops whose numbers change: after the second step no plan is made, and every step is right."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from lazygrad import Tensor, config, float16, int64, jit, nn, no_grad, optim
from lazygrad.graph import toposort
from lazygrad.inspect import plan_cache
from lazygrad.runtime import cache
from lazygrad.runtime.memory import Part

STEPS = 6
rng = np.random.default_rng(0)
ROWS = rng.standard_normal((96, 12)).astype(np.float32)
STACK = rng.standard_normal((8, 10, 6)).astype(np.float32)
COUNTS = rng.integers(-50, 50, 96)
ORDER = rng.permutation(96)

Step = Callable[[int], object]


@pytest.fixture(autouse=True)
def no_plans() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def plans_made(step: Step, steps: int = STEPS) -> list[int]:
    """By each step."""
    made = []
    for i in range(steps):
        before = plan_cache().misses
        step(i)
        made.append(plan_cache().misses - before)
    return made


def settles(step: Step) -> bool:
    """Whether the first two steps make all plans, at most one each."""
    made = plans_made(step)
    return max(made) <= 1 and not any(made[2:])


# -- what changes from step to step --------------------------------------------------------------

Values = dict[str, tuple[Callable[[Tensor], Tensor], Callable[[np.ndarray], np.ndarray]]]


def of(i: int) -> Values:
    """Step ``i`` of each loop, for tensors and for arrays."""
    low = 8 * i
    rate = 0.1 * 0.9**i
    return {
        "rows": (lambda x: x[low : low + 8] * 2, lambda x: x[low : low + 8] * 2),
        "rows at odd places": (
            lambda x: x[3 * i + 1 : 3 * i + 4].sum(0),
            lambda x: x[3 * i + 1 : 3 * i + 4].sum(0),
        ),
        "the rows alone": (lambda x: x[low : low + 8], lambda x: x[low : low + 8]),
        "narrow": (lambda x: x.narrow(0, low, 4).exp(), lambda x: np.exp(x[low : low + 4])),
        "select": (lambda x: x[i] + 1, lambda x: x[i] + 1),
        "one element": (lambda x: x[i, 2 * i], lambda x: x[i, 2 * i]),
        "columns": (lambda x: x[:, i : i + 3].sum(1), lambda x: x[:, i : i + 3].sum(1)),
        "a column": (lambda x: x[:, i].tanh(), lambda x: np.tanh(x[:, i])),
        "both": (lambda x: x[low : low + 5, i : i + 2], lambda x: x[low : low + 5, i : i + 2]),
        "of a view": (
            lambda x: x.reshape(-1, 3, 4)[low : low + 8].sum(2),
            lambda x: x.reshape(-1, 3, 4)[low : low + 8].sum(2),
        ),
        "of a slice": (lambda x: x[low : low + 8][i, 1:].cos(), lambda x: np.cos(x[low + i, 1:])),
        "of what is computed": (
            lambda x: (x * 3)[low : low + 8].sum(1),
            lambda x: (x * 3)[low : low + 8].sum(1),
        ),
        "two at once": (
            lambda x: x[low : low + 8] - x[low + 1 : low + 9],
            lambda x: x[low : low + 8] - x[low + 1 : low + 9],
        ),
        "a number": (lambda x: x * rate + 1, lambda x: x * rate + 1),
        "two numbers": (lambda x: x * rate - (rate + 2), lambda x: x * rate - (rate + 2)),
        "a number and rows": (
            lambda x: (x[low : low + 8] / (2 + rate)).exp(),
            lambda x: np.exp(x[low : low + 8] / (2 + rate)),
        ),
        "a threshold": (
            lambda x: x.masked_fill(x > rate, -rate),
            lambda x: np.where(x > rate, -rate, x),
        ),
        "rolled": (lambda x: x.roll(i + 1, 0) * 2, lambda x: np.roll(x, i + 1, 0) * 2),
        "rolled along both": (
            lambda x: x.roll((i + 1, -i - 1), (0, 1)).sum(0),
            lambda x: np.roll(x, (i + 1, -i - 1), (0, 1)).sum(0),
        ),
        "rolled flat": (lambda x: x.roll(5 * i + 1) + x, lambda x: np.roll(x, 5 * i + 1) + x),
        "in zeros": (
            lambda x: x.pad((i, 6 - i, 2, 3)) + 1,
            lambda x: np.pad(x, ((2, 3), (i, 6 - i))) + 1,
        ),
        "a length": (
            lambda x: x * (Tensor.arange(12, device=x.device) < i + 3),
            lambda x: x * (np.arange(12) < i + 3),
        ),
    }


@pytest.mark.parametrize("name", of(0))
def test_a_loop_settles_and_is_right(device: str, name: str) -> None:
    x = Tensor(ROWS, device=device).realize()

    def step(i: int) -> None:
        mine, numpys = of(i)[name]
        np.testing.assert_allclose(mine(x).numpy(), numpys(ROWS), rtol=1e-5, atol=1e-6)

    assert settles(step)


# A part of ``x``, whose elements have their own numbers, at step ``i``.
PARTS: dict[str, Callable[..., Tensor]] = {
    "a slice": lambda x, i: x[8 * i : 8 * i + 8],
    "an element": lambda x, i: x[i, 2 * i],
    "a column": lambda x, i: x[:, i] * 1,
    "rolled": lambda x, i: x.roll(i + 1, 0)[:40],
}


@pytest.mark.parametrize("name", PARTS)
def test_gradients_settle(device: str, name: str) -> None:
    places = Tensor(np.arange(ROWS.size).reshape(ROWS.shape), device=device).realize()

    def step(i: int) -> None:
        x = Tensor(ROWS, device=device, requires_grad=True)
        (PARTS[name](x, i) * 3).sum().backward()
        assert x.grad is not None
        wanted = np.isin(np.arange(ROWS.size), PARTS[name](places, i).numpy()) * 3.0
        np.testing.assert_array_equal(x.grad.numpy(), wanted.reshape(ROWS.shape))

    made = plans_made(step)
    assert max(made) <= 2 and not any(made[2:])


def test_integers_and_halves(device: str) -> None:
    counts = Tensor(COUNTS, device=device).realize()
    halves = Tensor(ROWS, device=device, dtype=float16).realize()

    def step(i: int) -> None:
        found = (counts[5 * i : 5 * i + 5] * (i + 7)) // (i + 2)
        assert found.dtype is int64
        np.testing.assert_array_equal(found.numpy(), COUNTS[5 * i : 5 * i + 5] * (i + 7) // (i + 2))
        expected = ROWS.astype(np.float16)[i : i + 4] * np.float16(0.3 * i + 2)
        np.testing.assert_array_equal((halves[i : i + 4] * (0.3 * i + 2)).numpy(), expected)

    made = plans_made(step)
    assert not any(made[2:])


def test_permuted_batches(device: str) -> None:
    x, order = (Tensor(array, device=device).realize() for array in (ROWS, ORDER))

    def step(i: int) -> None:
        batch = x[order[16 * i : 16 * i + 16]]
        np.testing.assert_array_equal(batch.numpy(), ROWS[ORDER[16 * i : 16 * i + 16]])

    assert settles(step)


def test_numbers_that_make_graphs_simpler_stay_part_of_the_plan(device: str) -> None:
    x = Tensor(ROWS, device=device).realize()
    for factor in (0.5, 0.0, 1.0, -1.0, 0.25, 0.0, math.inf, math.nan, 3.0, math.nan):
        with np.errstate(invalid="ignore"):
            np.testing.assert_array_equal((x * factor).numpy(), ROWS * np.float32(factor))
    before = plan_cache().misses
    for factor in (0.0, 1.0, -1.0, 0.75, math.inf, math.nan):
        (x * factor).realize()
    assert plan_cache().misses == before


# -- training --------------------------------------------------------------------------------------


def model(device: str) -> nn.Module:
    return nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 4)).to(device)


@pytest.mark.parametrize("jitted", [False, True], ids=["eager", "jitted"])
def test_training_on_slices(device: str, jitted: bool) -> None:
    x = Tensor(ROWS, device=device).realize()
    y = Tensor(COUNTS % 4, device=device).realize()
    net = model(device)
    optimizer = optim.Adam(net.parameters(), lr=0.01)

    def train(images: Tensor, labels: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = net(images).cross_entropy(labels)
        loss.backward()
        optimizer.step()
        return loss

    run = jit(train) if jitted else train
    made = plans_made(lambda i: run(x[16 * i : 16 * i + 16], y[16 * i : 16 * i + 16]).item())
    assert not any(made[2:])


@pytest.mark.parametrize(
    "make",
    [
        lambda p: optim.SGD(p, lr=0.1),
        lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
        lambda p: optim.Adam(p, lr=0.1),
        lambda p: optim.AdamW(p, lr=0.1),
    ],
    ids=["SGD", "momentum", "Adam", "AdamW"],
)
def test_the_first_training_step_makes_the_only_plan(device: str, make: Callable) -> None:
    net = model(device)
    optimizer = make(net.parameters())
    x = Tensor(ROWS, device=device).realize()
    y = Tensor(COUNTS % 4, device=device).realize()

    def step(_: int) -> None:
        optimizer.zero_grad()
        loss = net(x).cross_entropy(y)
        loss.backward()
        optimizer.step()
        loss.item()

    assert plans_made(step) == [1, 0, 0, 0, 0, 0]


def test_a_rate_that_decays_by_hand(device: str) -> None:
    x = Tensor(ROWS, device=device).realize()
    weight = Tensor(np.ones((12, 1), np.float32), device=device, requires_grad=True)
    mine = np.ones((12, 1))

    def step(i: int) -> None:
        nonlocal mine
        rate = 0.1 * 0.8**i
        batch = slice(8 * i, 8 * i + 8)
        loss = (x[batch] @ weight).square().mean()
        loss.backward()
        with no_grad():
            weight.assign(weight - weight.grad * rate)
        weight.grad = None
        loss.item()
        rows = ROWS[batch].astype(np.float64)
        mine = mine - rate * 2 * rows.T @ (rows @ mine) / 8
        np.testing.assert_allclose(weight.detach().numpy(), mine, rtol=1e-4, atol=1e-5)

    made = plans_made(step)
    assert not any(made[3:])


@pytest.mark.parametrize("read", [True, False], ids=["read", "never read"])
def test_truncated_backpropagation_keeps_its_state(device: str, read: bool) -> None:
    inward, across = nn.Linear(6, 8).to(device), nn.Linear(8, 8).to(device)
    optimizer = optim.SGD([*inward.parameters(), *across.parameters()], lr=0.01)
    x = Tensor(STACK, device=device).realize()
    state = Tensor(np.zeros((8, 8), np.float32), device=device)
    sizes = []

    def step(i: int) -> None:
        nonlocal state
        state = state.detach()
        optimizer.zero_grad()
        for t in range(3):
            state = (inward(x[:, (3 * i + t) % 10]) + across(state)).tanh()
        loss = state.square().mean()
        loss.backward()
        optimizer.step()
        if read:
            loss.item()
        sizes.append(len(toposort([state._node])))

    made = plans_made(step, 16)
    assert not any(made[8:])
    assert sizes[-1] == sizes[4]


# -- pieces of memory ----------------------------------------------------------------------------


def piece(x: Tensor, start: int) -> Tensor:
    """A slice of 16 rows, after two that have made the plan."""
    for at in (0, 16, start):
        found = x[at : at + 16]
        found.realize()
    return found


def test_a_piece_is_shared_and_keeps_what_it_is_of(device: str) -> None:
    x = Tensor(np.tile(ROWS, (1, 8)), device=device).realize()  # 16 rows are 6,144 bytes
    found = piece(x, 64)
    memory = found._node.value.memory
    assert isinstance(memory, Part)
    assert memory.whole is x._node.value.memory
    del x, memory
    Tensor(np.zeros((96, 96), np.float32), device=device).realize()  # would take its place
    np.testing.assert_array_equal(found.numpy(), np.tile(ROWS, (1, 8))[64:80])


def test_a_piece_of_a_piece(device: str) -> None:
    x = Tensor(ROWS, device=device).realize()
    outer = piece(x, 32)
    for start in (1, 3, 7):
        np.testing.assert_array_equal(
            (outer[start : start + 2] + 1).numpy(), ROWS[32:48][start : start + 2] + 1
        )


def test_a_piece_does_not_see_what_its_handle_is_bound_to_later(device: str) -> None:
    x = Tensor(ROWS, device=device).realize()
    found = piece(x, 32) * 1  # a view would show what x is then
    x.assign(x * 0)
    x.realize()
    np.testing.assert_array_equal(found.numpy(), ROWS[32:48])


# -- what people see -------------------------------------------------------------------------------


def test_a_new_plan_says_what_changed(device: str, capsys: pytest.CaptureFixture[str]) -> None:
    x = Tensor(ROWS, device=device).realize()
    with config(debug=1):
        for i in range(4):
            (x[8 * i : 8 * i + 8] * (0.5 + 0.2 * i)).realize()
    told = [line for line in capsys.readouterr().err.splitlines() if "other numbers" in line]
    assert len(told) == 1
    assert "a slice starts at 8, was 0 in getitem (test_numbers.py:" in told[0]
    assert "a number is 0.7, was 0.5 in mul (test_numbers.py:" in told[0]
