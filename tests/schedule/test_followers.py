"""Kernels that go on, element by element, with what others write."""

from __future__ import annotations

import numpy as np

from lazygrad import Tensor
from tests.schedule.planning import kernels_of

ROWS = np.linspace(-2, 2, 1 << 16, dtype=np.float32).reshape(256, 256)


def gates(device: str = "CPU") -> list[Tensor]:
    """Dear values that an output and the pieces of a join are made of."""
    x = Tensor(ROWS, device=device)
    a, b = x.exp().sin(), (x * 2).exp().cos()
    return [Tensor.cat([a, b * a], 1), a * b]


def test_what_several_are_made_of_is_computed_by_one_kernel() -> None:
    (kernel,) = kernels_of(*gates())
    assert [spec.size for spec in kernel.buffers] == [ROWS.size, 2 * ROWS.size, ROWS.size]


def test_not_what_is_read_elsewhere() -> None:
    x = Tensor(ROWS)
    a = x.exp().sin().exp().sin()
    assert len(kernels_of(a, a.flip(0) * 2)) == 2


def test_values(device: str) -> None:
    a, b = np.sin(np.exp(ROWS)), np.cos(np.exp(ROWS * 2))
    wanted = [np.concatenate([a, b * a], 1), a * b]
    for got, want in zip(gates(device), wanted, strict=True):
        np.testing.assert_allclose(got.numpy(), want, rtol=1e-5, atol=1e-5)
