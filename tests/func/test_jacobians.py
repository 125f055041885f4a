"""jacrev, jacfwd and hessian: every argument of torch.func's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, jit
from lazygrad.errors import ValueRangeError
from lazygrad.func import grad, hessian, jacfwd, jacrev, vmap

BOTH = pytest.mark.parametrize("jacobian", [jacrev, jacfwd])
Transform = Callable[..., Callable[..., Any]]


def numbers(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@BOTH
def test_a_jacobian_has_the_dims_of_the_output_then_those_of_the_input(
    jacobian: Transform, device: str
) -> None:
    w, x = numbers(2, 3), numbers(3, 4, seed=1)
    found = jacobian(lambda x: Tensor(w, device=device) @ x)(Tensor(x, device=device))
    expected = np.einsum("ij,kl->ikjl", w, np.eye(4))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)
    again = jit(jacobian(lambda w, x: w @ x, argnums=1))(
        Tensor(w, device=device), Tensor(x, device=device)
    )
    np.testing.assert_allclose(again.numpy(), expected, rtol=1e-6)


@BOTH
def test_outputs_hold_inputs(jacobian: Transform) -> None:
    def f(x: Tensor, pair: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"product": x * pair["a"], "sum": pair["b"].sum()}

    x, a, b = Tensor([1.0, 2.0]), Tensor([3.0, 4.0]), Tensor([5.0])
    found = jacobian(f, argnums=(0, 1))(x, {"a": a, "b": b})
    by_x, by_pair = found["product"]
    assert by_x.tolist() == [[3, 0], [0, 4]] and by_pair["a"].tolist() == [[1, 0], [0, 2]]
    assert by_pair["b"].tolist() == [[0], [0]]
    by_x, by_pair = found["sum"]
    assert by_x.tolist() == [0, 0] and by_pair["b"].tolist() == [1]
    single = jacobian(f, argnums=1)(x, {"a": a, "b": b})
    assert single["product"]["a"].tolist() == [[1, 0], [0, 2]]


@BOTH
def test_what_comes_beside_is_handed_on(jacobian: Transform) -> None:
    found, aux = jacobian(lambda x: (x**2, x.sum()), has_aux=True)(Tensor([1.0, 2.0]))
    assert found.tolist() == [[2, 0], [0, 4]] and aux.item() == 3


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 100, None])
def test_rows_can_be_computed_some_at_a_time(chunk_size: int | None) -> None:
    x = Tensor(numbers(5))
    f = jacrev(lambda x: [x.sin(), x[:2] * x[1:3]], chunk_size=chunk_size)
    first, second = f(x)
    np.testing.assert_allclose(first.numpy(), np.diag(np.cos(numbers(5))), rtol=1e-5)
    assert second.shape == (2, 5)
    np.testing.assert_allclose(second.numpy()[0, :3], [*numbers(5)[1::-1], 0], rtol=1e-6)


def test_numbers_that_are_drawn_are_the_same_for_all_columns() -> None:
    for randomness in ("error", "same", "different"):
        f = jacfwd(lambda x: x * Tensor.rand(3), randomness=randomness)
        found = f(Tensor.ones(3)).numpy()
        assert np.count_nonzero(found) == 3
    with pytest.raises(ValueRangeError, match="randomness"):
        jacfwd(lambda x: x, randomness="none")
    with pytest.raises(ValueRangeError, match="chunk_size"):
        jacrev(lambda x: x, chunk_size=0)


def test_a_hessian_of_several_arguments(device: str) -> None:
    def f(x: Tensor, y: Tensor) -> Tensor:
        return (x**2 * y).sum()

    x, y = Tensor([1.0, 2.0], device=device), Tensor([3.0, 5.0], device=device)
    assert hessian(f)(x, y).tolist() == [[6, 0], [0, 10]]
    (xx, xy), (yx, yy) = hessian(f, argnums=(0, 1))(x, y)
    assert xx.tolist() == [[6, 0], [0, 10]] and yy.tolist() == [[0, 0], [0, 0]]
    assert xy.tolist() == yx.tolist() == [[2, 0], [0, 4]]


@pytest.mark.parametrize(
    ("outer", "inner"), [(a, b) for a in (jacrev, jacfwd) for b in (jacrev, jacfwd)]
)
def test_every_way_to_a_hessian_is_the_same(outer: Transform, inner: Transform) -> None:
    x = Tensor(numbers(3))

    def f(x: Tensor) -> Tensor:
        return (x.exp() * x.flip(0)).sum()

    expected = hessian(f)(x).numpy()
    np.testing.assert_allclose(outer(inner(f))(x).numpy(), expected, rtol=1e-5)
    np.testing.assert_allclose(jacfwd(grad(f))(x).numpy(), expected, rtol=1e-5)
    rows = vmap(outer(inner(f)))(Tensor(np.stack([numbers(3), numbers(3)])))
    np.testing.assert_allclose(rows.numpy(), np.stack([expected] * 2), rtol=1e-5)
