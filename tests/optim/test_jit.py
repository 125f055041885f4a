"""A jitted step: the same updates, with rates, counts and checkpoints from outside."""

import copy

import numpy as np
import pytest

from lazygrad import Tensor, jit, nn
from tests.optim.makers import MAKERS

BATCHES = [np.random.default_rng(i).standard_normal((4, 3)) for i in range(6)]


class Half(nn.Module):
    """A model with a layer that never gets a gradient."""

    def __init__(self):
        super().__init__()
        self.used = nn.Linear(3, 2, dtype="float64")
        self.unused = nn.Linear(3, 2, dtype="float64")
        for number, param in enumerate(self.parameters()):
            param.assign(Tensor(np.random.default_rng(number).standard_normal(param.shape)))

    def forward(self, x):
        return self.used(x)


def make(name):
    model = Half()
    optimizer = MAKERS[name](model.parameters())

    def step(x):
        optimizer.zero_grad()
        loss = (model(x) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return model, optimizer, step


def weights(model):
    return [param.detach().numpy() for param in model.parameters()]


def assert_same(found, expected):
    for value, want in zip(found, expected, strict=True):
        np.testing.assert_allclose(value, want, rtol=1e-12)


@pytest.mark.parametrize("name", MAKERS)
def test_same_updates_as_without_jit(name):
    model, optimizer, step = make(name)
    jitted_model, jitted_optimizer, jitted = make(name)
    jitted = jit(jitted)
    for number, x in enumerate(BATCHES):
        for changed in (optimizer, jitted_optimizer):
            changed.param_groups[0]["lr"] = 0.1 / (number + 1)
        loss, jitted_loss = step(Tensor(x)), jitted(Tensor(x))
        np.testing.assert_allclose(jitted_loss.item(), loss.item(), rtol=1e-12)
        assert_same(weights(jitted_model), weights(model))
    assert jitted.captures == 1


def test_a_new_learning_rate_does_not_trace_again():
    _, optimizer, step = make("AdamW")
    jitted = jit(step)
    for x in BATCHES[:3]:
        jitted(Tensor(x))
    before = jitted.captures
    for rate in (0.5, 0.05, Tensor(0.005)):
        optimizer.param_groups[0]["lr"] = rate
        jitted(Tensor(BATCHES[3]))
    assert jitted.captures == before


def test_a_learning_rate_of_zero_stops():
    model, optimizer, step = make("AdamW")
    jitted = jit(step)
    jitted(Tensor(BATCHES[0]))
    jitted(Tensor(BATCHES[1]))
    before = weights(model)
    optimizer.param_groups[0]["lr"] = 0.0
    jitted(Tensor(BATCHES[2]))
    assert_same(weights(model), before)


@pytest.mark.parametrize("name", ["momentum", "Adam"])
def test_a_loaded_checkpoint_is_seen(name):
    model, optimizer, step = make(name)
    jitted = jit(step)
    jitted(Tensor(BATCHES[0]))
    jitted(Tensor(BATCHES[1]))
    saved = copy.deepcopy(model.state_dict()), optimizer.state_dict()
    jitted(Tensor(BATCHES[2]))
    expected = weights(model)
    jitted(Tensor(BATCHES[3]))
    model.load_state_dict(saved[0])
    optimizer.load_state_dict(saved[1])
    jitted(Tensor(BATCHES[2]))
    assert_same(weights(model), expected)
