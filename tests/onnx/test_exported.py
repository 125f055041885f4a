"""Models that PyTorch exports compute, train and keep statistics as they do there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lazygrad
from lazygrad import config, jit, optim

pytest.importorskip("onnx")

RECORDED = Path(__file__).parent / "recorded"
NAMES = sorted(path.stem for path in RECORDED.glob("*.onnx"))  # of a model and an exporter
RATE = 0.5  # of the step, as recorded
CLOSE = {"rtol": 1e-5, "atol": 5e-6}


CASES = [(name, "eval") for name in NAMES] + [("residual.dynamo", "train")]


@pytest.mark.parametrize(("name", "mode"), CASES)
def test_a_step(name: str, mode: str) -> None:
    expected = np.load(RECORDED / f"{name.partition('.')[0]}.npz")
    model = lazygrad.onnx.load(RECORDED / f"{name}.onnx").train(mode == "train")
    optimizer = optim.SGD(model.parameters(), lr=RATE)
    before = model(expected["input"])
    before.square().mean().backward()
    optimizer.step()
    np.testing.assert_allclose(before.detach().numpy(), expected[f"output_{mode}"], **CLOSE)
    after = model(expected["input"]).detach().numpy()
    np.testing.assert_allclose(after, expected[f"after_{mode}"], **CLOSE)
    if mode == "train":
        found = model.eval()(expected["input"]).detach().numpy()
        np.testing.assert_allclose(found, expected["after_training"], **CLOSE)


@pytest.mark.parametrize("name", ["decoder.dynamo"])
def test_a_step_that_is_replayed(name: str, device: str) -> None:
    expected = np.load(RECORDED / f"{name.partition('.')[0]}.npz")
    with config(backend=device):
        model = lazygrad.onnx.load(RECORDED / f"{name}.onnx")
        optimizer = optim.SGD(model.parameters(), lr=RATE)

        @jit
        def step(x: lazygrad.Tensor) -> lazygrad.Tensor:
            optimizer.zero_grad()
            output = model(x)
            output.square().mean().backward()
            optimizer.step()
            return output

        x = lazygrad.tensor(expected["input"])
        for key in ("output_eval", "after_eval"):
            np.testing.assert_allclose(step(x).detach().numpy(), expected[key], **CLOSE)


def test_names_are_those_of_the_model() -> None:
    model = lazygrad.onnx.load(RECORDED / "residual.script.onnx")
    assert {"conv1.weight", "bn1.running_mean", "shortcut.0.weight"} < set(model.state_dict())
    assert "bn1.running_mean" not in dict(model.named_parameters())
    assert not model.training
    state = {key: value * 0 for key, value in model.state_dict().items()}
    model.load_state_dict(state)
    assert model(np.ones((4, 2, 9, 9), np.float32)).tolist() == [[0, 0, 0]] * 4
