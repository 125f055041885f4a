"""Second names and short ways: each is its longer form, with its values, on both backends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor
from lazygrad.errors import ShapeError

X = np.arange(6.0, dtype=np.float32).reshape(2, 3)
ROW = np.array([1.0, -2.0, 3.0], np.float32)

# name: (on Tensors, in NumPy, arguments)
METHODS: dict[str, tuple[Callable[..., Any], Callable[..., Any], tuple[np.ndarray, ...]]] = {
    "t": (lambda x: x.t(), np.transpose, (X,)),
    "t of a vector": (lambda x: x.t(), lambda x: x, (ROW,)),
    "swapdims": (lambda x: x.swapdims(0, -1), lambda x: x.swapaxes(0, -1), (X,)),
    "view_as": (lambda x, y: x.view_as(y), lambda x, y: x.reshape(y.shape), (X, X.T)),
    "expand_as": (lambda x, y: x.expand_as(y), lambda x, y: x + 0 * y, (ROW[None], X)),
    "unbind": (lambda x: Tensor.stack(x.unbind(1)[::-1]), lambda x: x.T[::-1], (X,)),
    "mm": (lambda x, y: x.mm(y), np.matmul, (X, X.T)),
    "mv": (lambda x, y: x.mv(y), np.matmul, (X, ROW)),
    "true_divide": (lambda x, y: x.true_divide(y), np.divide, (X, ROW)),
    "bitwise_not": (lambda x: x.bitwise_not(), np.invert, (np.arange(-2, 3),)),
    "isclose": (
        lambda x, y: x.isclose(y, rtol=0.1, atol=0.25),
        lambda x, y: np.isclose(x, y, rtol=0.1, atol=0.25),
        (X, X + np.float32([0.25, 0.5, 0.7])),
    ),
    "isclose of NaN": (
        lambda x: Tensor.stack([x.isclose(x), x.isclose(x, equal_nan=True)]),
        lambda x: np.array([[True, False], [True, True]]),
        (np.array([1.0, np.nan]),),
    ),
    "avg_pool1d": (
        lambda x: x.avg_pool1d(2, 1),
        lambda x: (x[..., 1:] + x[..., :-1]) / 2,
        (X[None],),
    ),
    "batchnorm": (
        lambda x, mean, var: x.batchnorm(mean, None, mean, var, eps=0.5),
        lambda x, mean, var: (x - mean) / np.sqrt(var + 0.5) * mean,
        (X, ROW, np.float32([0.5, 3.5, 15.5])),
    ),
    "clone": (lambda x: x.clone(), lambda x: x, (X,)),
}


@pytest.mark.parametrize("name", METHODS)
def test_the_value(name: str, device: str) -> None:
    function, right, arrays = METHODS[name]
    found = function(*(Tensor(array, device=device) for array in arrays))
    expected = right(*arrays)
    assert found.numpy().dtype == expected.dtype
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)


def test_what_t_does_not_take() -> None:
    with pytest.raises(ShapeError, match=r"\[t\] needs at most 2 dims, got shape \(2, 3, 4\)"):
        Tensor.ones(2, 3, 4).t()


def test_a_clone_keeps_its_history_and_its_own_value() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = x.clone()
    (y * 3).sum().backward()
    assert x.grad.tolist() == [3, 3]
    x.assign([5.0, 6.0])
    assert y.tolist() == [1, 2]


def test_elements_are_counted() -> None:
    assert Tensor.ones(2, 3).nelement() == 6
    assert Tensor.ones(2, 0).nelement() == 0


def test_from_numpy(device: str) -> None:
    array = np.arange(3, dtype=np.int16)
    found = Tensor.from_numpy(array, device=device)
    array[:] = 0
    assert (found.dtype, found.device, found.tolist()) == (lazygrad.int16, device, [0, 1, 2])


@pytest.mark.parametrize("name", ["rand_like", "randn_like", "randint_like"])
def test_random_numbers_like_a_tensor(name: str, device: str) -> None:
    """Those of the plain function, in the tensor's shape, dtype and device, or as asked for."""
    integers = name == "randint_like"
    dtype, other = ("int16", "int32") if integers else ("float64", "float32")
    bounds = {"low": -5, "high": 50} if integers else {}
    like = Tensor.zeros(4, 5, dtype=dtype, device=device)
    lazygrad.manual_seed(3)
    found = getattr(like, name)(**bounds)
    lazygrad.manual_seed(3)
    plain = getattr(Tensor, name.removesuffix("_like"))
    expected = plain(4, 5, dtype=dtype, device=device, **bounds)
    assert (found.dtype, found.device, found.shape) == (like.dtype, device, (4, 5))
    np.testing.assert_array_equal(found.numpy(), expected.numpy())
    assert getattr(like, name)(dtype=other).dtype.name == other


def test_arange_counts_exactly(device: str) -> None:
    """2**61 / (2**60 - 1) is 2.0 as a float, but there are three steps."""
    step = 2**60 - 1
    found = Tensor.arange(-(2**60), 2**60, step, device=device)
    assert found.tolist() == [-(2**60), -1, 2**60 - 2]
