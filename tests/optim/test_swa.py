"""Averaged weights: no branch on values, errors. What they become are cases of tests.parity."""

from __future__ import annotations

import numpy as np
import pytest

from lazygrad import Tensor, jit, nn, optim
from lazygrad.errors import ArgumentError, ValueRangeError
from lazygrad.inspect import plan_cache
from lazygrad.optim import swa_utils
from lazygrad.runtime import executor


def test_an_update_is_one_plan(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm2d(3)).to(device)
    averaged = swa_utils.AveragedModel(model)
    runs, made = [], []
    run = executor.realize
    monkeypatch.setattr(executor, "realize", lambda wanted: (runs.append(len(wanted)), run(wanted)))
    for _ in range(4):
        for tensor in (*model.parameters(), *model.buffers()):  # what a training step does
            tensor.assign(Tensor(tensor.numpy() + 1, device=device))
        runs.clear()
        before = plan_cache().misses
        averaged.update_parameters(model)
        assert len(runs) == 1
        made.append(plan_cache().misses - before)
    assert made[2:] == [0, 0]  # at first, tensors that are all 0 are one value


def test_an_update_can_be_jitted(device: str) -> None:
    model = nn.Linear(2, 1).to(device)
    averaged, optimizer = swa_utils.AveragedModel(model), optim.SGD(model.parameters(), lr=0.1)

    @jit
    def step(x: Tensor) -> None:
        optimizer.zero_grad()
        model(x).sum().backward()
        optimizer.step()
        averaged.update_parameters(model)

    weights = []
    for _ in range(4):
        step(Tensor([[1.0, 2.0]], device=device))
        weights.append(model.weight.detach().numpy())
    assert averaged.n_averaged.item() == 4
    np.testing.assert_allclose(
        averaged.module.weight.detach().numpy(), np.mean(weights, 0), rtol=1e-5
    )
    assert step.captures == 1


def test_the_model_itself_stays_as_it_was() -> None:
    model = nn.Linear(2, 1)
    before = model.weight.tolist()
    averaged = swa_utils.AveragedModel(model)
    averaged.update_parameters(model)
    averaged.module.weight.assign(Tensor([[7.0, 7.0]]))
    assert model.weight.tolist() == before
    assert averaged(Tensor([[1.0, 1.0]])).shape == (1, 1)


def test_update_bn_leaves_modes_as_they_were() -> None:
    model = nn.Sequential(nn.BatchNorm2d(1, momentum=0.3), nn.ReLU()).eval()
    batches = [Tensor(np.full((2, 1, 1, 2), value, np.float32)) for value in (1, 3)]
    swa_utils.update_bn(batches, model)
    assert (model[0].momentum, model.training) == (0.3, False)
    assert model[0].running_mean.tolist() == [2.0]
    swa_utils.update_bn(batches, nn.ReLU())  # nothing to do

    def fails() -> object:
        yield batches[0]
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        swa_utils.update_bn(fails(), model)
    assert (model[0].momentum, model.training) == (0.3, False)


def test_errors() -> None:
    with pytest.raises(ArgumentError, match="give one of avg_fn and multi_avg_fn"):
        swa_utils.AveragedModel(
            nn.ReLU(), avg_fn=swa_utils.get_swa_avg_fn(),
            multi_avg_fn=swa_utils.get_swa_multi_avg_fn(),
        )  # fmt: skip
    with pytest.raises(ValueRangeError, match=r"\[get_ema_avg_fn\] decay must be from 0 to 1"):
        swa_utils.get_ema_avg_fn(2.0)
    optimizer = optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1)
    with pytest.raises(ArgumentError, match="anneal_strategy must be 'cos' or 'linear'"):
        swa_utils.SWALR(optimizer, 0.1, anneal_strategy="x")
    with pytest.raises(ValueRangeError, match="swa_lr has 2 values"):
        swa_utils.SWALR(optimizer, [0.1, 0.2])
