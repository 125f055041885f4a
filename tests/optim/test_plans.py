"""A training step is one plan from the first one on, and a scheduler never makes another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, config, jit, nn, optim
from lazygrad.inspect import plan_cache
from lazygrad.runtime import executor
from tests.optim.makers import MAKERS

MAKE = {**MAKERS, "Muon": lambda params: optim.Muon([p for p in params if p.ndim == 2], lr=0.1)}
X = np.random.default_rng(0).standard_normal((8, 3)).astype(np.float32)


def training(device: str, name: str) -> tuple[Any, Any, Any]:
    with config(backend=device):
        model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
        for number, param in enumerate(model.parameters()):
            value = np.random.default_rng(number).standard_normal(param.shape)
            param.assign(Tensor(value.astype(np.float32), device=device))
        optimizer = MAKE[name](list(model.parameters()))

    def step(x: Tensor) -> Tensor:
        model.zero_grad()
        loss = (model(x) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return model, optimizer, step


@pytest.mark.parametrize("name", MAKE)
def test_an_eager_step_is_one_plan_from_the_first_on(
    device: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, step = training(device, name)
    runs = []
    run = executor.realize
    monkeypatch.setattr(executor, "realize", lambda wanted: (runs.append(len(wanted)), run(wanted)))
    x = Tensor(X, device=device)
    made = []
    for _ in range(4):
        runs.clear()
        before = plan_cache().misses
        step(x)
        assert len(runs) == 1
        made.append(plan_cache().misses - before)
    assert made[1:] == [0, 0, 0]


@pytest.mark.parametrize("name", MAKE)
def test_eager_and_jitted_steps_agree(device: str, name: str) -> None:
    model, _, step = training(device, name)
    other, _, jitted = training(device, name)
    jitted = jit(jitted)
    x = Tensor(X, device=device)
    for _ in range(4):
        loss, same = step(x), jitted(x)
        np.testing.assert_allclose(same.numpy(), loss.numpy(), rtol=1e-5)
    for ours, theirs in zip(model.parameters(), other.parameters(), strict=True):
        found, wanted = theirs.detach().numpy(), ours.detach().numpy()
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


SCHEDULERS = {
    "StepLR": lambda o: optim.lr_scheduler.StepLR(o, 2),
    "CosineAnnealingLR": lambda o: optim.lr_scheduler.CosineAnnealingLR(o, 10),
    "LinearLR": lambda o: optim.lr_scheduler.LinearLR(o),
    "OneCycleLR": lambda o: optim.lr_scheduler.OneCycleLR(o, 0.5, total_steps=10),
    "CyclicLR": lambda o: optim.lr_scheduler.CyclicLR(o, 0.01, 0.5, step_size_up=3),
}


@pytest.mark.parametrize("jitted", [False, True], ids=["eager", "jitted"])
@pytest.mark.parametrize("name", ["momentum", "NAdam"])
@pytest.mark.parametrize("schedule", SCHEDULERS)
def test_a_scheduler_makes_no_other_plan(
    device: str, schedule: str, name: str, jitted: bool
) -> None:
    _, optimizer, step = training(device, name)
    scheduler = SCHEDULERS[schedule](optimizer)
    if jitted:
        step = jit(step)
    x, made = Tensor(X, device=device), []
    for _ in range(8):
        before = plan_cache().misses
        step(x)
        scheduler.step()
        made.append(plan_cache().misses - before)
    assert made[1:] == 7 * [0]
    if jitted:
        assert step.captures == 1


@pytest.mark.parametrize("name", ["momentum", "Adam", "NAdam", "Lion"])
def test_jitted_steps_see_momentum_that_a_scheduler_sets(device: str, name: str) -> None:
    model, optimizer, step = training(device, name)
    other, jitted_optimizer, jitted = training(device, name)
    jitted = jit(jitted)
    x = Tensor(X, device=device)
    made = [SCHEDULERS["OneCycleLR"](o) for o in (optimizer, jitted_optimizer)]
    start = [param.detach().numpy() for param in model.parameters()]
    for _ in range(6):
        step(x), jitted(x)
        for scheduler in made:
            scheduler.step()
    for before, ours, theirs in zip(start, model.parameters(), other.parameters(), strict=True):
        found, wanted = theirs.detach().numpy(), ours.detach().numpy()
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-5)
        assert not np.allclose(wanted, before, rtol=1e-2)
    # against NumPy, which has momentum as it was set before each step
    if name == "momentum":
        expected = momentum_by_hand(device)
        np.testing.assert_allclose([p.item() for p in expected[0]], expected[1], rtol=1e-5)


def momentum_by_hand(device: str) -> tuple[list[Tensor], list[float]]:
    param = Tensor([1.0], device=device, requires_grad=True)
    optimizer = optim.SGD([param], lr=0.1, momentum=0.9)
    scheduler = optim.lr_scheduler.OneCycleLR(optimizer, 0.5, total_steps=10)

    @jit
    def step() -> None:
        optimizer.zero_grad()
        param.square().sum().backward()
        optimizer.step()

    value, velocity = 1.0, 0.0
    for _ in range(6):
        group = optimizer.param_groups[0]
        velocity = group["momentum"] * velocity + 2 * value
        value -= group["lr"] * velocity
        step()
        scheduler.step()
    return [param], [value]
