"""Gradients of what was read by index: the same bits on every run, and right for long indices."""

from __future__ import annotations

import numpy as np
import pytest

from lazygrad import Tensor, config, grad, jit

RNG = np.random.default_rng(5)


def gradient(index: Tensor, table: Tensor, seed: Tensor) -> Tensor:
    table = table.detach().requires_grad_()
    (found,) = grad(table[index], [table], [seed])
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("rows", "width", "tokens"), [(50, 33, 5000), (20_000, 64, 700), (7, 1, 20_000), (1, 40, 900)]
)
def test_sums_are_the_same_on_every_run(rows: int, width: int, tokens: int, device: str) -> None:
    places = RNG.integers(0, rows, tokens)
    values = RNG.standard_normal((tokens, width)).astype(np.float32)
    index, seed = Tensor(places, device=device), Tensor(values, device=device)
    table = Tensor(np.zeros((rows, width), np.float32), device=device)
    replayed = jit(gradient)
    found = [gradient(index, table, seed).numpy() for _ in range(3)]
    found += [replayed(index, table, seed).numpy() for _ in range(3)]
    for other in found[1:]:
        np.testing.assert_array_equal(other.view(np.uint32), found[0].view(np.uint32))
    right = np.zeros((rows, width))
    np.add.at(right, places, values)
    np.testing.assert_allclose(found[0], right, rtol=1e-4, atol=2e-3)


@pytest.mark.parametrize("fuse", [True, False])
def test_a_zero_keeps_its_sign(fuse: bool, device: str) -> None:
    x = np.array([0.0, -0.0, 1.0], np.float32)
    with config(fuse=fuse):
        taken = Tensor(x, device=device)[Tensor([1, 0, 1], device=device)]
        same = Tensor(x, device=device)[Tensor(np.arange(3), device=device)]
        assert np.signbit(taken.numpy()).tolist() == [True, False, True]
        assert np.signbit(same.numpy()).tolist() == [False, True, False]


def test_half_precision_adds_in_float32(device: str) -> None:
    """Alone, float16 stops at 2,048 ones."""
    index = Tensor(np.zeros(4096, np.int64), device=device)
    for dtype in ("float16", "bfloat16"):
        ones = Tensor(np.ones((4096, 3), np.float32), device=device).cast(dtype)
        table = Tensor(np.zeros((2, 3), np.float32), device=device).cast(dtype)
        found = gradient(index, table, ones)
        assert found.dtype is table.dtype
        np.testing.assert_array_equal(found.float().numpy(), [[4096] * 3, [0] * 3])
