"""Indices that the same plan computes, above all by reductions, in every form that takes indices;
against NumPy in float64, and their gradients against the reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, jit
from lazygrad.testing import conformance
from lazygrad.testing.conformance import Case, floats, ints

ROWS, COLUMNS = 6, 11
Function = Callable[..., Any]

# Names of rows, one dim of any length, from x (ROWS, COLUMNS) and n of the same shape: each as
# Tensors and as arrays compute it.
PRODUCERS: dict[str, tuple[Function, Function]] = {
    "argmax": (lambda x, n: x.argmax(0), lambda x, n: x.argmax(0)),
    "argmin": (lambda x, n: x.argmin(0), lambda x, n: x.argmin(0)),
    "index_of_max": (lambda x, n: x.max(0)[1], lambda x, n: x.argmax(0)),
    "clamped": (lambda x, n: x.argmax(0).clamp(1, 3), lambda x, n: x.argmax(0).clip(1, 3)),
    "halved": (lambda x, n: x.argmax().reshape(1) // 12, lambda x, n: x.argmax()[None] // 12),
    "sums": (lambda x, n: n.sum(1) % ROWS, lambda x, n: n.sum(1) % ROWS),
    "total": (lambda x, n: (n.sum() % ROWS).reshape(1), lambda x, n: n.sum()[None] % ROWS),
    "counts": (lambda x, n: (x > 1.0).sum(1) % ROWS, lambda x, n: (x > 1.0).sum(1) % ROWS),
    "running": (lambda x, n: n.cumsum(1)[:, -2] % ROWS, lambda x, n: n.cumsum(1)[:, -2] % ROWS),
    "negative": (lambda x, n: x.argmax(0) - ROWS, lambda x, n: x.argmax(0) - ROWS),
    "any": (lambda x, n: (n == 3).any(1).long(), lambda x, n: (n == 3).any(1).astype(np.int64)),
    "rounded": (
        lambda x, n: x.abs().mean(1).long(),
        lambda x, n: np.abs(x).mean(1).astype(np.int64),
    ),
    "of_softmax": (lambda x, n: x.softmax(0).argmax(0), lambda x, n: x.argmax(0)),
    "nested": (
        lambda x, n: (n.sum(1) % ROWS)[x.argmax(0)],
        lambda x, n: (n.sum(1) % ROWS)[x.argmax(0)],
    ),
    "sorted": (
        lambda x, n: _order(n[:, 0] * 8 + n[:, 1]),
        lambda x, n: _order_of(n[:, 0] * 8 + n[:, 1]),
    ),
}


def _order(keys: Tensor) -> Tensor:
    """Each key's rank among all, ties by position: an argsort turned round."""
    rows = Tensor.arange(keys.shape[0], device=keys.device)
    smaller = keys.reshape(1, -1) < keys.reshape(-1, 1)
    earlier = (keys.reshape(1, -1) == keys.reshape(-1, 1)) & (
        rows.reshape(1, -1) < rows.reshape(-1, 1)
    )
    return (smaller | earlier).sum(1)


def _order_of(keys: Any) -> Any:
    return np.argsort(np.argsort(keys, kind="stable"), kind="stable")


def _picked(x: Any, i: Any) -> Any:
    return x[np.stack([i % ROWS] * 2), np.arange(len(i))]


# What takes them: x and the index, in both forms.
CONSUMERS: dict[str, tuple[Function, Function]] = {
    "rows": (lambda x, i: x[i], lambda x, i: x[i]),
    "kept": (lambda x, i: x[i.reshape(1, -1)], lambda x, i: x[i[None]]),
    "columns": (lambda x, i: x[:, i], lambda x, i: x[:, i]),
    "both": (lambda x, i: x[i, i], lambda x, i: x[i, i]),
    "index_select": (lambda x, i: x.index_select(0, i % ROWS), lambda x, i: x[i % ROWS]),
    "gather": (
        lambda x, i: x.gather(0, (i % ROWS).reshape(1, -1).expand(2, i.shape[0])),
        _picked,
    ),
    "twice": (
        lambda x, i: x[i][:, i] * x[i].sum(1, keepdim=True),
        lambda x, i: x[i][:, i] * x[i].sum(1, keepdims=True),
    ),
    "embedding": (lambda x, i: (i % ROWS).embedding(x), lambda x, i: x[i % ROWS]),
    "one_hot": (
        lambda x, i: (i % ROWS).one_hot(ROWS).float() @ x.float(),
        lambda x, i: np.eye(ROWS)[i % ROWS] @ x,
    ),
    "softmax_of": (lambda x, i: x[i].softmax(-1), lambda x, i: _softmax(x[i])),
    "updated": (
        lambda x, i: (x[i] * 2 + x[i].amax(0)).sum(0),
        lambda x, i: (x[i] * 2 + x[i].max(0)).sum(0),
    ),
}


def _softmax(x: Any) -> Any:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def _case(producer: str, consumer: str) -> Case:
    make, made = PRODUCERS[producer]
    take, taken = CONSUMERS[consumer]
    return Case(
        f"{consumer}_by_{producer}",
        lambda x, n: take(x, make(x, n)),
        lambda x, n: taken(x, made(x, n)),
        (floats(ROWS, COLUMNS), ints(ROWS, COLUMNS)),
        gradient=True,
        scale=8,
    )


# Every producer and every consumer; all pairs take minutes.
_WALK = [
    (p, c)
    for i, p in enumerate(PRODUCERS)
    for j, c in enumerate(CONSUMERS)
    if (3 * i + j) % len(CONSUMERS) == 0
]
CASES = [_case(producer, consumer) for producer, consumer in _WALK]


def test_all_forms_are_met() -> None:
    assert {p for p, _ in _WALK} == set(PRODUCERS)
    assert {c for _, c in _WALK} == set(CONSUMERS)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_values(case: Case, device: str) -> None:
    conformance.check(case, "float32", device)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradients(case: Case, device: str) -> None:
    conformance.check_gradient(case, "float32", device)


@pytest.mark.parametrize("seed", range(3))
def test_random_programs(seed: int, device: str) -> None:
    """Indices of values that were indexed by what was computed from them, three levels deep."""
    rng = np.random.default_rng(seed)
    steps = [(str(rng.choice(list(PRODUCERS))), int(rng.integers(3))) for _ in range(3)]

    def program(x: Any, n: Any, side: int) -> Any:
        for producer, form in steps:
            index = PRODUCERS[producer][side](x, n)
            place = PRODUCERS["sums"][side](x, n)
            rows = x[(index % ROWS)[place % index.shape[0]]]  # (ROWS, COLUMNS) again
            n = n[place] + (form == 1) * n
            x = (rows + x * 0.5, rows - x[place], rows * (1 + 0.1 * form))[form]
        return x

    case = Case(
        f"random_{seed}",
        lambda x, n: program(x, n, 0),
        lambda x, n: program(x, n, 1),
        (floats(ROWS, COLUMNS), ints(ROWS, COLUMNS)),
        gradient=True,
        scale=8,
    )
    conformance.check(case, "float32", device)
    conformance.check_gradient(case, "float32", device)


def test_jitted(device: str) -> None:
    """The index is computed by each call, from its own input."""

    @jit
    def chosen(x: Tensor) -> Tensor:
        return x[x.argmax(0, keepdim=True).clamp(0, 3)] + x.gather(0, x.argmin(0, keepdim=True))

    rng = np.random.default_rng(3)
    for _ in range(4):
        x = rng.standard_normal((ROWS, COLUMNS)).astype(np.float32)
        right = x[x.argmax(0)[None].clip(0, 3)] + np.take_along_axis(x, x.argmin(0)[None], 0)
        np.testing.assert_array_equal(chosen(Tensor(x, device=device)).numpy(), right)
