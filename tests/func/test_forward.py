"""jvp and linearize: every argument of torch.func's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lazygrad import Tensor, jit, no_grad
from lazygrad.errors import ArgumentError, GradError, ShapeError
from lazygrad.func import grad, jvp, linearize


def test_a_tangent_is_pushed_through_containers(device: str) -> None:
    def f(x: Tensor, pair: dict[str, Tensor]) -> tuple[Tensor, list[Tensor]]:
        return x * pair["a"], [pair["b"].square()]

    x, a, b = (Tensor([value, value + 1], device=device) for value in (1.0, 3.0, 5.0))
    one, zero = a * 0 + 1, a * 0
    output, tangents = jvp(f, (x, {"a": a, "b": b}), (one, {"a": zero, "b": one}))
    assert (output[0].tolist(), output[1][0].tolist()) == ([3, 8], [25, 36])
    assert (tangents[0].tolist(), tangents[1][0].tolist()) == ([3, 4], [10, 12])


def test_what_comes_beside_is_handed_on() -> None:
    value, slope, aux = jvp(
        lambda x: (x**2, {"x": x, "n": 1}), (Tensor(3.0),), (Tensor(1.0),), has_aux=True
    )
    assert (value.item(), slope.item(), aux["x"].item(), aux["n"]) == (9, 6, 3, 1)


def test_an_output_that_does_not_depend_has_tangent_zero() -> None:
    x = Tensor([1.0, 2.0])
    _, slope = jvp(lambda x: x.detach(), (x,), (x,))
    assert slope.tolist() == [0, 0]
    _, slope = jvp(lambda x: x.argmax(), (x,), (x,))
    assert slope.item() == 0 and slope.dtype.name == "int64"
    with pytest.raises(GradError, match="does not depend"):
        jvp(lambda x: x.detach(), (x,), (x,), strict=True)


def test_forward_over_forward_and_over_reverse(device: str) -> None:
    x, one = Tensor(2.0, device=device), Tensor(1.0, device=device)

    def slope(f: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        return lambda x: jvp(f, (x,), (one,))[1]

    cube: Callable[[Tensor], Tensor] = lambda x: x**3  # noqa: E731
    assert slope(slope(cube))(x).item() == 12
    assert slope(slope(slope(cube)))(x).item() == 6
    assert slope(grad(cube))(x).item() == grad(slope(cube))(x).item() == 12
    assert jit(slope(jit(grad(cube))))(x).item() == 12
    assert slope(lambda x: x * slope(lambda y: x + y)(x))(x).item() == 1
    with no_grad():
        assert slope(slope(cube))(x).item() == 12


def test_a_hessian_vector_product_is_forward_over_reverse() -> None:
    f = grad(lambda x: (x[0] ** 2 * x[1]).sum())
    _, product = jvp(f, (Tensor([3.0, 5.0]),), (Tensor([1.0, 10.0]),))
    assert product.tolist() == [2 * 5 * 1 + 2 * 3 * 10, 2 * 3 * 1]


def test_linearize_runs_the_function_once(device: str) -> None:
    calls = []

    def f(x: Tensor, y: Tensor) -> dict[str, Tensor]:
        calls.append(1)
        return {"out": x * x * y}

    x, y = Tensor(2.0, device=device), Tensor(3.0, device=device)
    output, push = linearize(f, x, y)
    assert output["out"].item() == 12
    assert push(x, y * 0)["out"].item() == 24
    assert push(x * 0, y)["out"].item() == 12
    assert len(calls) == 1
    assert grad(lambda t: push(t, t)["out"])(x).item() == 16


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: jvp(lambda x: x, x, x), ArgumentError, "primals must be a tuple"),
        (lambda x: jvp(lambda x: x, (x,), x), ArgumentError, "tangents must be a tuple"),
        (lambda x: jvp(lambda x: x, (x,), (x, x)), ArgumentError, "same container"),
        (lambda x: jvp(lambda x: x, (x,), (x[0],)), ShapeError, r"\(\).*\(2,\)"),
        (lambda x: jvp(lambda x: x, (x,), (1.0,)), ArgumentError, "1.0"),
        (lambda x: jvp(lambda x: x.item(), (x[0],), (x[0],)), ArgumentError, "1.0"),
        (lambda x: jvp(lambda x: x, (x.int(),), (x.int(),)), GradError, "int32"),
    ],
)
def test_what_cannot_be_is_told(call: Callable[..., Any], error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        call(Tensor([1.0, 2.0]))
