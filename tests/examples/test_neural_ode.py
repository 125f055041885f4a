"""A learned differential equation: that both gradients are one, and what the program says."""

import numpy as np
import pytest

from lazygrad.config import config
from lazygrad.examples import neural_ode
from lazygrad.examples.neural_ode import Path, Slope, gradients_apart, main, spiral


def test_both_ways_lead_to_one_gradient(device: str) -> None:
    with config(backend=device):
        path = Path(*(values[:4] for values in spiral(1.0, 31)))
        assert gradients_apart(Slope(), path) < 1e-3


def test_the_spiral() -> None:
    """In its first moments it is what Euler's method makes of the equation."""
    times, states, seen = (values.numpy() for values in spiral(1e-2, 11))
    slope = np.array(neural_ode.SPIRAL) @ np.array([8.0, 0.0])
    np.testing.assert_allclose(states[1], [2, 0] + slope * times[1], atol=1e-3)
    assert 0 < abs(seen - states).max() < 5 * neural_ode.NOISE


def test_the_program(
    device: str, tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"END": 2.0, "POINTS": 51, "PIECE": 4}.items():
        monkeypatch.setattr(neural_ode, name, value)
    path = tmp_path / "ode.png"
    arguments = ["--plot", str(path)] if device == "CPU" else []
    with config(backend=device):
        assert main(["--steps", "40", "--lr", "0.02", *arguments]) == 0
    lines = (line.rpartition(": ") for line in capsys.readouterr().out.splitlines())
    said = {what.strip(): number for what, _, number in lines}
    assert float(said["while it was seen"]) < 1.5  # a field at random is further away
    assert path.exists() == (device == "CPU")
