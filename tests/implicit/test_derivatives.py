"""What is defined implicitly has the derivatives that it would have explicitly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, jit
from lazygrad.func import grad, jvp, vmap
from lazygrad.graph import toposort
from lazygrad.implicit import fixed_point, odeint
from tests.implicit.roots import CLOSE, FIRST, ROOTS, SECOND, VALUE, P

BOTH = ("picard", "newton", "broyden", "gmres", "dopri5 adjoint")  # also on other devices
names = pytest.mark.parametrize("name", ROOTS)


def total(name: str) -> Callable[[Tensor], Tensor]:
    return lambda p: ROOTS[name](p).sum()


def close(found: Any, wanted: Any, name: str) -> None:
    np.testing.assert_allclose(found.numpy(), wanted, rtol=CLOSE[name], atol=CLOSE[name])


@names
def test_values_and_derivatives_in_both_modes(name: str) -> None:
    p = Tensor(P)
    value, tangent = jvp(ROOTS[name], (p,), (Tensor([1.0, 10.0], dtype="float64"),))
    close(value, VALUE, name)
    close(tangent, FIRST * [1, 10], name)
    close(grad(total(name))(p), FIRST, name)


@names
def test_second_derivatives(name: str) -> None:
    p = Tensor(P)
    close(grad(lambda p: grad(total(name))(p).sum())(p), SECOND, name)
    close(jvp(grad(total(name)), (p,), (Tensor([1.0, 1.0], dtype="float64"),))[1], SECOND, name)


@names
def test_under_vmap_and_jit(name: str) -> None:
    many = np.stack([P, P[::-1]])
    close(vmap(ROOTS[name])(Tensor(many)), many**0.5, name)
    close(jit(vmap(grad(total(name))))(Tensor(many)), many**-0.5 / 2, name)


@pytest.mark.parametrize("name", BOTH)
def test_on_all_devices(name: str, device: str) -> None:
    p = Tensor(P.astype(np.float32), device=device, requires_grad=True)
    value = ROOTS[name](p)
    value.sum().backward()
    assert p.grad is not None and (value.device, p.grad.device) == (device, device)
    np.testing.assert_allclose(value.numpy(), VALUE, rtol=1e-4)
    np.testing.assert_allclose(p.grad.numpy(), FIRST, rtol=1e-4)


def test_the_graph_does_not_grow_with_the_iterations() -> None:
    def sizes(solve: Callable[[Tensor], Tensor]) -> int:
        p = Tensor(P, requires_grad=True)
        loss = solve(p).sum()
        loss.backward()
        assert p.grad is not None
        p.grad.tolist()
        return len(toposort([loss._node]))

    def slowly(p: Tensor, tol: float) -> Tensor:
        return fixed_point(
            lambda x: 0.9 * x + 0.1 * p, p * 0, method="picard", tol=tol, maxiter=300
        )

    def exactly(p: Tensor, rtol: float) -> Tensor:
        t = Tensor([0.0, 1.0], dtype="float64")
        return odeint(lambda t, y: -p * y, p * 0 + 1, t, rtol=rtol, adjoint=True)

    assert sizes(lambda p: slowly(p, 1e-1)) == sizes(lambda p: slowly(p, 1e-8))
    assert sizes(lambda p: exactly(p, 1e-1)) == sizes(lambda p: exactly(p, 1e-8))
