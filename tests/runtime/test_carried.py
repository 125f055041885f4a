"""State that a loop carries on without its history is computed once, from the second step on with
the step that it belongs to, and nothing is planned after that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, nn, optim
from lazygrad.graph import toposort
from lazygrad.inspect import plan_cache
from lazygrad.runtime import cache, carried
from lazygrad.runtime.program import CompiledPlan

STEPS, TIMES = 6, 2
DATA = np.random.default_rng(0).standard_normal((4, STEPS * TIMES, 5)).astype(np.float32)


class Loop:
    """Truncated backpropagation through time; ``state`` is what goes on from step to step."""

    def __init__(self, device: str, start: Callable[[str], Any]) -> None:
        self.cell = nn.Linear(5, 6).to(device)
        self.recurrent = nn.Linear(6, 6).to(device)
        self.optimizer = optim.SGD([*self.cell.parameters(), *self.recurrent.parameters()], lr=0.1)
        self.data = Tensor(DATA, device=device).realize()
        self.state = start(device)

    def forward(self, state: Tensor, number: int) -> tuple[Tensor, Tensor]:
        loss: Any = 0
        for t in range(TIMES):
            x = self.data[:, number * TIMES + t]
            state = (self.cell(x) + self.recurrent(state)).tanh()
            loss = loss + state.square().mean()
        return state, loss

    def update(self, loss: Tensor) -> float:
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


def detached_before(loop: Loop, number: int) -> float:
    loop.state, loss = loop.forward(loop.state.detach(), number)
    return loop.update(loss)


def detached_after(loop: Loop, number: int) -> float:
    state, loss = loop.forward(loop.state, number)
    value = loop.update(loss)
    loop.state = state.detach()
    return value


def detached_view(loop: Loop, number: int) -> float:
    state, loss = loop.forward(loop.state.detach().T, number)
    loop.state = state.T
    return loop.update(loss)


def one_of_the_middle(loop: Loop, number: int) -> float:
    """Windows that overlap: the next one begins with the first state of this one."""
    state, first = loop.forward(loop.state.detach(), number)
    loop.state = state
    _, second = loop.forward(state, number)
    return loop.update(first + second)


def zeros(device: str) -> Tensor:
    return Tensor.zeros(4, 6, device=device)


def array(device: str) -> Tensor:
    return Tensor(np.zeros((4, 6), np.float32), device=device)


def turned(device: str) -> Tensor:
    return Tensor(np.zeros((6, 4), np.float32), device=device)


LOOPS = [
    (detached_before, zeros), (detached_before, array), (detached_after, array),
    (detached_view, turned), (one_of_the_middle, array),
]  # fmt: skip
IDS = [f"{loop.__name__}-{start.__name__}" for loop, start in LOOPS]


@pytest.mark.parametrize("loop,start", LOOPS, ids=IDS)
def test_nothing_is_planned_after_the_second_step(
    device: str,
    loop: Callable[[Loop, int], float],
    start: Callable[[str], Any],
    plans_run: list[CompiledPlan],
) -> None:
    training = Loop(device, start)
    cache.clear()
    made, runs, sizes = [], [], []
    for number in range(STEPS):
        before = plan_cache().misses
        plans_run.clear()
        loop(training, number)
        made.append(plan_cache().misses - before)
        runs.append(len(plans_run))
        sizes.append(len(toposort([training.state._node])))
    assert not any(made[2:]), made
    assert set(runs[2:]) == {1}, runs  # the state is not computed again
    assert max(sizes[2:]) <= max(sizes[:2])


@pytest.mark.parametrize("loop,start", LOOPS, ids=IDS)
def test_it_computes_what_a_loop_does_whose_state_is_read(
    device: str, loop: Callable[[Loop, int], float], start: Callable[[str], Any]
) -> None:
    plain, read = Loop(device, start), Loop(device, start)
    for mine, other in zip(
        read.optimizer.param_groups[0]["params"], plain.optimizer.param_groups[0]["params"],
        strict=True,
    ):  # fmt: skip
        mine.data = other.detach().clone()
    for number in range(4):
        loss = loop(plain, number)
        read.state.realize()
        assert loop(read, number) == pytest.approx(loss, rel=1e-5)


def test_lines_that_are_known_are_few(device: str) -> None:
    carried.clear()
    weight = Tensor(np.zeros(3, np.float32), device=device, requires_grad=True)
    for number in range(carried.LIMIT + 5):
        names: dict[str, Any] = {}
        code = f"def step(state):\n    return (state * {number + 2}).exp()"
        exec(compile(code, f"line-{number}", "exec"), names)
        state = names["step"](weight)
        Tensor(np.ones(1), device=device).exp().realize()  # a plan lies between
        state.detach().sum().item()
    assert len(carried._known) == carried.LIMIT
