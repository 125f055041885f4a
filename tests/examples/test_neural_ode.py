"""A learned differential equation: that both gradients are one, and what the program says."""

import numpy as np
import pytest

from lazygrad.config import config
from lazygrad.examples import neural_ode
from lazygrad.examples.neural_ode import Path, Slope, gradients_apart, main, true_path


def test_both_ways_lead_to_one_gradient(device: str) -> None:
    with config(backend=device):
        path = Path(*(values[:4] for values in true_path(0.5, 5)))
        assert gradients_apart(Slope(), path) < 1e-3


def test_the_true_path() -> None:
    """In its first moments it is what Euler's method makes of the equation."""
    times, states, seen = (values.numpy() for values in true_path(1e-2, 11))
    np.testing.assert_allclose(states[1], [0.5, -0.5 * times[1]], atol=1e-5)
    assert 0 < abs(seen - states).max() < 5 * neural_ode.NOISE


def test_the_program(
    tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"END": 2.0, "POINTS": 51, "PIECE": 3}.items():
        monkeypatch.setattr(neural_ode, name, value)
    path = tmp_path / "ode.png"
    with config(backend="CPU"):
        assert main(["--steps", "15", "--lr", "0.02", "--plot", str(path)]) == 0
    lines = (line.rpartition(": ") for line in capsys.readouterr().out.splitlines())
    said = {what.strip(): number for what, _, number in lines}
    assert float(said["while it was seen"]) < 1.5  # a field at random is further away
    assert path.read_bytes().startswith(b"\x89PNG")
