"""Random graphs of kernels and routines, against the same graph evaluated op by op."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor, linalg
from lazygrad.testing import reference

Choose = Callable[[], Tensor]


def _one(x: Tensor) -> Tensor:
    return Tensor.eye(3, dtype="float64", device=x.device)


def _cut(x: Tensor, other: Tensor) -> list[Tensor]:
    joined = Tensor.cat([x, other], -1)
    return [joined[:, :, 1:4], joined[:, :, :3]]


def _eigh(x: Tensor) -> list[Tensor]:
    values, vectors = linalg.eigh(x + x.mT)
    return [vectors * vectors, values.unsqueeze(-1) * _one(x)]


def _svd(x: Tensor) -> list[Tensor]:
    u, s, vh = linalg.svd(x)
    return [u * u, s.unsqueeze(-1) * _one(x), vh * vh]


# From a (2, 3, 3) to one or more of them.
STEPS: list[Callable[[Tensor, Choose], list[Tensor]]] = [
    lambda x, other: [linalg.inv(x * 0.1 + _one(x) * 3)],
    lambda x, other: [linalg.solve(x * 0.1 + _one(x) * 3, other()).sin()],
    lambda x, other: [*linalg.qr(x * 0.1 + _one(x) * 2)],
    lambda x, other: [linalg.qr(x * 0.1 + _one(x) * 2).R],
    lambda x, other: _eigh(x),
    lambda x, other: _svd(x),
    lambda x, other: [x * other()],
    lambda x, other: [(x @ other()).sin()],
    lambda x, other: [x.mT],
    lambda x, other: [x.sum(-1, keepdim=True) + other() * 0.1],
    lambda x, other: [x.flip(0) + 1],
    lambda x, other: _cut(x, other()),
]


@pytest.mark.parametrize("seed", range(12))
def test_routines_anywhere_in_a_graph(device: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = [Tensor(rng.standard_normal((2, 3, 3)), device=device) for _ in range(2)]

    def choose() -> Tensor:
        return values[rng.integers(len(values))]

    for _ in range(rng.integers(6, 14)):
        values += STEPS[rng.integers(len(STEPS))](choose(), choose)
    results = values[2:][-int(rng.integers(1, 5)) :]
    right = reference.evaluate_all([result._node for result in results])
    with lazygrad.config(fuse=seed % 4 > 0, verify=True):
        Tensor.realize(*results)
    for result, expected in zip(results, right, strict=True):
        np.testing.assert_allclose(result.numpy(), expected, rtol=1e-7, atol=1e-8)
