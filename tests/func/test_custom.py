"""Rules of derivatives that users write: in every transform, in any order, jitted and mapped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, jit, no_grad
from lazygrad.errors import ArgumentError, GradError, ShapeError, WriteError
from lazygrad.func import (
    custom_jvp,
    custom_vjp,
    grad,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    scan,
    stop_gradient,
    vjp,
    vmap,
)

X = np.array([0.5, -1.0, 2.0], np.float32)
FACTOR = 10  # by which the rules are wrong, so that one can tell that they were used


@custom_vjp
def by_reverse(x: Tensor, y: Tensor) -> Tensor:
    return x.sin() * y


by_reverse.defvjp(
    lambda x, y: (x.sin() * y, (x, y)),
    lambda kept, g: (FACTOR * g * kept[0].cos() * kept[1], FACTOR * g * kept[0].sin()),
)


@custom_jvp
def by_forward(x: Tensor, y: Tensor) -> Tensor:
    return x.sin() * y


@by_forward.defjvp
def rule(primals: Any, tangents: Any) -> Any:
    (x, y), (s, t) = primals, tangents
    return by_forward(x, y), FACTOR * (s * x.cos() * y + t * x.sin())


BOTH = pytest.mark.parametrize("f", [by_reverse, by_forward], ids=["vjp", "jvp"])
Function = Callable[..., Any]


@BOTH
def test_the_rule_holds_on_every_device(f: Function, device: str) -> None:
    x, y = Tensor(X, device=device), Tensor(X[::-1].copy(), device=device)
    np.testing.assert_allclose(f(x, y).numpy(), np.sin(X) * X[::-1], rtol=1e-5)
    found = jit(vmap(grad(f)))(x, y)
    np.testing.assert_allclose(found.numpy(), FACTOR * np.cos(X) * X[::-1], rtol=1e-4)


@BOTH
def test_the_rule_holds_in_both_modes_mapped_and_jitted(f: Function) -> None:
    x, y = Tensor(X), Tensor(X[::-1].copy())
    expected = FACTOR * np.cos(X) * X[::-1]
    np.testing.assert_allclose(f(x, y).numpy(), np.sin(X) * X[::-1], rtol=1e-5)
    one = jit(grad(f))
    for found in (
        grad(lambda x, y: f(x, y).sum())(x, y),
        vmap(grad(f))(x, y),
        vmap(one)(x, y),
        jit(vmap(grad(f)))(x, y),
        jvp(lambda x: f(x, y), (x,), (x * 0 + 1,))[1],
        jit(lambda x: jvp(lambda x: vmap(f)(x, y), (x,), (x * 0 + 1,))[1])(x),
        vmap(lambda x, y: jvp(f, (x, y), (x * 0 + 1, y * 0))[1])(x, y),
        jacrev(lambda x: f(x, y))(x).sum(0),
        jacfwd(lambda x: f(x, y))(x).sum(0),
        vmap(lambda x: grad(f)(x, 1.0 * y[0]))(x) * y / y[0],
    ):
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4)
    leaf = Tensor(X, requires_grad=True)
    f(leaf, y).sum().backward()
    assert leaf.grad is not None
    np.testing.assert_allclose(leaf.grad.numpy(), expected, rtol=1e-5)


@BOTH
def test_an_argument_that_all_samples_share_gets_the_sum(f: Function) -> None:
    x, y = Tensor(X), Tensor(2.0)
    slope = grad(lambda y: vmap(f, (0, None))(x, y).sum())(y)
    np.testing.assert_allclose(slope.item(), FACTOR * np.sin(X).sum(), rtol=1e-5)
    slope = grad(lambda y: vmap(lambda x: f(x, y))(x).sum())(y)
    np.testing.assert_allclose(slope.item(), FACTOR * np.sin(X).sum(), rtol=1e-5)


@BOTH
def test_rules_are_differentiated_in_turn(f: Function) -> None:
    x, y = Tensor(X), Tensor(X + 1)
    # the rule's own derivative, in which the function does not appear again but for by_forward
    expected = np.diag(-FACTOR * np.sin(X) * (X + 1))
    np.testing.assert_allclose(hessian(lambda x: f(x, y).sum())(x).numpy(), expected, rtol=1e-4)
    np.testing.assert_allclose(
        jacfwd(jacfwd(lambda x: f(x, y).sum()))(x).numpy(), expected, rtol=1e-4
    )
    third = grad(grad(grad(f)))(x[0], y[0])
    np.testing.assert_allclose(third.item(), -FACTOR * np.cos(X[0]) * (X[0] + 1), rtol=1e-5)


@BOTH
def test_rules_are_used_inside_no_grad(f: Function) -> None:
    x, y = Tensor(X), Tensor(X)
    with no_grad():
        slope = grad(lambda x: f(x, y).sum())(x)
        _, push = jvp(lambda x: f(x, y), (x,), (x * 0 + 1,))
    np.testing.assert_allclose(slope.numpy(), FACTOR * np.cos(X) * X, rtol=1e-5)
    np.testing.assert_allclose(push.numpy(), FACTOR * np.cos(X) * X, rtol=1e-5)


@BOTH
def test_rules_are_used_in_the_steps_of_a_loop(f: Function, device: str) -> None:
    x = Tensor(X, device=device)

    def total(x: Tensor) -> Tensor:
        one = x[0] * 0 + 1
        return scan(lambda s, x: (s + f(x, one), None), one * 0, x)[0]

    for transform in (grad, lambda f: jit(grad(f))):
        np.testing.assert_allclose(transform(total)(x).numpy(), FACTOR * np.cos(X), rtol=1e-4)


def test_containers_come_and_go() -> None:
    seen: list[Any] = []

    @custom_vjp
    def f(params: dict[str, Tensor], n: Tensor, name: str) -> list[Tensor]:
        return [params["a"] * 2, params["b"] * n]

    def forward(params: dict[str, Tensor], n: Tensor, name: str) -> tuple[Any, Any]:
        return f.fun(params, n, name), {"n": n, "name": name}

    def backward(kept: dict[str, Any], g: list[Tensor]) -> tuple[Any, ...]:
        seen.append((kept["name"], len(g)))
        return {"a": g[0] * 100, "b": None}, None, None

    f.defvjp(forward, backward)
    params = {"a": Tensor([1.0, 2.0]), "b": Tensor(3.0)}
    output, pull = vjp(lambda params: f(params, Tensor(4), name="x"), params)
    assert [found.tolist() for found in output] == [[2, 4], 12]
    (slopes,) = pull([Tensor([1.0, 10.0]), Tensor(1.0)])
    assert slopes["a"].tolist() == [100, 1000] and slopes["b"].item() == 0
    assert seen == [("x", 2)]  # once for all results and operands
    slopes = grad(lambda params: f(params, Tensor(4), "x")[1])(params)
    assert slopes["a"].tolist() == [0, 0]


def test_arguments_in_front() -> None:
    @custom_vjp
    def power(f: Function, x: Tensor, n: int) -> Tensor:
        return f(x) ** n

    plain = power.fun
    power = custom_vjp(plain, nondiff_argnums=(0, 2))
    power.defvjp(lambda f, x, n: (f(x) ** n, x), lambda f, n, x, g: (g * n * f(x),))
    assert grad(lambda x: power(lambda x: x + 1, x, 3))(Tensor(1.0)).item() == 6

    scaled = custom_jvp(lambda x, n: x * n, nondiff_argnums=(1,))
    scaled.defjvp(lambda n, primals, tangents: (primals[0] * n, tangents[0] * n * 7))
    assert grad(lambda x: scaled(x, 2))(Tensor(1.0)).item() == 14


def test_methods_can_have_rules() -> None:
    class Line:
        def __init__(self, slope: float) -> None:
            self.slope = slope

        @custom_jvp
        def __call__(self, x: Tensor) -> Tensor:
            return x * self.slope

    Line.__call__.defjvp(lambda p, t: (p[1] * p[0].slope, t[1] * 5))  # type: ignore[attr-defined]
    assert grad(lambda x: Line(2.0)(x))(Tensor(1.0)).item() == 5


def test_what_a_rule_can_not_do_is_told() -> None:
    x, w, total = Tensor(2.0), Tensor(3.0, requires_grad=True), Tensor(0.0)
    with pytest.raises(GradError, match="defvjp"):
        custom_vjp(lambda x: x)(x)
    with pytest.raises(GradError, match="defjvp"):
        custom_jvp(lambda x: x)(x)

    def reverse(bwd: Function, fwd: Function = lambda x: (x * 2, None)) -> Function:
        f = custom_vjp(lambda x: x * 2)
        f.defvjp(fwd, bwd)
        return f

    with pytest.raises(GradError, match="from outside that requires a gradient"):
        reverse(lambda kept, g: (g,), lambda x: (x * w, None))(x)
    with no_grad():
        reverse(lambda kept, g: (g,), lambda x: (x * w, None))(x)
    with pytest.raises(ArgumentError, match=r"\(output, residuals\)"):
        reverse(lambda kept, g: (g,), lambda x: x)(x)
    with pytest.raises(ArgumentError, match="each part of tuple"):
        grad(reverse(lambda kept, g: (g, g)))(x)
    with pytest.raises(ArgumentError, match="tensors or None"):
        grad(reverse(lambda kept, g: ("g",)))(x)
    with pytest.raises(ShapeError, match=r"\(1,\) for what is float32 \(\)"):
        grad(reverse(lambda kept, g: (g.reshape(1),)))(x)
    with pytest.raises(WriteError, match="lost"):
        grad(reverse(lambda kept, g: (total.add_(g),)))(x)
    with pytest.raises(GradError, match="not linear"):
        jvp(reverse(lambda kept, g: (g * g,)), (x,), (x,))
    with pytest.raises(GradError, match="value of a tangent"):
        jvp(reverse(lambda kept, g: (g * g.item(),)), (x,), (x,))


def test_gradients_are_stopped() -> None:
    x = Tensor([1.0, 2.0])
    assert grad(lambda x: (x * stop_gradient(x)).sum())(x).tolist() == [1, 2]
    kept = stop_gradient({"a": x, "b": [3, None]})
    assert kept["a"].tolist() == [1, 2] and kept["b"] == [3, None]
    found = grad(lambda x: grad(lambda y: (y * stop_gradient(x * y)).sum())(x).sum())(x)
    assert found.tolist() == [0, 0]
