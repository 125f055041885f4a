"""An ensemble: its members learn what they learn alone, and what the program says."""

import numpy as np
import pytest

from lazygrad import Tensor, manual_seed
from lazygrad.config import config
from lazygrad.examples.ensemble import Ensemble, digits, main, step_of_all, step_of_one
from lazygrad.examples.model import SmallCNN


def test_a_step_of_all_is_a_step_of_each(device: str) -> None:
    with config(backend=device):
        manual_seed(0)
        given, _ = digits(20)
        models = [SmallCNN(1, 8, 8, classes=10) for _ in range(2)]
        ensemble = Ensemble(models)
        chosen = Tensor(np.arange(8).reshape(2, 4))
        mean = step_of_all(ensemble, given, 1e-3)(chosen).item()
        losses = [
            step_of_one(model, given, 1e-3)(images).item()
            for model, images in zip(models, chosen.unbind(0), strict=True)
        ]
        np.testing.assert_allclose(mean, np.mean(losses), rtol=1e-5)
        for name, stacked in ensemble.parameters.items():
            alone = [dict(model.named_parameters())[name].numpy() for model in models]
            np.testing.assert_allclose(stacked.numpy(), np.stack(alone), atol=2e-5, err_msg=name)


def test_the_program(
    tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lazygrad.examples.ensemble.TIMED", 1)
    path = tmp_path / "ensemble.png"
    with config(backend="CPU"):
        assert main(["--members", "2", "--steps", "20", "--plot", str(path)]) == 0
    lines = (line.rpartition(": ") for line in capsys.readouterr().out.splitlines())
    said = {what.strip(): number for what, _, number in lines}
    assert float(said["of all together"]) > 0.15
    assert float(said["of all, where they agree"]) >= float(said["of all together"])
    assert path.read_bytes().startswith(b"\x89PNG")
