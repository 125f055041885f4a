"""What waits is computed with the next value: neither lost, nor piling up, nor in the way of what
comes after a failure."""

import gc
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, jit, nn, no_grad, optim
from lazygrad.errors import DeviceError
from lazygrad.graph import interned_count
from lazygrad.inspect import kernels
from lazygrad.runtime import cache, registry
from lazygrad.runtime.memory import pool, scratchpad
from lazygrad.runtime.program import Binding


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


class Training:
    """A small network with an optimizer."""

    def __init__(self, device: str, momentum: float = 0.9) -> None:
        self.device = device
        self.model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 3)).to(device)
        self.optimizer = optim.SGD(self.model.parameters(), lr=0.1, momentum=momentum)

    def loss(self, seed: int = 0, batch: int = 5) -> Tensor:
        x = Tensor(numbers(batch, 8, seed=seed), device=self.device)
        return self.model(x).square().mean()

    def step(self, seed: int = 0, batch: int = 5) -> Tensor:
        self.optimizer.zero_grad()
        loss = self.loss(seed, batch)
        loss.backward()
        self.optimizer.step()
        return loss

    def values(self) -> list[np.ndarray]:
        state = [t for own in self.optimizer.state.values() for t in own.values()]
        return [t.numpy() for t in (*self.model.parameters(), *state)]


# -- gradients -----------------------------------------------------------------------------------


def test_gradients_are_kept_with_the_step_that_computed_them(device: str) -> None:
    training = Training(device)
    training.step()
    misses, hits = cache.statistics.misses, cache.statistics.hits
    grads = [param.grad for param in training.model.parameters()]
    assert all(kernels(grad) == () for grad in grads if grad is not None)
    for grad in grads:
        assert grad is not None
        assert grad.numpy().shape == grad.shape
    assert (cache.statistics.misses, cache.statistics.hits) == (misses, hits)


def test_gradients_that_nobody_holds_are_not_computed(device: str) -> None:
    weight = Tensor(numbers(4), device=device, requires_grad=True)
    (weight * weight).sum().backward()
    weight.grad = None
    other = Tensor(numbers(4), device=device) + 1
    misses = cache.statistics.misses
    other.realize()
    found = cache.statistics.misses - misses
    assert found <= 1
    assert weight.grad is None


# -- nothing piles up ----------------------------------------------------------------------------

Loop = Callable[[Training, int], None]


def running_total(attribute: str, of: Callable[[Training, Tensor], Tensor]) -> Loop:
    def loop(training: Training, number: int) -> None:
        loss = training.step(number)
        before = getattr(training, attribute, None)
        value = of(training, loss)
        setattr(training, attribute, value if before is None else before + value)

    return loop


def listed(training: Training, number: int) -> None:
    loss = training.step(number)
    kept: list[Tensor] = training.__dict__.setdefault("kept", [])
    kept.append(loss.detach())
    del kept[:-3]


def state_without_gradient(training: Training, number: int) -> None:
    """Truncated backpropagation through time: a state goes from step to step."""
    hidden = training.__dict__.get("hidden", Tensor(numbers(5, 3), device=training.device))
    training.optimizer.zero_grad()
    x = Tensor(numbers(5, 8, seed=number), device=training.device)
    hidden = (training.model(x) + hidden).tanh()
    hidden.square().mean().backward()
    training.optimizer.step()
    training.__dict__["hidden"] = hidden.detach()


def averaged_weights(training: Training, number: int) -> None:
    training.step(number)
    with no_grad():
        for param in training.model.parameters():
            average = training.__dict__.setdefault(f"average{id(param)}", param.clone())
            average.mul_(0.9).add_(param, alpha=0.1)


LOOPS: dict[str, Loop] = {
    "total of detached losses": running_total("total", lambda t, loss: loss.detach()),
    "total under no_grad": running_total("total", lambda t, loss: no_grad(lambda: loss * 1)()),
    "count of hits": running_total("hits", lambda t, loss: (loss < 1).sum()),
    "list of detached losses": listed,
    "carried state": state_without_gradient,
    "average of weights": averaged_weights,
    "norm of gradients": running_total(
        "norm", lambda t, loss: t.model[0].weight.grad.square().sum()
    ),
}


@pytest.mark.usefixtures("young_objects_only")
@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
def test_a_loop_that_nobody_reads_stays_flat(device: str, loop: Loop) -> None:
    """What nobody reads may wait for a step, so two steps come back to where they began."""
    training = Training(device)
    sizes = []
    for number in range(12):
        loop(training, number)
        gc.collect()
        sizes.append((interned_count(), pool(device).in_use, cache.statistics.misses))
    assert sizes[6:] == sizes[6:8] * 3


def test_a_running_total_is_right(device: str) -> None:
    training = Training(device)
    total = Tensor(0.0, device=device)
    losses = []
    for number in range(4):
        loss = training.step(number)
        total = total + loss.detach()
        losses.append(loss.item())
    assert total.item() == pytest.approx(sum(losses), rel=1e-6)


def test_what_waits_as_a_view_computes_what_it_shows(device: str) -> None:
    weight = Tensor(numbers(3), device=device, requires_grad=True)
    wide = (weight * 2).sum().detach().expand(1000, 1000)
    before = pool(device).in_use
    (Tensor(numbers(3), device=device) + 1).realize()
    assert pool(device).in_use - before < 4096  # not the four million bytes of the view
    assert wide[5, 7].item() == pytest.approx(2 * numbers(3).sum(), rel=1e-6)


# -- failures ------------------------------------------------------------------------------------

LARGE = 1 << 20


@pytest.fixture
def little_memory(device: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A device without memory for anything large; nor do other tests leave it any, as garbage or
    as scratch."""
    backend = registry.backend(device)
    allocate = backend.allocate

    def limited(nbytes: int) -> Any:
        if nbytes > LARGE:
            raise DeviceError(f"[allocate] no memory for {nbytes} bytes")
        return allocate(nbytes)

    gc.disable()
    monkeypatch.setattr(scratchpad, "arenas", {})
    pool(device).clear()
    monkeypatch.setattr(backend, "allocate", limited)
    yield device
    gc.enable()


def test_a_step_too_large_leaves_everything_as_it_was(little_memory: str) -> None:
    device = little_memory
    training, twin = Training(device), Training(device)
    twin.model.load_state_dict(training.model.state_dict())
    first = training.step(1)
    before = training.values()
    x = Tensor(numbers(5, 8), device=device)
    large = x.repeat(20000, 1)
    training.optimizer.zero_grad()
    loss = training.model(large).square().cumsum(0).sqrt().mean()
    loss.backward()
    with pytest.raises(DeviceError, match="no memory"):
        training.optimizer.step()
    for found, expected in zip(training.values(), before, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert all(param.grad is None for param in training.model.parameters())
    np.testing.assert_array_equal(training.model.state_dict()["0.weight"].numpy(), before[0])
    second = training.step(2)
    expected = [twin.step(1).item(), twin.step(2).item()]
    assert [first.item(), second.item()] == expected
    for found, value in zip(training.values(), twin.values(), strict=True):
        np.testing.assert_array_equal(found, value)


def test_gradients_go_back_to_those_of_the_steps_before(little_memory: str) -> None:
    device = little_memory
    weight = Tensor(numbers(8), device=device, requires_grad=True)
    (weight * 3).sum().backward()
    assert weight.grad is not None
    large = Tensor(numbers(1, 8), device=device).expand(100000, 8)
    (weight * large).cumsum(0).sqrt().sum().backward()
    with pytest.raises(DeviceError):
        weight.grad.numpy()
    np.testing.assert_array_equal(weight.grad.numpy(), np.full(8, 3, np.float32))


def test_what_has_nothing_to_do_with_a_failure_is_not_lost(little_memory: str) -> None:
    device = little_memory
    count, spoilt = Tensor(0.0, device=device), Tensor(numbers(4), device=device)
    count.add_(1)
    spoilt.copy_(Tensor.rand(1 << 20, device=device).cumsum(0)[:4])
    with pytest.raises(DeviceError, match="no memory"):
        (Tensor(numbers(3), device=device) + 1).realize()
    assert count._node.value is not None or count._node.op.name == "BUFFER"
    assert count.item() == 1.0
    np.testing.assert_array_equal(spoilt.numpy(), numbers(4))


def test_a_value_is_there_although_what_waits_fails(little_memory: str) -> None:
    device = little_memory
    spoilt = Tensor(numbers(4), device=device)
    spoilt.copy_(Tensor.rand(1 << 20, device=device).cumsum(0)[:4])
    asked = Tensor(numbers(3), device=device) + 1
    with pytest.raises(DeviceError):
        asked.realize()
    np.testing.assert_array_equal(asked.numpy(), numbers(3) + 1)


def test_a_launch_that_fails_spoils_nothing(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    training = Training(device)
    training.step(0)
    before = training.values()

    def failing(self: Binding, asked: object = None) -> None:
        raise DeviceError("[launch] the device is gone")

    with monkeypatch.context() as patched:
        patched.setattr(Binding, "run", failing)
        with pytest.raises(DeviceError, match="gone"):
            training.step(1)
    for found, expected in zip(training.values(), before, strict=True):
        np.testing.assert_array_equal(found, expected)
    training.step(1)


def test_a_jitted_step_too_large_leaves_everything_as_it_was(little_memory: str) -> None:
    device = little_memory
    training = Training(device)

    @jit
    def step(x: Tensor) -> Tensor:
        training.optimizer.zero_grad()
        loss = training.model(x).square().cumsum(0).sqrt().mean()
        loss.backward()
        training.optimizer.step()
        return loss

    small = Tensor(numbers(5, 8), device=device)
    step(small)
    before = training.values()
    with pytest.raises(DeviceError, match="no memory"):
        step(small.repeat(20000, 1))
    for found, expected in zip(training.values(), before, strict=True):
        np.testing.assert_array_equal(found, expected)
    step(small)
