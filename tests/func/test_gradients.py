"""grad, grad_and_value, value_and_grad and vjp: every argument of torch.func's, and what they
promise of what is around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, jit, no_grad
from lazygrad.errors import ArgumentError, DtypeError, GradError, ShapeError, ValueRangeError
from lazygrad.func import grad, grad_and_value, value_and_grad, vjp


def tensor(device: str, *values: float) -> Tensor:
    return Tensor(np.array(values, np.float32), device=device)


def product_sum(x: Tensor, y: Tensor) -> Tensor:
    return (x * x * y).sum()


def test_a_gradient_has_the_structure_of_argnums(device: str) -> None:
    x, y = tensor(device, 1, 2), tensor(device, 3, 5)
    assert grad(product_sum)(x, y).tolist() == [6, 20]
    assert grad(product_sum, argnums=1)(x, y).tolist() == [1, 4]
    assert grad(product_sum, argnums=-1)(x, y).tolist() == [1, 4]
    both = grad(product_sum, argnums=(1, 0))(x, y)
    assert isinstance(both, tuple) and [part.tolist() for part in both] == [[1, 4], [6, 20]]
    (single,) = grad(product_sum, argnums=(0,))(x, y)
    assert single.tolist() == [6, 20]


def test_what_comes_beside_is_handed_on(device: str) -> None:
    def f(x: Tensor) -> tuple[Tensor, dict[str, Any]]:
        return x.square().sum(), {"twice": x * 2, "name": "f"}

    x = tensor(device, 1, 2)
    slope, aux = grad(f, has_aux=True)(x)
    assert slope.tolist() == [2, 4] and aux["twice"].tolist() == [2, 4] and aux["name"] == "f"
    slope, (value, aux) = grad_and_value(f, has_aux=True)(x)
    assert (slope.tolist(), value.item(), aux["twice"].tolist()) == ([2, 4], 5, [2, 4])
    (value, aux), slope = value_and_grad(f, has_aux=True)(x)
    assert (slope.tolist(), value.item(), aux["twice"].tolist()) == ([2, 4], 5, [2, 4])
    value, pull, aux = vjp(f, x, has_aux=True)
    assert pull(tensor(device, 2).sum())[0].tolist() == [4, 8] and aux["name"] == "f"
    assert not aux["twice"].requires_grad


def test_values_come_before_or_after() -> None:
    x = Tensor(3.0)
    assert [t.item() for t in grad_and_value(lambda x: x**2)(x)] == [6, 9]
    assert [t.item() for t in value_and_grad(lambda x: x**2)(x)] == [9, 6]


def test_keyword_arguments_and_what_is_no_tensor_are_handed_on() -> None:
    def f(x: Tensor, power: int, *, scale: Tensor) -> Tensor:
        return x**power * scale

    assert grad(f)(Tensor(2.0), 3, scale=Tensor(5.0)).item() == 60


def test_vjp_pulls_any_container_back(device: str) -> None:
    def f(pair: dict[str, Tensor], z: Tensor) -> list[Tensor]:
        return [pair["a"] * z, pair["b"].sum()]

    a, b, z = tensor(device, 1, 2), tensor(device, 3), tensor(device, 5, 7)
    (first, second), pull = vjp(f, {"a": a, "b": b}, z)
    assert (first.tolist(), second.item()) == ([5, 14], 3)
    for _ in range(2):  # as often as one likes
        slopes, by_z = pull([tensor(device, 1, 10), tensor(device, 100).sum()])
        assert (slopes["a"].tolist(), slopes["b"].tolist(), by_z.tolist()) == (
            [5, 70], [100], [1, 20],
        )  # fmt: skip


def test_vjp_does_not_run_the_function_again() -> None:
    calls = []

    def f(x: Tensor) -> Tensor:
        calls.append(1)
        return x.sin()

    _, pull = vjp(f, Tensor([0.0, 1.0]))
    pull(Tensor([1.0, 0.0])), pull(Tensor([0.0, 1.0]))
    assert len(calls) == 1


def test_an_argument_that_does_not_matter_has_gradient_zero() -> None:
    assert grad(lambda x, y: y.sum())(Tensor([1.0, 2.0]), Tensor(3.0)).tolist() == [0, 0]
    assert grad(lambda x: x.detach().sum())(Tensor([1.0, 2.0])).tolist() == [0, 0]


# -- what is around -------------------------------------------------------------------------------


def test_changes_of_one_transform_are_not_those_of_another(device: str) -> None:
    x = tensor(device, 3).sum()
    assert grad(lambda x: x * grad(lambda y: x + y)(x))(x).item() == 1
    assert grad(lambda x: x * grad(lambda y: x * y)(x))(x).item() == 6
    assert grad(lambda x: grad(lambda x: x * x.detach())(x) * x)(x).item() == 3


def test_third_derivatives(device: str) -> None:
    x = tensor(device, 2).sum()
    assert grad(grad(grad(lambda x: x**4)))(x).item() == 48
    assert jit(grad(grad(grad(lambda x: x**4))))(x).item() == 48
    assert grad(jit(grad(jit(grad(lambda x: x**4)))))(x).item() == 48


def test_results_require_a_gradient_only_if_something_does() -> None:
    x, w = Tensor(3.0), Tensor(2.0, requires_grad=True)
    assert not grad(lambda x: x**2)(x).requires_grad
    slope, value = grad_and_value(lambda x: x**2 * w)(x)
    assert slope.requires_grad and value.requires_grad
    slope.backward()
    assert w.grad is not None and w.grad.item() == 6
    own = grad(lambda w: w**3)(w)
    own.backward()
    assert w.grad.item() == 6 + 12


def test_gradients_are_taken_inside_no_grad_and_recorded_by_none_outside() -> None:
    w = Tensor(2.0, requires_grad=True)
    with no_grad():
        slope = grad(lambda x: x**2 * w)(Tensor(3.0))
        nested = grad(lambda x: x * grad(lambda y: x * y)(x))(Tensor(3.0))
    assert slope.item() == 12 and not slope.requires_grad
    assert nested.item() == 6


def test_no_grad_inside_is_respected() -> None:
    def f(x: Tensor) -> Tensor:
        with no_grad():
            factor = x**2
        return factor * x

    assert grad(f)(Tensor(3.0)).item() == 9
    assert grad(grad(f))(Tensor(3.0)).item() == 0


def test_values_can_be_looked_at() -> None:
    def f(x: Tensor) -> Tensor:
        x.realize()
        chosen = x[x > 1]
        return (chosen**3).sum() if x.sum().item() > 0 else x.sum()

    assert grad(f)(Tensor([1.0, 2.0])).tolist() == [0, 12]
    assert grad(lambda x: grad(f)(x).sum())(Tensor([1.0, 2.0])).tolist() == [0, 12]


def test_a_value_that_was_read_inside_is_not_computed_again() -> None:
    from lazygrad.runtime import cache

    x = Tensor(np.arange(4, dtype=np.float32))

    def f(x: Tensor) -> tuple[Tensor, Tensor]:
        y = x.exp().sum()
        y.item()
        return y, y

    _, value = grad(f, has_aux=True)(x)
    before = cache.statistics.misses + cache.statistics.hits
    value.item()
    assert cache.statistics.misses + cache.statistics.hits == before


def test_constants_that_others_hold_are_no_history() -> None:
    """A gradient is multiplied by ones, which an older value that waits may have made."""
    held = grad(lambda x: x.exp().sum())(Tensor(np.arange(4, dtype=np.float32)))
    test_a_value_that_was_read_inside_is_not_computed_again()
    assert held.tolist() == np.exp(np.arange(4, dtype=np.float32)).tolist()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: grad(lambda x: x * 2)(x), ShapeError, r"shape \(2,\)"),
        (lambda x: grad(lambda x: (x.sum(), x))(x), ArgumentError, "has_aux"),
        (lambda x: grad(lambda x: 1.0)(x), ArgumentError, "1.0"),
        (lambda x: grad(lambda x: x.sum(), has_aux=True)(x), ArgumentError, "output, aux"),
        (lambda x: grad(lambda x: x.sum())(x.int()), GradError, "int32"),
        (lambda x: grad(lambda x: x.sum().int())(x), GradError, "int32"),
        (lambda x: grad(lambda x: x.sum())(2.0), ArgumentError, "2.0"),
        (lambda x: grad(lambda x: x["a"].sum())({"a": {1, 2}}), ArgumentError, "register_pytree"),
        (lambda x: grad(lambda x: x.sum(), argnums=1)(x), ValueRangeError, "1 positional"),
        (lambda x: grad(lambda x: x.sum(), argnums=(0, 0))(x), ValueRangeError, "twice"),
        (lambda x: grad(lambda x: x.sum(), argnums="x")(x), ArgumentError, "'x'"),
        (lambda x: vjp(lambda x: x, x)[1](x[0]), ShapeError, r"\(\).*\(2,\)"),
        (lambda x: vjp(lambda x: x, x)[1](x.double()), DtypeError, "float64"),
        (lambda x: vjp(lambda x: x, x)[1]((x,)), ArgumentError, "tuple"),
        (lambda x: vjp(lambda x: x, x)[1](1.0), ArgumentError, "1.0"),
    ],
)
def test_what_cannot_be_is_told(call: Callable[..., Any], error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        call(Tensor([1.0, 2.0]))
