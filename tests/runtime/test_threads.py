"""What PyTorch promises of threads: modes, traces and what waits belong to a thread; tensors,
jitted functions and devices can be shared."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from lazygrad import (
    Tensor,
    enable_grad,
    is_grad_enabled,
    jit,
    nn,
    no_grad,
    optim,
    set_grad_enabled,
)
from lazygrad.runtime import registry
from lazygrad.runtime.memory import Memory, pool

TRAINERS, READERS = 4, 8
STEPS = {"plain": 24, "jitted": 250}  # a thousand of each were tried, too


@pytest.fixture(autouse=True)
def frequent_switches() -> Iterator[None]:
    """Threads change places a hundred times as often as by default."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-5)
    yield
    sys.setswitchinterval(before)


def in_threads(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What ``work`` returns for each number, all at the same time."""
    start = threading.Barrier(count, timeout=60)

    def run(number: int) -> Any:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(count) as executor:
        return list(executor.map(run, range(count)))


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def trainer(device: str, number: int) -> Callable[[int], Tensor]:
    """A training step of a network of its own; its sizes differ from those of the others."""
    model = nn.Sequential(nn.Linear(6, 8 + number), nn.Tanh(), nn.Linear(8 + number, 3))
    for index, param in enumerate(model.parameters()):
        param.assign(0.3 * numbers(*param.shape, seed=100 * number + index))
    model.to(device)
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    batches = [Tensor(numbers(4, 6, seed=seed), device=device) for seed in range(5)]

    def step(x: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = (model(x) - 1).square().mean()
        loss.backward()
        optimizer.step()
        return loss

    return lambda index: step(batches[index % len(batches)])


@pytest.mark.parametrize("kind", STEPS)
def test_trainers_in_threads_are_those_of_one_thread(device: str, kind: str) -> None:
    def train(number: int) -> list[float]:
        step = trainer(device, number)
        if kind == "jitted":
            inner = step
            jitted = [jit(lambda index=index: inner(index)) for index in range(5)]
            step = lambda index: jitted[index % 5]()  # noqa: E731
        losses = [step(index) for index in range(STEPS[kind])]
        return [loss.item() for loss in losses[::13]]

    alone = [train(number) for number in range(TRAINERS)]
    assert in_threads(TRAINERS, train) == alone


def test_a_jitted_function_is_called_from_many_threads(device: str) -> None:
    weight = Tensor(numbers(32, 32), device=device)

    @jit
    def layers(x: Tensor) -> Tensor:
        for _ in range(3):
            x = (x @ weight).tanh()
        return x.softmax(-1) * 2

    inputs = [Tensor(numbers(3, 32, seed=seed), device=device) for seed in range(READERS)]
    expected = [layers(x).numpy() for x in inputs]

    def call(number: int) -> int:
        found = [layers(inputs[number]).numpy() for _ in range(150)]
        return sum(np.array_equal(values, expected[number]) for values in found)

    assert in_threads(READERS, call) == [150] * READERS
    assert layers.captures == 1


def test_a_jitted_function_is_traced_once_by_many_threads(device: str) -> None:
    traced: list[int] = []

    @jit
    def double(x: Tensor) -> Tensor:
        traced.append(1)
        time.sleep(0.05)
        return x * 2

    found = in_threads(READERS, lambda n: double(Tensor(float(n), device=device)).item())
    assert found == [2.0 * n for n in range(READERS)]
    assert len(traced) == 1


def test_state_of_a_jitted_function_counts_every_call(device: str) -> None:
    count = Tensor(0.0, device=device)

    @jit
    def step() -> Tensor:
        count.assign(count + 1)
        return count * 1

    step()
    found = in_threads(READERS, lambda n: [step().item() for _ in range(50)])
    assert sorted(value for row in found for value in row) == list(range(2, 2 + 50 * READERS))
    assert count.item() == 1 + 50 * READERS


def test_plain_code_goes_on_while_a_function_is_traced(device: str) -> None:
    weight = Tensor(numbers(4), device=device, requires_grad=True)
    tracing, read = threading.Event(), threading.Event()

    @jit
    def step(x: Tensor) -> Tensor:
        (weight * x).sum().backward()
        result = weight * x
        with no_grad():
            weight.add_(1)
        tracing.set()
        assert read.wait(60)
        return result

    def plain() -> tuple[Any, Any, bool]:
        assert tracing.wait(60)
        try:
            return (weight * 2).detach().numpy(), weight.grad, weight.requires_grad
        finally:
            read.set()

    with ThreadPoolExecutor(2) as executor:
        other = executor.submit(plain)
        mine = executor.submit(step, Tensor(np.full(4, 3, np.float32), device=device))
        values, grad, required = other.result()
        np.testing.assert_array_equal(mine.result().numpy(), numbers(4) * 3)
    np.testing.assert_array_equal(values, numbers(4) * 2)
    assert grad is None and required
    np.testing.assert_allclose(weight.detach().numpy(), numbers(4) + 1)


def test_modes_belong_to_a_thread() -> None:
    inside, done = threading.Event(), threading.Event()

    def switched_off() -> bool:
        with no_grad():
            inside.set()
            assert done.wait(60)
            return is_grad_enabled()

    with ThreadPoolExecutor(1) as executor:
        other = executor.submit(switched_off)
        assert inside.wait(60)
        x = Tensor([1.0], requires_grad=True)
        assert is_grad_enabled() and (x * 2).requires_grad
        with no_grad(), enable_grad():
            assert is_grad_enabled()
        done.set()
        assert other.result() is False
        assert executor.submit(is_grad_enabled).result() is True
    set_grad_enabled(False)
    try:
        assert in_threads(2, lambda n: is_grad_enabled()) == [True, True]
    finally:
        set_grad_enabled(True)


def test_one_decorator_serves_many_threads() -> None:
    @no_grad()
    def evaluate(number: int) -> bool:
        time.sleep(0.001 * number)
        return is_grad_enabled()

    def work(number: int) -> tuple[bool, bool]:
        return evaluate(number), is_grad_enabled()

    assert in_threads(READERS, work) == [(False, True)] * READERS


def test_many_threads_read_one_lazy_tensor(device: str) -> None:
    for seed in range(10):
        x = Tensor(numbers(64, seed=seed), device=device, requires_grad=True)
        y = (x.exp() * 2 + x).sin()
        lazy = y.detach() + 1
        expected = np.sin(2 * np.exp(numbers(64, seed=seed)) + numbers(64, seed=seed)) + 1
        for found in in_threads(READERS, lambda n, lazy=lazy: (lazy * 1).numpy()):
            np.testing.assert_allclose(found, expected, atol=1e-5)


def test_equal_expressions_are_one_node_whoever_builds_them() -> None:
    x = Tensor(numbers(3)).realize()
    for number in range(50):
        made = in_threads(READERS, lambda n, number=number: (x + number) * 2)
        assert len({id(tensor._node) for tensor in made}) == 1


def test_what_waits_belongs_to_the_thread_that_left_it(device: str) -> None:
    def work(number: int) -> float:
        count = Tensor(float(number), device=device)
        for _ in range(40):
            count.add_(1)
        return count.item()

    assert in_threads(READERS, work) == [number + 40.0 for number in range(READERS)]


def test_gradients_of_several_threads_add_up(device: str) -> None:
    weight = Tensor(np.ones(3, np.float32), device=device, requires_grad=True)

    def work(number: int) -> None:
        for _ in range(20):
            (weight * 2).sum().backward()

    in_threads(TRAINERS, work)
    assert weight.grad is not None
    np.testing.assert_array_equal(weight.grad.numpy(), np.full(3, 2.0 * 20 * TRAINERS))


def test_a_backend_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    cpu = registry.backend("CPU")

    def load(name: str) -> Any:
        time.sleep(0.05)
        made.append(name)
        return cpu

    monkeypatch.setattr(registry, "_made", {})
    monkeypatch.setattr(registry, "_load", load)
    found = in_threads(READERS, lambda n: registry.backend("CPU"))
    assert made == ["CPU"]
    assert all(backend is cpu for backend in found)


def test_memory_that_several_threads_take_and_drop_is_counted() -> None:
    shared = pool("CPU")
    before = shared.in_use

    def work(number: int) -> None:
        for index in range(2000):
            Memory("CPU", 256 * (1 + (number + index) % 5))

    in_threads(READERS, work)
    Memory("CPU", 1)  # takes over what the last ones left
    assert shared.in_use - before in (0, 256)
    assert shared.kept == sum(size * len(free) for size, free in shared.free.items())


def test_a_program_ends_quietly_with_tensors_alive(device: str) -> None:
    program = (
        "from lazygrad import Tensor, jit\n"
        f"x = Tensor([1.0, 2.0], device={device!r})\n"
        "y = jit(lambda x: x + 1)(x)\n"
        "kept = [y * 2, (y * 3).realize()]\n"
        "kept.append(kept)\n"
    )
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")
