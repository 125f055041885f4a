"""Derivatives that users write: they are what the rule says, on every device."""

from __future__ import annotations

from typing import Any

import numpy as np

from lazygrad.func import custom_jvp, custom_vjp
from lazygrad.tensor_class import Tensor
from lazygrad.testing.conformance import Case, floats

Array = np.ndarray[Any, Any]


@custom_vjp
def _reverse(x: Tensor, y: Tensor) -> Tensor:
    return x.sin() * y


_reverse.defvjp(
    lambda x, y: (_reverse.fun(x, y), (x, y)),
    lambda kept, g: (g * kept[0].cos() * kept[1], g * kept[0].sin()),
)


@custom_jvp
def _forward(x: Tensor) -> Tensor:
    return x.exp()


_forward.defjvp(lambda primals, tangents: (_forward(*primals), tangents[0] * primals[0].exp()))


def _both(x: Tensor, y: Tensor) -> Tensor:
    return _reverse(_forward(x), y)


def _right(x: Array, y: Array) -> Array:
    return np.asarray(np.sin(np.exp(x)) * y)


CASES = [
    Case(
        "custom_rules", _both, _right, (floats(4, 3), floats(4, 3)), ("float32", "float64"),
        gradient=True, scale=10.0,
    ),
]  # fmt: skip
