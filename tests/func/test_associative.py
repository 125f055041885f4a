"""Scans by an associative operation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, func, inspect
from lazygrad.errors import ArgumentError, AxisError, ShapeError
from lazygrad.func import associative_scan


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7, 8])
@pytest.mark.parametrize("reverse", [False, True])
def test_products_of_matrices(count: int, reverse: bool) -> None:
    """They do not commute, so the order shows."""
    values = np.random.default_rng(0).standard_normal((count, 2, 2)).astype(np.float32)
    found = associative_scan(lambda a, b: a @ b, Tensor(values), reverse=reverse)
    expected, product = [], np.eye(2, dtype=np.float32)
    for value in values[::-1] if reverse else values:
        product = value @ product if reverse else product @ value
        expected.append(product)
    expected = expected[::-1] if reverse else expected
    assert found.shape == (count, 2, 2)
    np.testing.assert_allclose(found.numpy(), np.reshape(expected, found.shape), 1e-4, 1e-6)


def linear(left: Any, right: Any) -> Any:
    """Of x -> a x + b, one after the other."""
    return left[0] * right[0], left[1] * right[0] + right[1]


def test_a_linear_recurrence_along_another_axis(device: str) -> None:
    rng = np.random.default_rng(1)
    a, b = (rng.standard_normal((2, 5)).astype(np.float32) for _ in range(2))
    _, found = associative_scan(
        linear, (Tensor(a, device=device), Tensor(b, device=device)), axis=1
    )
    x, expected = np.zeros(2, np.float32), []
    for t in range(5):
        x = a[:, t] * x + b[:, t]
        expected.append(x)
    np.testing.assert_allclose(found.numpy(), np.stack(expected, 1), rtol=1e-5, atol=1e-6)
    slope = func.grad(
        lambda b: associative_scan(linear, (Tensor(a, device=device), b), axis=1)[1].sum()
    )
    total, expected = np.zeros(2, np.float32), []
    for t in reversed(range(5)):
        total = 1 + (a[:, t + 1] if t < 4 else 0) * total
        expected.append(total)
    np.testing.assert_allclose(
        slope(Tensor(b, device=device)).numpy(), np.stack(expected[::-1], 1), rtol=1e-5, atol=1e-6
    )


def test_it_grows_by_the_logarithm() -> None:
    counts = [
        len(
            inspect.kernels(
                associative_scan(lambda a, b: a @ b, Tensor(np.ones((n, 2, 2), np.float32)))
            )
        )
        for n in (16, 32, 64)
    ]
    assert counts[2] - counts[1] == counts[1] - counts[0] > 0


def test_refusals() -> None:
    x = Tensor([1.0, 2.0])
    with pytest.raises(ShapeError, match=r"elems of shapes \(2,\), \(3,\) differ"):
        associative_scan(lambda a, b: a, (x, Tensor([1, 2, 3])))
    with pytest.raises(AxisError):
        associative_scan(lambda a, b: a, x, axis=1)
    with pytest.raises(ArgumentError, match="fn returns"):
        associative_scan(lambda a, b: (a, b), x)
    with pytest.raises(ShapeError, match="must keep shapes and dtypes"):
        associative_scan(lambda a, b: a.int(), x)
    with pytest.raises(ArgumentError, match="elems must be a Tensor"):
        associative_scan(lambda a, b: a, "x")
