"""Dropout: what is dropped together, how much of it, and what is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lazygrad.nn.functional as F
from lazygrad import Tensor, manual_seed, nn
from lazygrad.errors import ShapeError

CHANNELS: list[tuple[Any, tuple[int, ...], int]] = [
    (nn.Dropout1d, (50, 40, 3), 2), (nn.Dropout1d, (400, 3), 1), (nn.Dropout2d, (50, 40, 2, 3), 2),
    (nn.Dropout2d, (50, 40, 3), 2), (nn.Dropout3d, (50, 40, 2, 1, 3), 2),
    (nn.Dropout3d, (400, 2, 1, 3), 1),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "shape", "outer"), CHANNELS)
def test_channels_are_dropped_as_one(
    kind: Any, shape: tuple[int, ...], outer: int, device: str
) -> None:
    manual_seed(1)
    found = kind(0.25)(Tensor.ones(*shape, device=device)).numpy()
    rows = found.reshape(int(np.prod(shape[:outer])), -1)
    assert set(np.unique(rows)) == {0.0, np.float32(1 / 0.75)}
    assert (rows == rows[:, :1]).all()
    assert abs((rows[:, 0] == 0).mean() - 0.25) < 0.06


@pytest.mark.parametrize("kind", [nn.AlphaDropout, nn.FeatureAlphaDropout])
def test_alpha_dropout_keeps_mean_and_variance(kind: Any, device: str) -> None:
    manual_seed(2)
    x = Tensor.randn(4000, 8, device=device)
    found = kind(0.3)(x).numpy()
    assert abs(found.mean()) < 0.05
    assert abs(found.std() - 1) < 0.05
    lowest, count = np.unique(found.round(4), return_counts=True)
    assert abs(count.max() / found.size - 0.3) < 0.03
    assert lowest[count.argmax()] < -1


@pytest.mark.parametrize("kind", [nn.Dropout, nn.Dropout1d, nn.AlphaDropout])
def test_in_evaluation_and_in_place(kind: Any) -> None:
    x = Tensor.ones(2, 3)
    assert kind().eval()(x) is x
    layer = kind(0.5, inplace=True)
    assert layer(x) is x
    assert repr(layer) == f"{kind.__name__}(p=0.5, inplace=True)"
    assert F.dropout(x, 1.0).tolist() == [[0, 0, 0], [0, 0, 0]]


def test_the_gradient_is_that_of_what_is_kept(device: str) -> None:
    x = Tensor.ones(6, 4, device=device, requires_grad=True)
    found = F.dropout1d(x, 0.5)
    found.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == found.tolist()


def test_dims() -> None:
    for kind, ndim in ((nn.Dropout1d, 4), (nn.Dropout2d, 2), (nn.Dropout3d, 3)):
        with pytest.raises(ShapeError, match=rf"\[{kind.__name__}\] needs . or . dims"):
            kind()(Tensor.ones(*[2] * ndim))
    with pytest.raises(ShapeError, match=r"\[FeatureAlphaDropout\] needs \(N, C"):
        nn.FeatureAlphaDropout()(Tensor.ones(2))
