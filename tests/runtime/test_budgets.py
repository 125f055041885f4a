"""What must not grow: Python calls a realisation, nodes and memory over a training loop, time of
planning with the length of the graph (counted in calls, not seconds)."""

import gc
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, jit, nn, optim
from lazygrad.graph import interned_count
from lazygrad.inspect import plan_cache
from lazygrad.runtime import cache
from lazygrad.runtime.memory import pool
from tests.schedule.planning import plan_of


def calls_in(function: Callable[[], Any]) -> int:
    """Python calls inside lazygrad and its backends while ``function`` runs."""
    count = 0

    def profile(frame: Any, event: str, arg: Any) -> None:
        nonlocal count
        if event == "call" and frame.f_globals.get("__name__", "").startswith("lazygrad"):
            count += 1

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count


def test_a_warm_realisation_takes_few_calls(device: str) -> None:
    a, b = (
        Tensor(np.ones(4, np.float32), device=device),
        Tensor(np.ones(4, np.float32), device=device),
    )
    (a + b).realize()
    again = a - 0 + b
    again = a + b
    again.realize()
    fresh = Tensor(np.ones(4, np.float32), device=device) + b
    assert calls_in(fresh.realize) <= 90


def model_and_step(device: str) -> tuple[nn.Module, Callable[[Tensor, Tensor], Tensor]]:
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3)
    ).to(device)
    optimizer = optim.Adam(model.parameters(), lr=1e-3)

    def step(x: Tensor, y: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = model(x).cross_entropy(y)
        loss.backward()
        optimizer.step()
        return loss

    return model, step


def batch(device: str) -> tuple[Tensor, Tensor]:
    x = np.random.default_rng(0).standard_normal((5, 1, 4, 4)).astype(np.float32)
    return Tensor(x, device=device), Tensor(np.array([0, 1, 2, 0, 1]), device=device)


@pytest.mark.parametrize("jitted", [False, True])
@pytest.mark.parametrize("read", [False, True])
def test_a_training_loop_grows_nothing(device: str, jitted: bool, read: bool) -> None:
    _, step = model_and_step(device)
    run = jit(step) if jitted else step
    x, y = batch(device)
    gc.collect()  # what earlier tests left in circles
    sizes = []
    for _ in range(24):
        loss = run(x, y)
        if read:
            loss.item()
        sizes.append((interned_count(), pool(device).in_use))
    assert sizes[-1] == sizes[10]


def test_plans_are_reused_without_jit(device: str) -> None:
    _, step = model_and_step(device)
    x, y = batch(device)
    for _ in range(3):
        step(x, y)
    before = plan_cache().misses
    for _ in range(5):
        step(x, y)
    assert plan_cache().misses == before


def test_a_jitted_replay_takes_few_calls_a_kernel(device: str) -> None:
    _, step = model_and_step(device)
    run = jit(step)
    x, y = batch(device)
    for _ in range(3):
        run(x, y)
    plan = run.latest_plan()
    assert plan is not None
    assert calls_in(lambda: run(x, y)) <= 100 + len(plan.programs)


def chain(length: int, device: str = "CPU") -> tuple[Tensor, Tensor]:
    """A leaf, and what ``length`` multiplications and additions make of it."""
    x = Tensor(np.full(4, 0.5), device=device, requires_grad=True)
    y = x
    for _ in range(length):
        y = y * 0.9999 + 1e-5
    return x, y


def forward_and_backward(length: int) -> None:
    x, y = chain(length)
    y.sum().backward()
    plan_of(y, x.grad)


WORK = {
    "planning": lambda length: plan_of(chain(length)[1]),
    "backward": forward_and_backward,
    "computing": lambda length: chain(length)[1].numpy(),
}


@pytest.mark.parametrize("stage", WORK)
def test_work_is_linear_in_the_length_of_a_chain(stage: str) -> None:
    """Four times the length is four times the calls, but for what every plan takes and for equal
    kernels, which are built once."""
    WORK[stage](50)  # whatever happens once
    short, long = (calls_in(lambda n=n: WORK[stage](n)) for n in (200, 800))
    assert 2.25 * short < long < 4.2 * short


def test_a_deep_network_is_planned_in_proportion_and_equal_layers_are_compiled_once(
    device: str,
) -> None:
    """Forward and backward through 10 and 40 equal layers."""
    rng = np.random.default_rng(0)

    def gradients(layers: int) -> list[Tensor]:
        y = Tensor(rng.standard_normal((256, 128)).astype(np.float32), device=device)
        start = [rng.standard_normal((128, 128)).astype(np.float32) / 16 for _ in range(layers)]
        weights = [Tensor(array, device=device, requires_grad=True) for array in start]
        for weight in weights:
            y = y.linear(weight).relu()
        y.sum().backward()
        return [weight.grad for weight in weights]

    calls, distinct = [], []
    for layers in (10, 40):
        found = gradients(layers)
        calls.append(calls_in(lambda found=found: Tensor.realize(*found)))
        distinct.append(len(set(latest_sources())))
    assert calls[1] < 5 * calls[0]
    assert distinct[1] == distinct[0] <= 8


def latest_sources() -> list[str]:
    """The generated code of the plan that was made last, one text a part of a launch."""
    (*_, plan) = cache._plans.values()
    return [part.source for code in plan.recipe.codes for part in code.parts]


def test_a_long_chain_runs_and_differentiates_without_recursion(device: str) -> None:
    length = 2 * sys.getrecursionlimit()
    x, y = chain(length, device)
    y.sum().backward()
    slope = 0.9999**length
    np.testing.assert_allclose(x.grad.numpy(), np.full(4, slope), rtol=1e-11)
    steady = 0.5 * slope + 1e-5 * (1 - slope) / 1e-4
    np.testing.assert_allclose(y.numpy(), np.full(4, steady), rtol=1e-11)
