"""What a jitted function does to its arguments beside reading them: gradients, requires_grad."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, jit, no_grad
from lazygrad.errors import JitError
from lazygrad.inspect.names import of_capture

X = np.array([1.0, 2.0], np.float32)


def leaf(device: str = "CPU", factor: float = 1.0) -> Tensor:
    return Tensor(X * factor, device=device, requires_grad=True)


@jit
def step(x: Tensor) -> Tensor:
    loss = (x * x).sum()
    loss.backward()
    return loss


def test_gradients_of_arguments_accumulate(device: str) -> None:
    x, y = leaf(device), leaf(device, 3.0)
    for times in (1, 2, 3):
        step(x)
        np.testing.assert_array_equal(x.grad.numpy(), 2 * X * times)
    step(y)
    np.testing.assert_array_equal(y.grad.numpy(), 6 * X)
    np.testing.assert_array_equal(x.grad.numpy(), 6 * X)


def test_it_is_traced_once_with_a_gradient_and_once_without() -> None:
    traced = jit(step.function)
    x = leaf()
    for _ in range(4):
        traced(x)
    assert traced.captures == 2
    x.grad = None
    traced(x)
    assert traced.captures == 2 and x.grad.tolist() == [2, 4]


def test_gradients_are_cleared_read_and_set() -> None:
    @jit
    def renewed(x: Tensor) -> Any:
        before = None if x.grad is None else x.grad * 1
        x.grad = None
        (x * x).sum().backward()
        return before, x.grad

    @jit
    def given(x: Tensor) -> None:
        x.grad = x.detach() * 5

    @jit
    def cleared(x: Tensor) -> Tensor:
        x.grad = None
        return x * 1

    x = leaf()
    for before in (None, [2, 4], [2, 4]):
        found = renewed(x)
        assert (found[0] if found[0] is None else found[0].tolist()) == before
        assert found[1].tolist() == x.grad.tolist() == [2, 4]
    given(x)
    assert x.grad.tolist() == [5, 10]
    cleared(x)
    assert x.grad is None
    given(x)
    cleared(x)
    assert x.grad is None


def test_gradients_of_several_arguments_and_of_what_is_outside() -> None:
    w = leaf()

    @jit
    def loss(x: Tensor, others: dict[str, Tensor], plain: Tensor) -> None:
        (x * others["y"] * w * plain).sum().backward()

    x, y, plain = leaf(), leaf(factor=2.0), Tensor(X)
    for times in (1, 2):
        loss(x, {"y": y}, plain)
        assert x.grad.tolist() == [2 * times, 16 * times]
        assert y.grad.tolist() == [1 * times, 8 * times]
        assert w.grad.tolist() == [2 * times, 16 * times]
    assert plain.grad is None


def test_an_argument_can_be_made_a_leaf_inside() -> None:
    w = Tensor(X)

    @jit
    def attacked(x: Tensor) -> Tensor:
        x.requires_grad_()
        w.requires_grad_()
        (x * x * w).sum().backward()
        return x.grad

    x = Tensor(X)
    for times in (1, 2, 3):
        assert attacked(x).tolist() == [2 * times, 8 * times] == x.grad.tolist()
        assert x.requires_grad and w.requires_grad and w.grad.tolist() == [times, 4 * times]
    jit(lambda x: x.requires_grad_(False))(x)
    assert not x.requires_grad


def test_what_has_no_gradient_of_its_own_is_refused() -> None:
    x = leaf()
    with pytest.raises(JitError, match=r"backward\(\) inside reaches an argument of shape \(2,\)"):
        step(x * 2)
    with pytest.raises(JitError, match="an argument of shape .* that it is given twice"):
        jit(lambda x, y: (x * y).sum().backward())(x, x)
    assert x.grad is None
    assert jit(lambda x, y: (x * y).sum())(x * 2, x * 2).item() == 20
    with no_grad():
        assert jit(lambda x, y: (x * y).sum())(x, x).item() == 5


def test_names_of_gradients_of_arguments() -> None:
    traced = jit(step.function)
    x = leaf()
    for _ in range(2):
        traced(x)
    capture = traced.latest()
    assert capture is not None
    names = of_capture(capture)
    assert "grad of x" in names.inputs and "grad of x" in names.results
