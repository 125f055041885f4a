"""Solvers are traced once and end when they are done: what is called, traced, launched and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, jit, nn, no_grad
from lazygrad.func import custom_vjp, grad, jvp, vmap, while_loop
from lazygrad.implicit import argmin, cg, fixed_point, gmres, kept, odeint, root
from lazygrad.runtime import cache, loops, steps as codes

TIMES = [0.0, 0.3, 1.0]
SIZE = 40  # more equations than are solved by their matrix


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    kept.clear()
    yield
    kept.clear()


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the steps of loops that run, one for each launch of a step; none runs inside
    of a launch."""
    monkeypatch.setattr(codes, "_taken", lambda *loop: False)
    found: list[int] = []
    at = loops._Launches.at

    def told(launches: Any, count: int) -> Callable[[], None]:
        found.append(count)
        return at(launches, count)

    monkeypatch.setattr(loops._Launches, "at", told)
    return found


def done(steps: list[int]) -> list[int]:
    """How many steps each loop has done, and forgets them."""
    starts = [n for n, count in enumerate(steps) if count == 0 and (not n or steps[n - 1] != 0)]
    counts = [max(steps[a:b]) + 1 for a, b in zip(starts, [*starts[1:], len(steps)], strict=True)]
    steps.clear()
    return counts


SOLVERS: dict[str, Callable[[Tensor], Tensor]] = {
    "picard": lambda p: fixed_point(lambda x: (x + p / x) / 2, p * 0 + 1, method="picard"),
    "anderson": lambda p: fixed_point(lambda x: (x + p / x) / 2, p * 0 + 1),
    "newton": lambda p: root(lambda x: x * x - p, p * 0 + 1),
    "broyden": lambda p: root(lambda x: x * x - p, p * 0 + 1, method="broyden"),
    "argmin": lambda p: argmin(lambda x: (x**3 / 3 - p * x).sum(), p * 0 + 1),
    "cg": lambda p: cg(lambda x: x / p.sqrt(), p * 0 + 1),
    "gmres": lambda p: gmres(lambda x: x / p.sqrt(), p * 0 + 1),
    "dopri5": lambda p: _by_time(p, adjoint=False),
    "dopri5 adjoint": lambda p: _by_time(p, adjoint=True),
}


def _by_time(p: Tensor, adjoint: bool) -> Tensor:
    rate, times = p.log() / 2, Tensor([0.0, 0.25, 1.0], device=p.device).to(p.dtype)
    return odeint(lambda t, y: rate * y, p * 0 + 1, times, adjoint=adjoint)[-1]


@pytest.mark.parametrize("name", SOLVERS)
def test_the_second_time_nothing_is_traced_planned_or_kept_anew(name: str) -> None:
    solve = SOLVERS[name]

    def once(of: float) -> tuple[Any, int, int]:
        p = Tensor(np.full(SIZE, of, np.float32), requires_grad=True)
        found = solve(p)
        found.sum().backward()
        assert p.grad is not None
        np.testing.assert_allclose(found.numpy(), of**0.5, rtol=1e-4)
        np.testing.assert_allclose(p.grad.numpy(), of**-0.5 / 2, rtol=1e-3)
        solvers = list(kept._kept.values())
        return solvers, sum(s.captures for s in solvers), cache.statistics.misses

    solvers, traces, _ = once(2.0)
    # The solution by itself, and the system of its derivative or the equation back. That of a
    # symmetric matrix is the same one; steps are gone back without a solver.
    assert len(solvers) == traces == (1 if name in ("dopri5", "cg", "gmres") else 2)
    _, _, planned = once(3.0)  # what is not kept may learn that numbers differ
    assert once(4.0) == (solvers, traces, planned)


def test_derivatives_in_both_modes_to_second_order_of_what_is_replayed() -> None:
    for of in (2.0, 3.0):
        p = Tensor(np.full(SIZE, of))
        ones = p * 0 + 1
        for solve in (SOLVERS["anderson"], SOLVERS["newton"], SOLVERS["dopri5 adjoint"]):
            slope = grad(lambda p, solve=solve: solve(p).sum())
            forth = jvp(solve, (p,), (ones,))[1]
            np.testing.assert_allclose(forth.numpy(), of**-0.5 / 2, rtol=1e-5)
            np.testing.assert_allclose(slope(p).numpy(), of**-0.5 / 2, rtol=1e-5)
            second = jvp(slope, (p,), (ones,))[1].numpy()
            np.testing.assert_allclose(second, -(of**-1.5) / 4, rtol=1e-4)


def test_a_solver_is_told_by_what_it_solves() -> None:
    calls = []

    def solved(of: Tensor, rate: float) -> float:
        def halves(x: Tensor) -> Tensor:
            calls.append(rate)
            return rate * x + of

        found: float = fixed_point(halves, of * 0, method="picard", tol=1e-6).item()
        return found

    with no_grad():
        assert solved(Tensor(1.0), 0.5) == pytest.approx(2, rel=1e-5)
        assert solved(Tensor(3.0), 0.5) == pytest.approx(6, rel=1e-5)
        assert len(kept._kept) == 1
        assert solved(Tensor(3.0), 0.25) == pytest.approx(4, rel=1e-5)
        assert len(kept._kept) == 2
        shared = Tensor(3.0)
        found = fixed_point(lambda x: shared * x + shared, shared * 0, maxiter=500)
        one, other = Tensor(0.5), Tensor(3.0)  # the same graph but for who is who
        found = fixed_point(lambda x: one * x + other, one * 0, method="picard")
        assert found.item() == pytest.approx(6, rel=1e-4)
    assert calls == [0.5, 0.5, 0.25]  # a call each: what they do must be known


def test_fields_of_modules_follow_their_parameters(device: str) -> None:
    layer = nn.Linear(2, 2).to(device)
    y0, times = Tensor([[1.0, -1.0]], device=device), Tensor(TIMES, device=device)

    def loss() -> Any:
        layer.zero_grad()
        found = odeint(lambda t, y: layer(y).tanh(), y0, times)[-1].square().sum()
        found.backward()
        assert layer.weight.grad is not None
        return found.item(), layer.weight.grad.numpy()

    value, slope = loss()
    step = 1e-2
    with no_grad():
        layer.weight -= step * layer.weight.grad
    after, other = loss()
    assert len(kept._kept) == 1
    assert value - after == pytest.approx(step * (slope * other).sum(), rel=0.1)
    layer.double()
    y0, times = y0.double(), times.double()
    assert loss()[0] == pytest.approx(after, rel=1e-4)


def test_rules_of_users_are_theirs() -> None:
    @custom_vjp
    def doubled(x: Tensor) -> Tensor:
        return 2 * x

    def solved(p: Tensor, factor: float) -> Tensor:
        doubled.defvjp(lambda x: (2 * x, ()), lambda kept, g: (factor * g,))
        return root(lambda x: doubled(x) - p, p * 0)

    for factor in (2.0, 4.0):  # Newton's steps are of what the rule says
        assert solved(Tensor([3.0]), factor).item() == pytest.approx(1.5, rel=1e-5)


def test_operands_are_let_go() -> None:
    import gc
    import weakref

    def memory() -> weakref.ref[Any]:
        p = Tensor(np.full(100_000, 0.5, np.float32)).realize()
        assert fixed_point(lambda x: p * x + 1, p * 0, method="picard").shape == p.shape
        return weakref.ref(p._node)

    seen = memory()
    gc.collect()
    assert seen() is None


# -- loops that end ----------------------------------------------------------------------------


def test_a_loop_ends_with_its_condition(device: str, steps: list[int]) -> None:
    def doubled(x: Tensor, most: int) -> Tensor:
        return while_loop(lambda x: (x < 100).all(), lambda x: 2 * x, x, max_steps=most)

    x = Tensor([3.0, 1.0], device=device)
    for most in (1000, 1001):
        assert doubled(x, most).tolist() == [192, 64]
        assert done(steps)[0] < 30
        mapped = vmap(lambda x, most=most: doubled(x.unsqueeze(0), most))(x)
        assert mapped.tolist() == [[192], [128]]
        assert done(steps)[0] < 30
        assert jvp(lambda x, most=most: doubled(x, most), (x,), (x,))[1].tolist() == [192, 64]
        assert done(steps)[0] < 30
    for most in range(4):
        assert doubled(x, most).tolist() == [3 * 2**most, 2**most]
    # The way back needs what each step began with.
    assert grad(lambda x: doubled(x, 1000)[0])(x).tolist() == [64, 0]


def test_steps_between_two_looks(steps: list[int]) -> None:
    """The host of NumPy sees values at once: it looks after each second step."""
    x = Tensor(1.0)
    for most, expected in ((1000, 8), (1001, 7)):
        found = while_loop(lambda x: x < 100, lambda x: 2 * x, x, max_steps=most)
        assert (found.item(), done(steps)) == (128, [expected])
    assert while_loop(lambda x: x < 0, lambda x: 2 * x, x, max_steps=100).item() == 1
    assert done(steps) == [2]
    assert while_loop(lambda x: x < 0, lambda x: 2 * x, x, max_steps=1).item() == 1


@pytest.mark.parametrize("name", ["anderson", "newton", "argmin", "cg", "gmres", "dopri5 adjoint"])
def test_jitted_solvers_do_as_many_steps_as_others(name: str, steps: list[int]) -> None:
    solve = SOLVERS[name]
    slope = grad(lambda p: solve(p).sum())
    p = Tensor(np.full(SIZE, 2.0, np.float32))
    np.testing.assert_allclose(slope(p).numpy(), 2**-0.5 / 2, rtol=1e-3)
    eager = done(steps)
    jitted = jit(slope)
    jitted(p)
    steps.clear()
    np.testing.assert_allclose(jitted(p).numpy(), 2**-0.5 / 2, rtol=1e-3)
    assert done(steps) == eager
    assert max(eager) <= 26  # of the 100 to 1000 that there may be
