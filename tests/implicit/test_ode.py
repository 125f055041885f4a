"""odeint: accuracy, times, containers; derivatives by time; what it says when it cannot go on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, jit, nn
from lazygrad.errors import ArgumentError, ConvergenceError, JitError, ShapeError, ValueRangeError
from lazygrad.func import grad, jvp
from lazygrad.implicit import odeint
from lazygrad.implicit.runge_kutta import DOPRI5, METHODS, weights_between

TIMES = np.array([0.0, 0.5, 2.0])


def spring(t: Tensor, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {"x": state["v"], "v": -state["x"]}


def test_a_spring_swings_forth_and_back(device: str) -> None:
    start = {"x": Tensor([[1.0]], device=device), "v": Tensor([[0.0]], device=device)}
    times = Tensor(TIMES.astype(np.float32), device=device)
    found = odeint(spring, start, times)
    assert (found["x"].shape, found["v"].device) == ((3, 1, 1), device)
    np.testing.assert_allclose(found["x"].numpy()[:, 0, 0], np.cos(TIMES), atol=1e-5)
    last = {name: value[-1] for name, value in found.items()}
    back = odeint(spring, last, times.flip(0))
    np.testing.assert_allclose(back["x"].numpy()[::-1, 0, 0], np.cos(TIMES), atol=1e-5)


@pytest.mark.parametrize("tol", [1e-4, 1e-7, 1e-10])
def test_errors_are_as_small_as_they_are_asked_to_be(tol: float) -> None:
    times = np.linspace(0, 3, 7)
    found = odeint(lambda t, y: t.cos() * y, Tensor(np.ones(1)), Tensor(times), rtol=tol, atol=tol)
    error = np.abs(found.numpy()[:, 0] / np.exp(np.sin(times)) - 1).max()
    assert tol / 1e3 < error < tol * 10  # neither more nor much less work than is needed


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("rk4", 4)])
def test_fixed_steps_have_their_order(method: str, order: int) -> None:
    def error(steps: int) -> float:
        t = Tensor([0.0, 1.0], dtype="float64")
        found = odeint(
            lambda t, y: -t * y, Tensor(np.ones(1)), t, method=method, options={"steps": steps}
        )
        return abs(found.numpy()[1, 0] - np.exp(-0.5))

    assert error(16) / error(32) == pytest.approx(2**order, rel=0.15)


def test_a_step_size_is_the_largest_one() -> None:
    def of(**options: Any) -> list[float]:
        t = Tensor([0.0, 1.0, 1.5])
        found: list[float] = odeint(
            lambda t, y: -y, Tensor(1.0), t, method="rk4", options=options
        ).tolist()
        return found

    assert of(step_size=0.3) == of(steps=4) != of(steps=1)


def test_tableaus_are_consistent() -> None:
    for method in METHODS.values():
        rows = [*((row, at) for row, at in zip(method.stages, method.nodes[1:], strict=True))]
        for row, node in [*rows, (method.weights, 1), (method.error or (0,), 0)]:
            assert sum(row) == pytest.approx(node, abs=1e-14)
    between = weights_between(DOPRI5, Tensor([0.0, 0.3, 1.0], dtype="float64")).numpy()
    np.testing.assert_allclose(between[2], DOPRI5.weights, atol=1e-13)
    np.testing.assert_allclose(between.sum(1), [0, 0.3, 1], atol=1e-13)


@pytest.mark.parametrize("adjoint", [False, True])
def test_derivatives_by_time(adjoint: bool) -> None:
    def f(t: Tensor) -> Tensor:
        return odeint(lambda t, y: 2 * t * y, Tensor(np.ones(1)), t, adjoint=adjoint)[:, 0]

    t = np.array([0.5, 1.0, 1.25])
    state = np.exp(t**2 - t[0] ** 2)
    by_first = np.where(t == t[0], 0, -2 * t[0] * state)
    jacobian = np.diag(np.where(t == t[0], 0, 2 * t * state)) + np.outer(by_first, t == t[0])
    weights = np.array([1.0, 2.0, 3.0])
    found = grad(lambda t: (f(t) * Tensor(weights)).sum())(Tensor(t)).numpy()
    np.testing.assert_allclose(found, weights @ jacobian, rtol=2e-5)
    moved = jvp(f, (Tensor(t),), (Tensor(weights),))[1].numpy()
    np.testing.assert_allclose(moved, jacobian @ weights, rtol=2e-5)


def test_gradients_of_the_steps_and_of_the_solution_agree() -> None:
    layer = nn.Linear(2, 2)
    found = []
    for adjoint in (False, True):
        layer.zero_grad()
        states = odeint(
            lambda t, y: layer(y).tanh() + t, Tensor([1.0, 2.0]), Tensor([0.0, 0.5, 1.0]),
            adjoint=adjoint,
        )  # fmt: skip
        (states**2).sum().backward()
        assert layer.weight.grad is not None
        found.append(layer.weight.grad.numpy())
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4, atol=1e-5)


def test_what_has_no_end_says_where_it_stopped() -> None:
    with pytest.raises(ConvergenceError, match=r"^\[odeint\] .* went 50\.0\d*% of the way"):
        odeint(lambda t, y: y * y, Tensor(1.0), Tensor([0.0, 2.0]))
    with pytest.raises(ConvergenceError, match=r" 1 step of dopri5 went 12\.5\d*% of the way"):
        odeint(lambda t, y: y * 0, Tensor(1.0), Tensor([1.0, 5.0]),
               options={"max_num_steps": 1, "first_step": 0.5})  # fmt: skip
    stiff = {"max_num_steps": 16}
    with pytest.raises(ConvergenceError, match="16 steps of dopri5 went") as told:
        odeint(lambda t, y: -1000 * y, Tensor(1.0), Tensor([0.0, 2.0]), options=stiff)
    assert told.value.iterations == 16
    lost = jit(lambda y: odeint(lambda t, y: -1000 * y, y, Tensor([0.0, 2.0]), options=stiff))
    assert np.isnan(lost(Tensor(1.0)).numpy()).all()


def test_what_is_refused() -> None:
    y, t = Tensor(1.0), Tensor([0.0, 1.0])
    with pytest.raises(ShapeError, match="at least two of them"):
        odeint(lambda t, y: y, y, Tensor([0.0]))
    with pytest.raises(ArgumentError, match="t must be a Tensor"):
        odeint(lambda t, y: y, y, [0.0, 1.0])
    with pytest.raises(ValueRangeError, match="dopri5, rk4, euler, got 'bdf'"):
        odeint(lambda t, y: y, y, t, method="bdf")
    with pytest.raises(ValueRangeError, match="'norm' .* is none of them"):
        odeint(lambda t, y: y, y, t, options={"norm": 1})
    with pytest.raises(JitError, match='give options={"steps": ...}'):
        jit(lambda t: odeint(lambda t, y: y, y, t, method="rk4", options={"step_size": 0.1}))(t)
