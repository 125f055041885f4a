"""What a kernel may hold: no kernel of any plan has more buffers than the target allows, and what
is taken apart for it still computes the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce as folded
from itertools import accumulate
from math import prod

import numpy as np
import pytest

from lazygrad import Tensor, jit
from lazygrad.schedule.draft import MAX_OPS
from tests.schedule.planning import TARGETS, VECTORS, kernels_of, plan_of


def many(count: int, *shape: int, device: str = "CPU", requires_grad: bool = False) -> list[Tensor]:
    rng = np.random.default_rng(count)
    size = prod(shape) * count
    values = rng.integers(-9, 9, size).astype(np.float32).reshape(count, *shape)
    return [Tensor(v, device=device, requires_grad=requires_grad) for v in values]


def total(parts: list[Tensor]) -> Tensor:
    return folded(lambda a, b: a + b, parts)


def running(parts: list[Tensor]) -> list[Tensor]:
    """Every partial sum."""
    return list(accumulate(parts, lambda a, b: a + b))


PROGRAMS: dict[str, Callable[[list[Tensor]], Tensor]] = {
    "sum": total,
    "tree": lambda parts: total([a * b for a, b in zip(parts[::2], parts[1::2], strict=False)]),
    "cat": lambda parts: Tensor.cat(parts),
    "stack": lambda parts: Tensor.stack(parts, 1),
    "running": lambda parts: Tensor.stack(running(parts)),
    "reduced": lambda parts: total(parts).sum(0),
    "normalised": lambda parts: total(parts).softmax(-1) * parts[-1],
    "product": lambda parts: total(parts) @ total(parts[1:]),
    "epilogue": lambda parts: folded(lambda a, b: (a + b).relu(), parts, parts[0] @ parts[1]),
    "columns": lambda parts: total([p.transpose(0, 1) + p for p in parts]),
    "norms": lambda parts: total([p.square().sum() for p in parts]).sqrt(),
}


@pytest.mark.parametrize(
    ("device", "most"),
    [("vectors", 4), ("vectors", 125), ("library", 7), ("graphics", 40)],
)
@pytest.mark.parametrize("name", list(PROGRAMS))
def test_no_kernel_has_more(name: str, device: str, most: int) -> None:
    target = replace(TARGETS[device], buffers=most)
    parts = many(130, 8, 8)
    found = kernels_of(PROGRAMS[name](parts), target=target)
    assert max(len(kernel.buffers) for kernel in found) <= most


@pytest.mark.parametrize("most", [4, 30])
@pytest.mark.parametrize("name", list(PROGRAMS))
def test_nor_has_one_of_a_backward_pass(name: str, most: int) -> None:
    parts = many(34, 8, 8, requires_grad=True)
    PROGRAMS[name](parts).square().sum().backward()
    gradients = [p.grad for p in parts if p.grad is not None]
    found = kernels_of(*gradients, target=replace(VECTORS, buffers=most))
    assert max(len(kernel.buffers) for kernel in found) <= most


def test_a_long_sum_takes_as_many_kernels_as_it_must() -> None:
    """Each kernel but the first takes the sum so far and as much as there is room for."""
    limited = replace(VECTORS, buffers=61)  # 60 operands and the result
    found = kernels_of(total(many(60 + 59 + 59, 8)), target=limited)
    assert [len(kernel.buffers) for kernel in found] == [61, 61, 61]


def test_the_reason_is_given() -> None:
    first, *_ = kernels_of(total(many(30, 8)), target=replace(VECTORS, buffers=20))
    assert first.reasons == ("a kernel would have more than 20 buffers",)


def test_without_need_nothing_is_taken_apart() -> None:
    parts = many(MAX_OPS - 2, 8)
    assert len(plan_of(total(parts)).steps) == 1


@pytest.mark.parametrize(
    ("name", "count"), [("sum", 300), ("cat", 300), ("stack", 300), ("norms", 130)]
)
def test_values(name: str, count: int, device: str) -> None:
    parts = many(count, 2, 3, device=device)
    right = many(count, 2, 3)
    with np.errstate(all="ignore"):
        expected = {
            "sum": lambda v: v.sum(0),
            "cat": np.concatenate,
            "stack": lambda v: np.stack(v, 1),
            "norms": lambda v: np.sqrt(np.square(v, dtype=np.float64).sum()),
        }[name](np.array([p.numpy() for p in right]))
    np.testing.assert_allclose(PROGRAMS[name](parts).numpy(), expected, rtol=1e-6)


def test_gradients_of_many(device: str) -> None:
    parts = many(130, 2, 3, device=device, requires_grad=True)
    (Tensor.cat(parts).square().sum() + total(parts).sum()).backward()
    gradients = [p.grad for p in parts if p.grad is not None]
    gradients[0].realize(*gradients[1:])
    for part, gradient in zip(parts, gradients, strict=True):
        np.testing.assert_array_equal(gradient.numpy(), 2 * part.detach().numpy() + 1)


def test_a_running_total_that_is_kept(device: str) -> None:
    parts = many(130, 5, device=device)
    sums = running(parts)
    sums[0].realize(*sums[1:])
    right = np.cumsum([p.numpy() for p in parts], 0)
    np.testing.assert_array_equal(np.array([s.numpy() for s in sums]), right)


def test_jitted_with_many_inputs(device: str) -> None:
    @jit
    def both(parts: list[Tensor]) -> tuple[Tensor, Tensor]:
        return total(parts), Tensor.stack(parts).amax(0)

    for count in (130, 130, 131):
        parts = many(count, 5, device=device)
        values = np.array([p.numpy() for p in parts])
        last, largest = both(parts)
        np.testing.assert_array_equal(last.numpy(), values.sum(0))
        np.testing.assert_array_equal(largest.numpy(), values.max(0))
