"""Learning to learn: what the outer gradient is, and what the program says."""

import numpy as np
import pytest

from lazygrad import Tensor, nn
from lazygrad.config import config
from lazygrad.examples.maml import RATE, Learner, Tasks, main, sines


def test_the_gradient_goes_through_the_step(device: str) -> None:
    """Of w x: after a step w is w - RATE a (w - slope), where a = 2 mean(x**2)."""
    w, slope, new_slope = 2.0, 0.5, 1.5
    x, new_x = np.array([[1.0], [2.0]], np.float32), np.array([[3.0]], np.float32)
    with config(backend=device):
        model = nn.Linear(1, 1, bias=False)
        model.load_state_dict({"weight": Tensor([[w]])})
        task = (x, slope * x, new_x, new_slope * new_x)
        tasks = Tasks(*(Tensor(np.stack([values, values])) for values in task))
        losses = Learner(model).losses_after(1, tasks)
        losses.mean().backward()
        assert model.weight.grad is not None
        found = [*losses.tolist(), model.weight.grad.item()]
    a = 2 * float((x**2).mean())
    error = w - RATE * a * (w - slope) - new_slope
    expected = [(3 * error) ** 2] * 2 + [2 * 9 * error * (1 - RATE * a)]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_sines() -> None:
    x, y, new_x, new_y = (points.numpy() for points in sines(50, 10, 4))
    assert x.shape == y.shape == (50, 10, 1)
    assert new_x.shape == new_y.shape == (50, 4, 1)
    assert abs(x).max() <= 5
    assert 1 < abs(y).max() <= 5
    assert abs(y).max((1, 2)).min() < 1


def test_the_program(
    tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lazygrad.examples.maml.STEPS_SHOWN", (0, 2))
    path = tmp_path / "maml.png"
    with config(backend="CPU"):
        assert main(["--steps", "6", "--tasks", "3", "--plot", str(path)]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    (learned,) = (row[-2:] for row in rows if row[:1] == ["learning"] and len(row) == 5)
    errors = [float(error) for error in learned]
    assert errors[1] < errors[0]
    assert path.read_bytes().startswith(b"\x89PNG")
