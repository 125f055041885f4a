"""A value that its kernel reads at several points is written whole."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor

N = 6
DATA = np.random.default_rng(0).standard_normal((N, N)).astype(np.float32)

# What reads a value once more, beside where it is: one element, a row, a piece, a diagonal, ...
READS: dict[str, Callable[[Tensor], Tensor]] = {
    "element": lambda g: g[0, 0],
    "last element": lambda g: g[-1, -1],
    "row": lambda g: g[:1],
    "column": lambda g: g[:, :1],
    "piece": lambda g: g[:2].repeat(3, 1),
    "shifted": lambda g: g.roll(1, 0),
    "diagonal": lambda g: g.diagonal(),
    "transposed": lambda g: g.T,
    "reversed": lambda g: g.flip(1),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("first", [True, False], ids=["read-first", "read-last"])
def test_it_is_written_whole(device: str, read: Callable[[Tensor], Tensor], first: bool) -> None:
    x = Tensor(DATA, device=device).realize()
    g = (x - x.sum(1, keepdim=True)).tanh()
    again = read(g)
    y = again * g if first else g * again
    total = (y + 1).matmul(g)  # reads all of both, in another kernel
    Tensor.realize(total, g)
    value = np.tanh(DATA - DATA.sum(1, keepdims=True))
    same = read(Tensor(value.astype(np.float64))).numpy()
    np.testing.assert_allclose(g.numpy(), value, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(total.numpy(), (value * same + 1) @ value, rtol=1e-4, atol=1e-4)


def test_what_a_product_reads_one_element_of(device: str) -> None:
    """A factor waits for one element of a value, which the same kernel computes to its end."""
    x, w = Tensor.ones(4, 8, device=device), Tensor.eye(8, device=device) * 0.1
    value = (x @ w).tanh() * 0.03125
    signal = value[0, 0]
    late = lazygrad.where(signal < signal, signal, w)
    once = x.T @ ((x @ late).tanh() * value)
    twice = x.T @ (value * (1 - value))
    Tensor.realize(once, twice)
    t = np.tanh(0.1)
    v = 0.03125 * t
    np.testing.assert_allclose(once.numpy(), np.full((8, 8), 4 * t * v), rtol=1e-5)
    np.testing.assert_allclose(twice.numpy(), np.full((8, 8), 4 * v * (1 - v)), rtol=1e-5)
