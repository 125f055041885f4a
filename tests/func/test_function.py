"""autograd.Function: classes with a backward pass of their own, in PyTorch's style."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, jit
from lazygrad.autograd import Function
from lazygrad.errors import ArgumentError, GradError
from lazygrad.func import grad, jvp, vmap

X = np.array([0.5, -1.0, 2.0], np.float32)


class Scaled(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        assert ctx.needs_input_grad[1] is False
        first = x.sin() * factor
        ctx.save_for_backward(x, None, first)
        ctx.factor = factor
        ctx.y = y  # a tensor that is no saved one is kept as well
        rounded = first.round()
        ctx.mark_non_differentiable(rounded)
        ctx.set_materialize_grads(False)
        return first, y * x, rounded

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> tuple[Any, ...]:
        x, none, _ = ctx.saved_tensors
        assert none is None and len(given) == 3
        return 10 * given[0] * x.cos() * ctx.factor + given[1] * ctx.y, None, given[1] * x


def test_backward_is_what_the_class_says(device: str) -> None:
    x = Tensor(X, device=device, requires_grad=True)
    y = Tensor(X * 2, device=device, requires_grad=True)
    first, product, rounded = Scaled.apply(x, 3.0, y)
    assert not rounded.requires_grad
    np.testing.assert_allclose(first.numpy(), np.sin(X) * 3, rtol=1e-5)
    (first + product).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 30 * np.cos(X) + 2 * X, rtol=1e-5)
    np.testing.assert_allclose(y.grad.numpy(), X, rtol=1e-5)


def test_backward_holds_in_every_transform() -> None:
    def f(x: Tensor) -> Tensor:
        return Scaled.apply(x, 3.0, x.detach())[0]

    x = Tensor(X)
    expected = 30 * np.cos(X)
    for found in (
        vmap(grad(f))(x),
        jit(vmap(grad(f)))(x),
        jvp(f, (x,), (x * 0 + 1,))[1],
        vmap(lambda x: jvp(f, (x,), (x * 0 + 1,))[1])(x),
    ):
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4)
    np.testing.assert_allclose(vmap(grad(grad(f)))(x).numpy(), -30 * np.sin(X), rtol=1e-4)


class Exp(Function):
    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.exp()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, given: Tensor) -> Tensor:
        return given * ctx.saved_tensors[0]


def test_the_context_can_be_set_up_apart_and_holds_outputs() -> None:
    f = lambda x: Exp.apply(x)  # noqa: E731
    assert grad(grad(grad(f)))(Tensor(0.0)).item() == 1


def test_what_is_wrong_is_told() -> None:
    w = Tensor(2.0, requires_grad=True)

    class Wrong(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, what: str) -> Any:
            if what == "dirty":
                ctx.mark_dirty(x)
            return {"number": lambda: 1.0, "outside": lambda: x * w}.get(what, lambda: x * 2)()

        @staticmethod
        def backward(ctx: Any, given: Tensor) -> Any:
            return (given,)

    with pytest.raises(ArgumentError, match=r"\[Wrong\] forward returns tensors, got 1.0"):
        Wrong.apply(Tensor(1.0), "number")
    with pytest.raises(GradError, match=r"\[Wrong\] the function reads .* from outside"):
        Wrong.apply(Tensor(1.0), "outside")
    with pytest.raises(GradError, match="in place"):
        Wrong.apply(Tensor(1.0), "dirty")
    with pytest.raises(GradError, match="each of 2 arguments, got 1"):
        Wrong.apply(w, "count").backward()
