"""Programs that should be clean; what they compute is compared with the CPU backend, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lazygrad import Tensor, jit, manual_seed, optim
from lazygrad.examples.model import SmallCNN
from lazygrad.testing import conformance as suite
from lazygrad.testing.cases import CASES


def conformance() -> None:
    """every case of the conformance suite, and every derivative"""
    for case in CASES:
        suite.check(case, case.dtypes[0], "GPU")
        if case.gradient:
            suite.check_gradient(case, "float32", "GPU")


def contractions() -> None:
    """products and convolutions in blocks, full ones and cut off on each side"""
    for m, n, k in ((32, 32, 32), (33, 50, 70), (64, 20, 17)):
        _compare(lambda a, b: a @ b, (m, k), (k, n))
        _compare(lambda a, b: (a.T @ b.T).relu() + 1, (k, m), (n, k))
    _compare(lambda a, b: a @ b, (3, 20, 24), (3, 24, 40))
    _compare(lambda x, w: x.conv2d(w, padding=1), (2, 8, 9, 9), (20, 8, 3, 3))
    _compare(lambda x, w: x.conv2d(w, stride=2), (2, 16, 9, 9), (16, 16, 3, 3))


def reductions() -> None:
    """rows shared by groups, sums in parts, what is written along a reduced row"""
    for rows, columns in ((3, 200), (5, 33), (1, 3000), (40, 64)):
        _compare(lambda x: x.sum(1), (rows, columns))
        _compare(lambda x: x.sum(0), (columns, rows))
        _compare(lambda x: x.softmax(-1), (rows, columns))
        _compare(lambda x: x.layernorm(), (rows, columns))
        _compare(lambda x: x.argmax(1), (rows, columns))
    _compare(lambda x: x.logsumexp((0, 1)) + x.var(), (60, 70))
    _compare(lambda x: x.cumsum(1), (4, 150))


def training() -> None:
    """steps of the small CNN"""
    np.testing.assert_allclose(_losses("GPU"), _losses("CPU"), rtol=1e-4)


def _losses(device: str) -> list[float]:
    manual_seed(0)
    model = SmallCNN(1, 8, 8, 10).to(device)
    optimizer = optim.Adam(model.parameters(), lr=1e-3)

    @jit
    def step(x: Tensor, y: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = model(x).cross_entropy(y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    rng = np.random.default_rng(0)
    x = Tensor(rng.random((4, 1, 8, 8), dtype=np.float32), device=device)
    y = Tensor(rng.integers(0, 10, 4), device=device)
    return [step(x, y).item() for _ in range(2)]


def _compare(function: Callable[..., Tensor], *shapes: tuple[int, ...]) -> None:
    """The results and the gradients on both backends."""
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape, dtype=np.float32) for shape in shapes]
    values = [_values(function, arrays, device) for device in ("GPU", "CPU")]
    for found, right in zip(*values, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-3, atol=1e-4)


def _values(function: Callable[..., Tensor], arrays: list[Any], device: str) -> list[Any]:
    inputs = [Tensor(array, device=device, requires_grad=True) for array in arrays]
    result = function(*inputs)
    if not result.requires_grad:
        return [result.numpy()]
    (result * result).sum().backward()
    return [result.detach().numpy(), *(x.grad.numpy() for x in inputs if x.grad is not None)]
