"""Loops: a body that a plan repeats, on memory that moves from step to step."""

from __future__ import annotations

from typing import Any

import numpy as np

from lazygrad.func import scan
from lazygrad.tensor_class import Tensor
from lazygrad.testing.conformance import Case, floats

Array = np.ndarray[Any, Any]
WIDE = ("float32", "float64")


def _states(weight: Tensor, first: Tensor, given: Tensor) -> tuple[Tensor, ...]:
    """A recurrence with a product, what it leaves, and what it gives step by step."""

    def step(state: Tensor, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        after = (state @ weight + x).tanh()
        return after, (after, state * x)

    last, (states, products) = scan(step, first, given)
    return last, states, products


def _states_right(weight: Array, first: Array, given: Array) -> tuple[Array, ...]:
    states, products = [first], []
    for x in given:
        products.append(states[-1] * x)
        states.append(np.tanh(states[-1] @ weight + x))
    return states[-1], np.stack(states[1:]), np.stack(products)


def _turned(given: Tensor) -> tuple[Tensor, ...]:
    """From the last to the first; carries that change places, and one that only counts."""

    def step(carry: Any, x: Tensor) -> tuple[Any, Tensor]:
        older, newer, count = carry
        return (newer, older + newer * x, count + 1), older

    first, second, count = given[0], given[1], Tensor(0, device=given.device)
    (a, b, steps), found = scan(step, (first, second, count), given, reverse=True)
    return a, b, found, steps


def _turned_right(given: Array) -> tuple[Array, ...]:
    a, b, found = given[0], given[1], []
    for x in given[::-1]:
        found.append(a)
        a, b = b, a + b * x
    return a, b, np.stack(found[::-1]), np.array(len(given))


CASES = [
    Case(
        "scan", _states, _states_right, (floats(3, 3), floats(2, 3), floats(5, 2, 3)), WIDE,
        gradient=True, scale=10.0,
    ),
    Case("scan_reverse", _turned, _turned_right, (floats(4, 3),), WIDE, gradient=True, scale=10.0),
]  # fmt: skip
