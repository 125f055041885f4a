"""Replays write into memory of earlier replays, but never into what someone still holds."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import pytest

from lazygrad import Tensor, jit, manual_seed, nn, optim
from lazygrad.replay import RECENT
from lazygrad.runtime.memory import pool
from lazygrad.runtime.program import Binding


class Training:
    """A small model that a jitted step trains."""

    def __init__(self, device: str) -> None:
        rng = np.random.default_rng(0)
        self.x = Tensor(rng.standard_normal((5, 4)).astype(np.float32), device=device)
        self.model = nn.Linear(4, 3).to(device)
        self.optimizer = optim.Adam(self.model.parameters(), lr=0.1)
        self.step = jit(self.plain)

    def plain(self, x: Tensor) -> Tensor:
        self.optimizer.zero_grad()
        loss = (self.model(x) ** 2).mean()
        loss.backward()
        self.optimizer.step()
        return loss


HOLDS: dict[str, Callable[[Training, Tensor], Tensor]] = {
    "the loss": lambda t, loss: loss,
    "a parameter's value": lambda t, loss: t.model.weight.detach().clone(),
    "a view of it": lambda t, loss: t.model.weight.detach().clone().reshape(4, 3),
    "an expression not computed yet": lambda t, loss: t.model.weight.detach() * 2,
    "a gradient": lambda t, loss: t.model.weight.grad,
    "a loss that was read": lambda t, loss: (loss.item(), loss)[1],
}


@pytest.mark.parametrize("held", list(HOLDS))
def test_what_is_held_keeps_its_value(device: str, held: str) -> None:
    training = Training(device)
    expected, kept = [], []
    for _ in range(8):
        loss = training.step(training.x)
        kept.append(HOLDS[held](training, loss))
        copy = HOLDS[held](training, loss)
        expected.append(copy.numpy().copy())
        del loss, copy
    assert len({array.tobytes() for array in expected}) == 8  # training changes it
    for tensor, array in zip(kept, expected, strict=True):
        np.testing.assert_array_equal(tensor.numpy(), array)


def test_views_of_parameters_follow_them(device: str) -> None:
    training = Training(device)
    shown = [training.model.weight.detach(), training.model.weight.detach().t()]
    for _ in range(4):
        training.step(training.x)
        now = training.model.weight.numpy()
        np.testing.assert_array_equal(shown[0].numpy(), now)
        np.testing.assert_array_equal(shown[1].numpy(), now.T)


def test_a_constant_of_another_jitted_function_is_held(device: str) -> None:
    training = Training(device)
    for _ in range(3):
        training.step(training.x)
    snapshot = training.model.weight.detach().clone()
    double = jit(lambda: snapshot * 2)
    before = double().numpy()
    for _ in range(5):
        training.step(training.x)
    np.testing.assert_array_equal(double().numpy(), before)


def test_replays_agree_with_plain_steps(device: str) -> None:
    one, other = Training(device), Training(device)
    other.model.load_state_dict(one.model.state_dict())
    for _ in range(6):
        jitted, plain = one.step(one.x), other.plain(other.x)
        np.testing.assert_allclose(jitted.numpy(), plain.numpy(), rtol=1e-5)


def test_launches_that_are_bound_run_on_the_batch_they_are_given(device: str) -> None:
    """Batches that stay alive have memory of their own; prepared launches are bound to one."""
    one, other = Training(device), Training(device)
    other.model.load_state_dict(one.model.state_dict())
    batches = [one.x, one.x * 3, one.x - 1]
    for number in range(9):
        x = batches[number % 3]
        np.testing.assert_allclose(one.step(x).numpy(), other.plain(x).numpy(), rtol=1e-5)


def test_state_that_is_changed_from_outside_is_seen(device: str) -> None:
    training = Training(device)
    for _ in range(4):
        training.step(training.x)
    zeros = {name: np.zeros(t.shape, np.float32) for name, t in training.model.state_dict().items()}
    training.model.load_state_dict({name: Tensor(a, device=device) for name, a in zeros.items()})
    assert training.step(training.x).item() == 0.0


def test_a_parameter_that_is_frozen_stays_as_it_is(device: str) -> None:
    training = Training(device)
    for _ in range(3):
        training.step(training.x)
    captures = training.step.captures
    training.model.weight.requires_grad_(False)
    frozen, bias = training.model.weight.numpy(), training.model.bias.detach().numpy()
    training.step(training.x)
    np.testing.assert_array_equal(training.model.weight.numpy(), frozen)
    assert not np.array_equal(training.model.bias.detach().numpy(), bias)
    assert training.step.captures == captures + 1


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_state_of_another_dtype_is_not_read_as_before(device: str, dtype: str) -> None:
    training = Training(device)
    infer = jit(lambda: training.model.weight * 2)
    before = infer().numpy()
    training.model.to(dtype=dtype)
    after = infer()
    assert after.dtype.name == training.model.weight.dtype.name == dtype
    np.testing.assert_allclose(after.numpy(), before, rtol=1e-3)
    assert infer.captures == 2


@pytest.mark.gpu
@pytest.mark.skipif(not find_spec("pyopencl"), reason="pyopencl is not installed")
def test_state_on_another_device_is_computed_there() -> None:
    training = Training("CPU")
    infer = jit(lambda: training.model.weight * 2)
    before = infer()
    training.model.to("GPU")
    after = infer()
    assert (before.device, after.device) == ("CPU", "GPU")
    np.testing.assert_array_equal(after.numpy(), before.numpy())
    assert infer.captures == 2


def test_two_sets_of_state_go_back_and_forth(device: str) -> None:
    """Once warm, a step whose loss is dropped takes no memory but for its temporaries."""
    training = Training(device)
    for _ in range(4):
        training.step(training.x)
    nodes = {id(training.model.weight._node)}
    in_use = set()
    for _ in range(6):
        training.step(training.x)
        nodes.add(id(training.model.weight._node))
        in_use.add(pool(device).in_use)
    assert len(nodes) == 2
    assert len(in_use) == 1


def test_inference_binds_once(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The result's memory comes back from the pool, so nothing is bound anew."""
    training = Training(device)
    infer = jit(lambda x: training.model(x).softmax(-1))
    for _ in range(3):
        infer(training.x)
    bound = []
    plain = Binding._bound
    monkeypatch.setattr(Binding, "_bound", lambda *args: (bound.append(args), plain(*args))[1])
    infer(training.x)
    assert not bound
    training.step(training.x)  # other weights: bound to them
    expected = training.model(training.x).softmax(-1).numpy()
    np.testing.assert_allclose(infer(training.x).numpy(), expected, rtol=1e-6)
    assert bound


def test_only_recent_functions_keep_what_they_prepared(device: str) -> None:
    trainings = []
    for _ in range(RECENT + 2):
        manual_seed(0)
        trainings.append(Training(device))
    for training in trainings:
        for _ in range(3):
            training.step(training.x)
    prepared = [
        sum(len(c._prepared) for found in t.step._captures.values() for c in found)
        for t in trainings
    ]
    assert prepared == [0, 0] + [2] * RECENT
    again = [training.step(training.x).item() for training in trainings]  # they still work
    assert again == [again[0]] * len(again)


def test_an_argument_that_is_returned(device: str) -> None:
    same = jit(lambda x: x)
    x = Tensor(np.ones(3, np.float32), device=device)
    np.testing.assert_array_equal(same(x).numpy(), same(same(x)).numpy())
