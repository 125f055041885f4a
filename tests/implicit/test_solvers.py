"""What solvers promise beside derivatives: containers, parameters from outside, what they say when
there is no solution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, jit, nn, no_grad, rand
from lazygrad.errors import (
    ArgumentError,
    ConvergenceError,
    DtypeError,
    JitError,
    LinAlgError,
    ShapeError,
    ValueRangeError,
    WriteError,
)
from lazygrad.func import vmap
from lazygrad.implicit import argmin, cg, fixed_point, gmres, linear_solve, odeint, root

random = np.random.default_rng(0)
MATRIX = random.normal(size=(40, 40)) + 6 * np.eye(40)
SPREAD = MATRIX @ MATRIX.T
SIDE = random.normal(size=40)


# -- linear systems --------------------------------------------------------------------------------


def test_systems_of_many_equations(device: str) -> None:
    matrix, spread = (Tensor(m.astype(np.float32), device=device) for m in (MATRIX, SPREAD))
    side = Tensor(SIDE.astype(np.float32), device=device)
    found = gmres(lambda x: matrix @ x, side)
    np.testing.assert_allclose(found.numpy(), np.linalg.solve(MATRIX, SIDE), rtol=1e-4, atol=1e-5)
    found = cg(spread, side)
    np.testing.assert_allclose(found.numpy(), np.linalg.solve(SPREAD, SIDE), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("method", ["gmres", "lu"])
def test_a_rotation_has_no_direction_that_helps_at_once(method: str) -> None:
    turn = Tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    found = linear_solve(lambda x: turn @ x, Tensor([1.0, 0.0, 0.0]), method=method)
    np.testing.assert_allclose(found.numpy(), [0, 1, 0], atol=1e-6)


def test_stacks_of_matrices_are_systems_of_their_own() -> None:
    stack = np.stack([SPREAD[:4, :4], 1e6 * SPREAD[4:8, 4:8]])
    sides = SIDE[:8].reshape(2, 4)
    wanted = np.stack([np.linalg.solve(m, b) for m, b in zip(stack, sides, strict=True)])
    for solve in (cg, gmres):
        np.testing.assert_allclose(solve(Tensor(stack), Tensor(sides)).numpy(), wanted, rtol=1e-6)


def test_containers_and_first_guesses() -> None:
    def blocks(x: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"a": 2 * x["a"] + x["b"].sum(), "b": 4 * x["b"]}

    side = {"a": Tensor(1.0), "b": Tensor([[4.0], [8.0]])}
    for method in ("lu", "gmres"):
        found = linear_solve(blocks, side, method=method)
        np.testing.assert_allclose(found["a"].item(), -1, rtol=1e-5)
        np.testing.assert_allclose(found["b"].numpy(), [[1], [2]], rtol=1e-5)
    exact = {"a": Tensor(-1.0), "b": Tensor([[1.0], [2.0]])}
    found = gmres(blocks, side, exact, maxiter=1)
    assert found["b"].tolist() == [[1], [2]]


def test_nothing_is_the_solution_for_nothing() -> None:
    assert cg(Tensor([[2.0]]), Tensor([0.0])).tolist() == [0]


# -- what they run on ------------------------------------------------------------------------------


def test_parameters_of_modules_get_their_gradients(device: str) -> None:
    layer = nn.Linear(3, 3).to(device)
    x = Tensor([0.1, 0.2, 0.3], device=device)
    fixed_point(lambda z: (0.3 * layer(z) + x).tanh(), x * 0).sum().backward()
    assert layer.weight.grad is not None and layer.bias.grad is not None
    found, layer.weight.grad, layer.bias.grad = layer.bias.grad.numpy(), None, None
    z = x * 0
    for _ in range(30):
        z = (0.3 * layer(z) + x).tanh()
    z.sum().backward()
    np.testing.assert_allclose(found, layer.bias.grad.numpy(), rtol=1e-4)


def test_there_is_no_history_without_gradients() -> None:
    p = Tensor(2.0, requires_grad=True)
    with no_grad():
        made = [
            root(lambda x: x * x - p, Tensor(1.0)),
            odeint(lambda t, y: -p * y, Tensor(1.0), Tensor([0.0, 1.0])),
        ]
    assert [x.requires_grad for x in made] == [False, False]
    np.testing.assert_allclose(made[0].item(), 2**0.5, rtol=1e-5)


def test_random_numbers_stay_the_same_while_it_is_solved() -> None:
    found = fixed_point(lambda x: x / 2 + rand(3), Tensor([0.0, 0.0, 0.0]), method="picard")
    assert len(set(found.tolist())) == 3


def test_functions_are_pure_and_do_not_look_at_values() -> None:
    count = Tensor(0.0)
    x = Tensor([1.0])
    with pytest.raises(WriteError, match="would be lost"):
        fixed_point(lambda x: x / 2 + count.add_(1), x)
    with pytest.raises(JitError, match=r"\[root\] the value of a tensor"):
        root(lambda x: x - 1 if x.item() > 0 else x, x)


def test_anderson_takes_fewer_iterations_than_picard() -> None:
    def slow(x: Tensor) -> Tensor:
        return 0.95 * x.roll(1) + 1

    start = Tensor(np.zeros(4))
    fixed_point(slow, start, maxiter=20)
    with pytest.raises(ConvergenceError, match="after 20 iterations of picard"):
        fixed_point(slow, start, method="picard", maxiter=20)


@pytest.mark.parametrize("method", ["newton", "broyden"])
def test_roots_of_a_system(method: str) -> None:
    def f(x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return x[0] ** 2 + x[1] ** 2 - 4, x[0] * x[1] - 1

    x, y = root(f, (Tensor(2.0), Tensor(0.0)), method=method)
    np.testing.assert_allclose([x.item() ** 2 + y.item() ** 2, x.item() * y.item()], [4, 1], 1e-5)


def test_the_valley_of_rosenbrock() -> None:
    def f(x: Tensor) -> Tensor:
        return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2

    np.testing.assert_allclose(argmin(f, Tensor([-1.2, 1.0]), tol=1e-3).numpy(), [1, 1], rtol=1e-3)


# -- where there is no solution --------------------------------------------------------------------


def test_what_does_not_converge_says_how_far_it_came() -> None:
    with pytest.raises(ConvergenceError, match=r"^\[root\] no solution: the residual is 1") as told:
        root(lambda x: x * x + 1, Tensor(0.5), maxiter=6)
    assert told.value.iterations == 6 and told.value.residual == pytest.approx(1, abs=0.5)
    assert "6 iterations of newton, and tol is 1e-05" in str(told.value)
    with pytest.raises(ConvergenceError, match="it diverges"):
        fixed_point(lambda x: x * x + 2, Tensor(2.0), method="picard")
    with pytest.raises(ConvergenceError, match=r"^\[gmres\] .* after 3 iterations of gmres"):
        gmres(Tensor(MATRIX), Tensor(SIDE), maxiter=3)
    with pytest.raises(LinAlgError):
        linear_solve(lambda x: 0 * x, Tensor([1.0])).item()


def test_it_is_nan_where_nobody_can_look() -> None:
    def diverges(x: Tensor) -> Tensor:
        return fixed_point(lambda z: 2 * z + x, x, method="picard", maxiter=5)

    assert np.isnan(jit(diverges)(Tensor([1.0, 2.0])).numpy()).all()

    def sometimes(rate: Tensor) -> Tensor:
        return fixed_point(lambda z: rate * z + 1, rate * 0, method="picard", maxiter=30)

    found = vmap(sometimes)(Tensor([0.5, 2.0])).numpy()
    assert found[0] == pytest.approx(2, rel=1e-4) and np.isnan(found[1])


REFUSED: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: fixed_point(lambda x: x, Tensor([1])), DtypeError, "x0 must be of one float dtype"),
    (lambda: fixed_point(lambda x: x, "a"), ArgumentError, "x0 must be a Tensor, got 'a'"),
    (lambda: fixed_point(lambda x: x[:1], Tensor([1.0, 2.0])), ShapeError, r"returns shape \(1,\)"),
    (lambda: root(lambda x: (x, x), Tensor(1.0)), ArgumentError, "a container like x0"),
    (lambda: root(lambda x: x.double(), Tensor(1.0)), DtypeError, "returns float64"),
    (lambda: root(lambda x: x, Tensor(1.0), method="b"), ValueRangeError, "newton, broyden, got"),
    (lambda: root(lambda x: x, Tensor(1.0), maxiter=0), ValueRangeError, "maxiter must be"),
    (lambda: argmin(lambda x: x, Tensor([1.0])), ShapeError, r"a scalar, got \(1,\)"),
    (lambda: linear_solve(3, Tensor([1.0])), ArgumentError, "a Tensor or a function, got 3"),
    (lambda: cg(Tensor([[1.0]]), Tensor([1.0, 2.0])), ShapeError, "they must be"),
    (
        lambda: root(lambda x: x, Tensor(1.0), linear_solver="qr"),
        ValueRangeError,
        "linear_solver must be lu, cg, gmres or None, got 'qr'",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED)
def test_what_is_refused(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
