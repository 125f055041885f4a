"""Numbers among the arguments of a jitted function that differ from call to call."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor, func, jit, nn, pytree
from lazygrad.symbolic import Symbolic
from lazygrad.tracing import trace

X = np.array([1.0, -2.0, 3.5], np.float32)
VALUES = (0.5, 0.25, -3.0, 2.0, 1e-3)

# What only computes with a number; of a tensor and of it.
COMPUTING: dict[str, Callable[[Tensor, Any], Tensor]] = {
    "sum": lambda x, t: x + t,
    "difference": lambda x, t: t - x,
    "product": lambda x, t: x * t,
    "quotient": lambda x, t: t / x,
    "divided": lambda x, t: x / t,
    "computed before": lambda x, t: x * (1 - 2 * t) + -t % 7 + abs(t) ** 2 + (t // 3),
    "a power of a number": lambda x, t: x / (1 - 0.9 ** (t * t + 1)),
    "maximum": lambda x, t: x.maximum(x * t),
    "half": lambda x, t: (x.half() * t).float(),
    "bfloat16": lambda x, t: (x.bfloat16() + t).float(),
    "double": lambda x, t: (x.double() * t).float(),
    "integers": lambda x, t: x.int() * t,
    "compared": lambda x, t: (x * 2).where(x > t, x),
    "addcmul": lambda x, t: x.addcmul(x, x, value=t),
    "derivative": lambda x, t: func.grad(lambda y: (y * y * t).sum())(x),
    "in a body": lambda x, t: func.fori_loop(0, 3, lambda i, y: y * t, x),
    "NumPy's": lambda x, t: x * (np.float64(2.0) * t),
}
# What needs to know it.
LOOKING: dict[str, Callable[[Tensor, Any], Any]] = {
    "if": lambda x, t: x * t if t > 0.4 else x,
    "bool": lambda x, t: x if t else x * 2,
    "int": lambda x, t: x * int(t),
    "math": lambda x, t: x * math.exp(t),
    "text": lambda x, t: (x, f"{t:.1f}"),
    "returned": lambda x, t: (x, t),
    "exponent": lambda x, t: x**t,
    "shape": lambda x, t: lazygrad.ones(int(abs(t))) * t,
    "key": lambda x, t: x * {0.5: 3.0}.get(t, 7.0),
    "rounded": lambda x, t: x * round(t),
    "integer dtype": lambda x, t: x.int() + int(t * 2),
    "method": lambda x, t: x * 2 if t.is_integer() else x,
}


def plain(found: Any) -> list[Any]:
    leaves, _ = pytree.flatten(found)
    return [leaf.numpy() if isinstance(leaf, Tensor) else leaf for leaf in leaves]


@pytest.mark.parametrize("name", COMPUTING)
def test_one_trace_does_for_all_of_its_values(device: str, name: str) -> None:
    function, x = COMPUTING[name], Tensor(X, device=device)
    fast = jit(function)
    for value in VALUES:
        np.testing.assert_allclose(fast(x, value).numpy(), function(x, value).numpy(), rtol=2e-6)
    assert fast.captures == 2  # the first value is folded


@pytest.mark.parametrize("name", LOOKING)
def test_what_looks_at_a_value_is_traced_for_each(name: str) -> None:
    function, x = LOOKING[name], Tensor(X)
    fast = jit(function)
    for value in (*VALUES, VALUES[0]):
        for found, right in zip(plain(fast(x, value)), plain(function(x, value)), strict=True):
            np.testing.assert_array_equal(found, right)
            assert type(found) is type(right)
    assert fast.captures == len(VALUES)


def test_a_training_step_with_a_rate_that_falls(device: str, plans_run: Any) -> None:
    def trained(jitted: bool) -> list[float]:
        lazygrad.manual_seed(0)
        model, x = nn.Linear(3, 1).to(device), Tensor(X, device=device).reshape(1, 3)

        def plain_step(rate: float, *, decay: float) -> Tensor:
            loss = model(x).square().sum()
            loss.backward()
            with lazygrad.no_grad():
                for parameter in model.parameters():
                    parameter -= rate * parameter.grad + rate * decay * parameter
                    parameter.grad = None
            return loss

        step = jit(plain_step) if jitted else plain_step
        losses = [step(0.01 / (1 + i), decay=0.1).item() for i in range(6)]
        if jitted:
            assert step.captures == 2
        return losses

    np.testing.assert_allclose(trained(jitted=True), trained(jitted=False), rtol=1e-5)


def test_only_those_that_differ_are_read_from_memory() -> None:
    fast = jit(lambda x, a, b: x * a + b)
    x = Tensor(X)
    for a, b in ((2.0, 1.0), (3.0, 1.0), (4.0, 1.0), (4.0, 5.0), (5.0, 6.0)):
        np.testing.assert_array_equal(fast(x, a, b).numpy(), X * a + b)
    assert fast.captures == 3


def test_those_that_are_looked_at_do_not_keep_others_from_it() -> None:
    fast = jit(lambda x, i, t: x[i : i + 1] * t)
    x = Tensor(X)
    for turn in range(12):
        i, t = turn % 3, 0.5**turn
        np.testing.assert_array_equal(fast(x, i, t).numpy(), X[i : i + 1] * np.float32(t))
    assert fast.captures == 4  # the first one, and one for each place


def test_zeros_of_both_signs_are_two_numbers() -> None:
    fast = jit(lambda x, t: x * t)
    one = lazygrad.ones(1)
    signs = [np.signbit(fast(one, value).numpy()).item() for value in (0.0, -0.0, 0.0)]
    assert signs == [False, True, False]


def test_what_cannot_be_computed_is_the_users_error() -> None:
    fast = jit(lambda x, t: x * (1 / t))
    x = Tensor(X)
    for value in (2.0, 4.0):
        fast(x, value)
    with pytest.raises(ZeroDivisionError):
        fast(x, 0.0)
    np.testing.assert_array_equal(fast(x, 8.0).numpy(), X / 8)


def test_an_error_of_the_function_is_told_once_and_by_itself() -> None:
    def fails(x: Tensor, t: float) -> Tensor:
        if t > 1:
            raise KeyError(t)
        return x * t

    fast = jit(fails)
    fast(Tensor(X), 0.5)
    with pytest.raises(KeyError) as error:
        fast(Tensor(X), 2.0)
    assert type(error.value.args[0]) is float


def test_it_passes_for_a_number() -> None:
    found: list[Any] = []
    leaves, spec = pytree.flatten(((Tensor(X), 3.0), {}), whole=True)

    def function(x: Tensor, t: Any) -> Tensor:
        found.append(t)
        return x * t

    traced = trace(function, leaves, spec, symbolic=[1])
    (number,) = found
    assert type(number) is Symbolic
    assert isinstance(number, float) and not isinstance(number, int)
    assert traced.looked_at == []
    assert (hash(number), str(number), f"{number:.2f}") == (hash(3.0), "3.0", "3.00")
    assert divmod(number, 2) == (1.0, 1.0) and divmod(7, number) == (2.0, 1.0)
    assert [1, 2, 3, 4][int(number)] == 4 and number.hex() == (3.0).hex()
