"""Functions found in kernels by what they are composed of."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lazygrad import Tensor, func, inspect
from lazygrad.codegen.composed import FUNCTIONS, argument, pattern
from lazygrad.element_types import float32, float64
from lazygrad.kernel import expr as ex
from lazygrad.kernel.index import Range, of
from lazygrad.ops import ADD, MUL

X = ex.load(3, of(Range("i", 7)), float32)


def composed(name: str, x: ex.Expr) -> ex.Expr:
    """The function of ``x``, as simplified: products of numbers are one."""
    wanted, hole = pattern(name, x.dtype)

    def visit(value: ex.Expr, src: tuple[ex.Expr, ...]) -> ex.Expr:
        if value is hole:
            return x
        first = value.src[0] if value.src else None
        multiple = value.op is MUL and first is hole and value.src[1].op is ex.LITERAL
        if multiple and x.op is MUL:
            number = ex.literal(x.src[1].arg * value.src[1].arg, x.dtype)
            return ex.elementwise(MUL, (x.src[0], number), x.dtype)
        return ex.rebuild(value, src, value.arg)

    return ex.transform([wanted], visit)[0]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_a_function_is_of(name: str) -> None:
    other = next(found for found in FUNCTIONS if found != name)
    for x in (X, ex.elementwise(ADD, (X, X), float32), composed(other, X), composed(name, X)):
        assert argument(name, composed(name, x)) is x
        assert argument(other, composed(name, x)) is None
    scaled = ex.elementwise(MUL, (X, ex.literal(0.75, float32)), float32)
    assert argument(name, composed(name, scaled)) is scaled
    wide = ex.load(3, of(Range("i", 7)), float64)
    assert argument(name, composed(name, wide)) is wide
    assert argument(name, X) is None


def test_almost_is_not_enough() -> None:
    value = composed("sigmoid", X)
    plus_two = ex.elementwise(ADD, (value.src[1].src[0], ex.literal(2.0, float32)), float32)
    assert argument("sigmoid", ex.elementwise(value.op, (value.src[0], plus_two), float32)) is None
    other = ex.load(4, of(Range("i", 7)), float32)
    mixed = ex.elementwise(value.op, (value.src[0], composed("sigmoid", other).src[1]), float32)
    assert argument("sigmoid", mixed) is None


CALLS: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {
    "tanh": (lambda x: x.tanh(), 1),
    "sigmoid": (lambda x: x.sigmoid(), 4),
    "silu": (lambda x: x * x.sigmoid(), 5),
    "slope of tanh": (func.grad(lambda x: x.tanh().sum()), 3),
    "slope of sigmoid": (func.grad(lambda x: x.sigmoid().sum()), 6),
    "gelu": (lambda x: x.gelu(approximate="tanh"), 9),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_of_numpy(name: str) -> None:
    function, calls = CALLS[name]
    x = Tensor(np.linspace(-9, 9, 5000, dtype=np.float32), device="CPU").realize()
    [kernel] = inspect.kernels(function(x))
    [source] = inspect.sources(function(x)) if hasattr(inspect, "sources") else [""]
    assert kernel and source.count("out=") == calls


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_they_are_exact_far_away_and_near_0(dtype: str, device: str) -> None:
    x = np.array(
        [-np.inf, -800, -88, -40, -1, -1e-30, -0.0, 0.0, 1e-30, 1, 40, 800, np.inf, np.nan]
    )
    x = x.astype(dtype)
    given, wide = Tensor(x, device=device), x.astype(np.longdouble)
    exact = 1 / (1 + np.exp(-wide))
    np.testing.assert_allclose(given.sigmoid().numpy(), exact.astype(dtype), rtol=4e-7)
    np.testing.assert_allclose(given.tanh().numpy(), np.tanh(wide).astype(dtype), rtol=4e-7)
    slopes = (
        func.grad(lambda x: x.tanh().sum())(given),
        func.grad(lambda x: x.sigmoid().sum())(given),
    )
    exact = np.nan_to_num(exact)[:-1]
    np.testing.assert_allclose(
        slopes[0].numpy()[:-1], (1 - np.tanh(wide[:-1]) ** 2).astype(dtype), atol=3e-7
    )
    np.testing.assert_allclose(
        slopes[1].numpy()[:-1], (exact * (1 - exact)).astype(dtype), atol=3e-7
    )
