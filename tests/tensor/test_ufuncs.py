"""NumPy's functions of Tensors, and Python's."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor
from lazygrad.errors import ArgumentError

A = np.array([1.0, 2.0, 3.0], np.float32)

FUNCTIONS: list[tuple[Callable[..., Any], int]] = [
    (np.sqrt, 1), (np.exp, 1), (np.abs, 1), (np.negative, 1), (np.rint, 1), (np.degrees, 1),
    (np.isnan, 1), (np.arctan, 1), (np.add, 2), (np.maximum, 2), (np.hypot, 2), (np.arctan2, 2),
    (np.power, 2), (np.less, 2), (np.equal, 2), (np.logical_and, 2), (np.matmul, 2),
]  # fmt: skip


@pytest.mark.parametrize(("function", "count"), FUNCTIONS)
def test_a_ufunc_of_a_tensor_is_a_tensor(
    function: Callable[..., Any], count: int, device: str
) -> None:
    x = Tensor([4.0, 0.25, 9.0], device=device)
    for given in ([x], [x, A][:count], [A, x][:count]) if count == 2 else ([x],):
        if len(given) < count:
            continue
        found = function(*given)
        assert isinstance(found, Tensor)
        assert found.device == device
        true = function(*(g.numpy() if isinstance(g, Tensor) else g for g in given))
        np.testing.assert_allclose(found.numpy(), true, rtol=1e-6)


OPERATORS = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod,
    operator.pow, operator.matmul, operator.lt, operator.ge, operator.eq, operator.ne,
]  # fmt: skip


@pytest.mark.parametrize("apply", OPERATORS)
def test_an_array_on_the_left_of_an_operator(apply: Callable[..., Any], device: str) -> None:
    x = Tensor([4.0, 2.0, 9.0], device=device)
    found = apply(A, x)
    assert isinstance(found, Tensor)
    np.testing.assert_allclose(found.numpy(), apply(A, x.numpy()), rtol=1e-6)


def test_a_numpy_scalar_is_weak(device: str) -> None:
    x = Tensor([1.0, 2.0], device=device)
    for made in (np.float64(2) * x, x * np.float64(2), np.multiply(np.float64(2), x)):
        assert made.dtype.name == "float32"
        assert made.tolist() == [2, 4]


def test_a_ufunc_has_derivatives(device: str) -> None:
    x = Tensor([4.0, 9.0], device=device, requires_grad=True)
    np.sqrt(x).sum().backward()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), [0.25, 1 / 6], rtol=1e-6)


def test_reductions_of_numpy_call_the_methods(device: str) -> None:
    x = Tensor([[1.0, 2.0], [3.0, 4.0]], device=device)
    assert np.sum(x, axis=0).tolist() == [4, 6]
    assert np.mean(x).item() == 2.5
    assert np.prod(x, axis=1, keepdims=True).tolist() == [[2], [12]]


def test_what_is_refused() -> None:
    x = Tensor([1.0, 2.0])
    with pytest.raises(
        ArgumentError, match=r"\[add\] np\.add does not take a Tensor with \['out'\]"
    ):
        np.add(A[:2], x, out=A[:2])
    with pytest.raises(ArgumentError, match=r"np\.add\.reduce does not take a Tensor"):
        np.add.reduce(x)
    with pytest.raises(ArgumentError, match=r"\[cbrt\] .*; give it tensor\.numpy\(\)"):
        np.cbrt(x)


def test_formats_and_rounds(device: str) -> None:
    x = Tensor([1.256, 2.5, -0.5], device=device)
    assert f"{x[0]:.2f}" == "1.26"
    assert f"{x.sum()}" == str(x.sum())
    assert round(x).tolist() == [1, 2, 0]
    np.testing.assert_allclose(round(x, 1).numpy(), [1.3, 2.5, -0.5], rtol=1e-6)
    assert 2.5 in x
    assert 7 not in x
    assert [float(y) for y in x[1:]] == [2.5, -0.5]
