"""tinygrad's names of functions."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import lazygrad
from lazygrad import Device, Tensor, TinyJit, config, dtypes, nn
from lazygrad.errors import CheckpointError, ShapeError, ValueRangeError

A = np.arange(24, dtype=np.float32).reshape(2, 12)


def test_rearrange(device: str) -> None:
    x = Tensor(A, device=device)
    cases = {
        "b (h d) -> h b d": (A.reshape(2, 4, 3).transpose(1, 0, 2), {"h": 4}),
        "b n -> (n b)": (A.T.reshape(-1), {}),
        "b n -> b 1 n": (A[:, None], {}),
        "... n -> n ...": (A.T, {}),
        "b (h w) -> b w h": (A.reshape(2, 3, 4).transpose(0, 2, 1), {"w": 4, "h": 3}),
        "(p q) ... -> q (p ...)": (A.reshape(2, 1, 12).transpose(1, 0, 2).reshape(1, 24), {"p": 2}),
    }
    for formula, (expected, sizes) in cases.items():
        np.testing.assert_array_equal(x.rearrange(formula, **sizes).numpy(), expected, formula)
    assert x[None].rearrange("1 b n -> n b").shape == (12, 2)


def test_wrong_formulas() -> None:
    x = Tensor(A)
    for formula in ("b n", "b n -> b m", "b n -> b", "b [n] -> n b"):
        with pytest.raises(ValueRangeError, match=r"\[rearrange\]"):
            x.rearrange(formula)
    with pytest.raises(ShapeError, match=r"\[rearrange\] 'a b c -> c b a' does not fit shape"):
        x.rearrange("a b c -> c b a")
    with pytest.raises(ShapeError, match=r"a dim of size 12 is not \(h d\).*give sizes"):
        x.rearrange("b (h d) -> b h d", h=5)
    with pytest.raises(ShapeError, match="give sizes of all names but one"):
        x.rearrange("b (h d) -> b h d")


def test_initial_weights(device: str) -> None:
    shape = (40, 30, 3)
    bounds = {
        "kaiming_uniform": math.sqrt(6 / (1 + 0.01**2) / 90),
        "glorot_uniform": math.sqrt(6 / (40 + 90)),
        "scaled_uniform": math.sqrt(1 / 3600),
    }
    for name, bound in bounds.items():
        drawn = getattr(Tensor, name)(*shape, device=device).numpy()
        assert drawn.shape == shape
        assert 0.99 * bound < abs(drawn).max() <= bound
    spread = Tensor.kaiming_normal(*shape, a=0.5, device=device).numpy().std()
    assert spread == pytest.approx(math.sqrt(2 / 1.25 / 90), rel=0.05)
    with pytest.raises(ShapeError, match=r"\[glorot_uniform\] needs at least one dim"):
        Tensor.glorot_uniform()


def test_losses(device: str) -> None:
    logits = Tensor(A.reshape(2, 3, 4) / 10, device=device)
    labels = Tensor([[0, 3, -1], [1, 1, 2]], device=device)
    scores = A.reshape(6, 4) / 10
    logs = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    each = -logs[range(6), [0, 3, 0, 1, 1, 2]]
    each[2] = 0
    found = logits.sparse_categorical_crossentropy(labels)
    assert found.item() == pytest.approx(each.sum() / 5, rel=1e-5)
    apart = logits.sparse_categorical_crossentropy(labels, reduction="none")
    np.testing.assert_allclose(apart.numpy(), each.reshape(2, 3), rtol=1e-5)
    p, y = Tensor([0.2, 0.9], device=device), Tensor([0.0, 1.0], device=device)
    expected = -(math.log(0.8) + math.log(0.9)) / 2
    assert p.binary_crossentropy(y).item() == pytest.approx(expected, rel=1e-5)
    z = (p / (1 - p)).log()
    assert z.binary_crossentropy_logits(y).item() == pytest.approx(expected, rel=1e-5)


def test_composition(device: str) -> None:
    x = Tensor(A, device=device)
    assert x.sequential([Tensor.relu, lambda t: t + 1, Tensor.sum]).item() == A.sum() + 24
    assert x.shrink(((0, 1), None)).tolist() == A[:1].tolist()
    assert x.shrink((None, (2, 5))).tolist() == A[:, 2:5].tolist()


class Plain:
    def __init__(self) -> None:
        self.layers = [nn.Linear(2, 3), {"scale": Tensor([2.0])}]
        self.again = self.layers[1]
        self.size = 3


def test_states_of_plain_objects(tmp_path: Path) -> None:
    model, other = Plain(), Plain()
    found = nn.state.get_state_dict(model)
    assert list(found) == ["layers.0.weight", "layers.0.bias", "layers.1.scale", "again.scale"]
    assert len(nn.state.get_parameters(model)) == 3
    assert list(nn.state.get_state_dict(model.layers[0], prefix="fc.")) == ["fc.weight", "fc.bias"]
    nn.state.safe_save(found, tmp_path / "model.safetensors")
    model.layers[1]["scale"].assign([5.0])
    nn.state.load_state_dict(other, nn.state.safe_load(tmp_path / "model.safetensors"))
    assert other.layers[0].weight.tolist() == model.layers[0].weight.tolist()
    assert other.again["scale"].tolist() == [2]
    with pytest.raises(CheckpointError, match="Plain"):
        nn.state.load_state_dict(other, {"layers.1.scale": Tensor([1.0])})


def test_other_names() -> None:
    double = TinyJit(lambda x: x * 2)
    assert double(Tensor([2.0])).tolist() == [4]
    assert dtypes.float32 is lazygrad.float32 and dtypes.bool is lazygrad.bool
    assert Tensor([1], dtype=dtypes.uint8).dtype is dtypes.uchar
    assert dtypes.is_float(dtypes.half) and dtypes.is_int(dtypes.long)
    assert isinstance(dtypes.int32, lazygrad.dtype)
    with config():
        before = Device.DEFAULT
        Device.DEFAULT = "GPU"
        assert Tensor([1]).device == Device.DEFAULT == "GPU"
        Device.DEFAULT = before
    assert Tensor([1]).device == before
