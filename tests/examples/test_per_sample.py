"""Gradients of single images: what their norms are, and what the program says."""

import numpy as np
import pytest

from lazygrad import Tensor, func, manual_seed
from lazygrad.config import config
from lazygrad.examples.model import SmallCNN
from lazygrad.examples.per_sample import gradient_norm, main, with_wrong_labels


def test_norms_are_those_of_single_backward_passes(device: str) -> None:
    with config(backend=device):
        manual_seed(0)
        given, model = with_wrong_labels(0.1, seed=0), SmallCNN(1, 8, 8, classes=10)
        images, labels = given.images[:3], given.labels[:3]
        parameters = {name: parameter.detach() for name, parameter in model.named_parameters()}
        each = func.vmap(gradient_norm(model), in_dims=(None, 0, 0))
        found = each(parameters, images, labels).numpy()
        expected = []
        for i in range(3):
            model.zero_grad()
            model(images[i : i + 1]).cross_entropy(labels[i : i + 1]).backward()
            gradients = [parameter.grad.numpy() for parameter in model.parameters()]
            expected.append(sum((gradient**2).sum() for gradient in gradients) ** 0.5)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_wrong_labels_are_wrong() -> None:
    right, wrong = with_wrong_labels(0.0, seed=0), with_wrong_labels(0.25, seed=0)
    differ: Tensor = right.labels != wrong.labels
    assert (differ == wrong.is_wrong).all().item()
    assert 0.2 < wrong.is_wrong.float().mean().item() < 0.3
    assert not right.is_wrong.any().item()


def test_the_program(
    tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lazygrad.examples.per_sample.AT_ONCE", 16)
    path = tmp_path / "norms.png"
    with config(backend="CPU"):
        assert main(["--steps", "40", "--wrong", "0.1", "--plot", str(path)]) == 0
    lines = (line.rpartition(": ") for line in capsys.readouterr().out.splitlines())
    said = {what.strip(): number for what, _, number in lines}
    assert float(said["share of wrong ones where gradients are largest"]) > 0.3  # 0.1 by chance
    assert float(said["largest difference of the norms"]) < 1e-3
    assert path.read_bytes().startswith(b"\x89PNG")
