"""The deep equilibrium: its state solves the equation, and its gradient is that of the solution."""

from argparse import Namespace
from itertools import pairwise

import numpy as np
import pytest

import lazygrad as lg
from lazygrad import func
from lazygrad.config import config
from lazygrad.data import load
from lazygrad.examples import deq
from lazygrad.examples.deq import Equilibrium, Explicit, main, trained


def test_the_gradient_is_that_of_many_layers(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deq, "TOLERANCE", 1e-6)
    with config(backend=device):
        lg.manual_seed(0)
        model, images = Equilibrium(6, 4, 3), lg.randn(5, 6)
        state = model.state(images)
        state.square().sum().backward()
        found = model.inner.weight.grad.numpy()
        model.zero_grad()
        given, weight = model.enter(images), model.weight()
        applied, _ = func.scan(
            lambda z, _: ((z @ weight.T + given).tanh(), None), lg.zeros(5, 4), length=80
        )
        applied.square().sum().backward()
        np.testing.assert_allclose(state.numpy(), applied.numpy(), atol=1e-5)
        np.testing.assert_allclose(found, model.inner.weight.grad.numpy(), atol=1e-4)


def test_residuals_fall() -> None:
    model = Equilibrium(6, 4, 3)
    residuals = model.residuals(lg.randn(5, 6), 10).tolist()
    assert all(after < 0.9 * before for before, after in pairwise(residuals))


def test_both_learn(device: str) -> None:
    options = Namespace(epochs=2, batch_size=64, lr=2e-2, width=16, seed=0)
    images = load("digits").train.subset(slice(640))
    with config(backend=device):
        for kind in (Explicit, Equilibrium):
            _, losses = trained(kind, images, options)
            assert losses[0] > 2.2
            assert losses[-1] < 1.4, kind


def test_the_command_line(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "deq.png"
    small = ["--epochs", "1", "--width", "4", "--batch-size", "512"]
    with config(backend="CPU"):
        assert main([*small, "--plot", str(picture)]) == 0
    printed = capsys.readouterr().out
    assert "Explicit with 326 parameters on CPU" in printed
    assert "Equilibrium with 326 parameters on CPU" in printed
    assert picture.read_bytes().startswith(b"\x89PNG")
