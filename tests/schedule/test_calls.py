"""Calls of routines in plans: steps of their own, one for all results, on whole values."""

from __future__ import annotations

import numpy as np
import pytest

from lazygrad import Tensor, linalg
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.routine import RoutineCall
from tests.schedule.planning import TARGETS, Target, plan_of


@pytest.fixture(params=TARGETS.values(), ids=TARGETS.keys())
def target(request: pytest.FixtureRequest) -> Target:
    return request.param


def data(*shape: int) -> Tensor:
    return Tensor(np.random.default_rng(0).standard_normal(shape).astype(np.float32)).realize()


def steps_of(*tensors: Tensor, **options: object) -> list[str]:
    """The plan's steps: the wanted results of a routine, or the name of a kernel."""
    return [
        f"{step.kernel.routine} {list(step.kernel.wanted)}"
        if isinstance(step.kernel, RoutineCall)
        else step.kernel.name
        for step in plan_of(*tensors, **options).steps
    ]


def test_one_call_gives_several_results(target: Target) -> None:
    q, r = linalg.qr(data(2, 4, 3))
    assert steps_of(q, r, target=target) == ["qr [0, 1]"]
    assert steps_of(r, q, q + 1, target=target) == ["qr [0, 1]", "add_2x4x3"]


def test_only_what_is_needed_is_a_result(target: Target) -> None:
    u, s, vh = linalg.svd(data(4, 3))
    assert steps_of(s, target=target) == ["svd [1]"]
    assert steps_of(vh, u, target=target) == ["svd [0, 2]"]
    assert steps_of(linalg.eigvalsh(data(3, 3)), target=target) == ["eigh [0]"]


def test_other_operands_or_options_are_other_calls(target: Target) -> None:
    x = data(2, 3, 3)
    assert steps_of(linalg.inv(x), linalg.inv(x * 2), target=target).count("inv [0]") == 2
    full, thin = linalg.svd(x), linalg.svd(x, full_matrices=False)
    assert steps_of(full.U, thin.U, target=target) == ["svd [0]", "svd [0]"]
    assert steps_of(linalg.inv(x), linalg.inv(x), target=target) == ["inv [0]"]


def test_memory_is_read_as_it_is_and_views_are_written(target: Target) -> None:
    x = data(2, 3, 3)
    assert steps_of(linalg.inv(x), target=target) == ["inv [0]"]
    assert steps_of(linalg.inv(x.reshape(1, 2, 3, 3)), target=target) == ["inv [0]"]
    assert steps_of(linalg.inv(x.transpose(1, 2)), target=target) == ["inv_2x3x3", "inv [0]"]
    assert steps_of(linalg.inv(x[1:]), target=target)[-1] == "inv [0]"
    assert steps_of(linalg.inv(Tensor.eye(3) * 2), target=target)[-1] == "inv [0]"
    assert len(steps_of(linalg.inv(Tensor.full((3, 3), 2.0)), target=target)) == 2


def test_an_operand_is_written_by_whoever_computes_it(target: Target) -> None:
    x = data(2, 3, 3)
    y = x * 2 + 1
    assert steps_of(linalg.inv(y), y, target=target) == ["mul_add_2x3x3", "inv [0]"]
    first, second = linalg.inv(y), linalg.det(y)
    assert sorted(steps_of(first, second, target=target)) == ["det [0]", "inv [0]", "mul_add_2x3x3"]
    more = y * 3  # reads what the routine reads
    assert len(steps_of(linalg.inv(y), more, target=target)) == 2


def test_one_matrix_for_a_stack_is_factorised_once() -> None:
    steps = plan_of(linalg.solve(data(3, 3), data(5, 3, 2))).steps
    (call,) = (step.kernel for step in steps if isinstance(step.kernel, RoutineCall))
    assert call.operands == ((3, 3), (3, 10))


def test_routines_follow_each_other(target: Target) -> None:
    assert steps_of(linalg.det(linalg.inv(data(2, 3, 3))), target=target) == ["inv [0]", "det [0]"]


def test_what_reads_one_result_does_not_wait_for_another_call(target: Target) -> None:
    """Readers of a result come after the call, whatever is made of the others."""
    q, r = linalg.qr(data(2, 4, 3))
    x = linalg.inv(r @ r.mT) @ (q * 2).mT
    found = steps_of(x, q + 1, target=target)
    assert found[0] == "qr [0, 1]"
    assert [step for step in found if step.endswith("]")] == ["qr [0, 1]", "inv [0]"]


def test_nothing_but_calls_and_what_is_between_them(target: Target) -> None:
    """A kernel before, a routine, a kernel after: one each, and backwards as few."""
    x = data(2, 3, 3).requires_grad_()
    y = linalg.inv(x * 2 + 1)
    assert steps_of((y * y).sum((1, 2)), target=target) == [
        "mul_add_2x3x3", "inv [0]", "mul_sum_2x1x1"
    ]  # fmt: skip


def test_every_operation_alone(target: Target) -> None:
    q, r = linalg.qr(data(2, 4, 3) * 2)
    found = steps_of(q + 1, r + 1, target=target, fused=False)
    assert found == ["mul_2x4x3", "qr [0, 1]", "add_2x4x3", "add_2x3x3"]


def test_a_step_names_the_users_line() -> None:
    (step,) = plan_of(linalg.inv(data(3, 3))).steps
    assert isinstance(step.kernel, RoutineCall)
    assert step.kernel.name == "inv_3x3"
    (origin,) = step.kernel.origins
    assert origin.startswith("inv (test_calls.py:")


def test_results_and_operands_do_not_share_memory() -> None:
    """What a routine reads is needed until it has written all its results."""
    x = data(2, 3, 3) * 2
    q, r = linalg.qr(x + 1)
    plan = plan_of(linalg.inv((q @ r) * 3) + 1)
    for step in plan.steps:
        count = len(step.kernel.results) if isinstance(step.kernel, RoutineCall) else 1
        assert set(step.places[:count]).isdisjoint(step.places[count:])


def test_nothing_is_called_for_nothing(target: Target) -> None:
    x = data(2, 3, 3)
    assert steps_of(linalg.inv(x[:0]), target=target) == []
    assert len(steps_of(linalg.det(x[:, :0, :0]) + 1, target=target)) == 1


def test_values_of_joins_of_results(device: str) -> None:
    """A join of results, a routine that reads a join, and a join of one result twice."""
    values = np.random.default_rng(0).standard_normal((2, 3, 3)).astype(np.float32) + 4 * np.eye(3)
    x = Tensor(values.astype(np.float32), device=device)
    inverse = linalg.inv(x)
    joined = Tensor.cat([inverse, x, inverse], 0)
    twice = linalg.inv(joined)
    Tensor.realize(joined, twice)
    right = np.concatenate([np.linalg.inv(values), values, np.linalg.inv(values)])
    np.testing.assert_allclose(joined.numpy(), right, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(twice.numpy(), np.linalg.inv(right), rtol=1e-3, atol=1e-4)


def test_values_of_products_that_routines_read(device: str) -> None:
    """Kernels may choose the order of what they write, but not of what a routine reads."""
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((2, 64, 96)), rng.standard_normal((2, 96, 64))
    x, y = (Tensor(v.astype(np.float32), device=device) for v in (a, b))
    product = (x @ y).mT * 0.01 + Tensor.eye(64, device=device) * 4
    found = linalg.inv(product)
    right = np.linalg.inv((a @ b).swapaxes(-1, -2) * 0.01 + 4 * np.eye(64))
    np.testing.assert_allclose(found.numpy(), right, rtol=2e-3, atol=2e-4)


def test_kernels_are_told_from_calls() -> None:
    plan = plan_of(linalg.inv(data(3, 3) + 1))
    assert [type(step.kernel) for step in plan.steps] == [Kernel, RoutineCall]
