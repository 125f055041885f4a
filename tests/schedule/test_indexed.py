"""Gathers and scatters: what they cost, where their indices live, and what shares their kernels."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np
import pytest

from lazygrad import Tensor, grad, ops
from lazygrad.codegen.choose import loop_nest
from lazygrad.codegen.nest import walk
from lazygrad.graph import Node
from lazygrad.kernel import cost, expr as ex
from lazygrad.kernel.kernel import Kernel, loads
from lazygrad.kernel.verify import verify_kernel
from lazygrad.lang import indexing, movement
from lazygrad.runtime.plan_format import plan_format
from tests.schedule.planning import TARGETS, VECTORS, kernels_of, plan_nodes, plan_of

F32, I64 = 4, 8


def zeros(*shape: int, grad: bool = False) -> Tensor:
    """Values in memory; a view of one number, however many there are."""
    return Tensor(np.zeros(shape, np.float32), requires_grad=grad)


def whole(*shape: int) -> Tensor:
    return Tensor(np.zeros(shape, np.int64))


def one_kernel(*tensors: Tensor, target: str) -> Kernel:
    (kernel,) = kernels_of(*tensors, target=TARGETS[target])
    verify_kernel(kernel)
    return kernel


def embedding_gradient(rows: int, width: int, tokens: int) -> Tensor:
    table = zeros(rows, width, grad=True)
    (found,) = grad(whole(tokens).embedding(table), [table], [zeros(tokens, width)])
    assert found is not None
    return found


# -- what they cost ------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
def test_a_few_of_many_elements_are_a_few_loads(target: str) -> None:
    kernel = one_kernel(zeros(20_000_000)[whole(4)], target=target)
    assert not kernel.reductions()
    assert [points(load) for load in loads(kernel.values)] == [4, 4]
    assert cost.nbytes(kernel) == 4 * (I64 + 2 * F32)


def points(load: ex.Expr) -> int:
    return prod(r.size for r in load.ranges)


@pytest.mark.parametrize("target", TARGETS)
def test_the_gradient_of_an_embedding_fills_and_adds(target: str) -> None:
    kernel = one_kernel(embedding_gradient(50_000, 128, 512), target=target)
    assert kernel.collected is not None
    assert cost.flops(kernel) == 512 * 128
    assert cost.nbytes(kernel) == 50_000 * 128 * F32 + 512 * (128 * F32 + I64)


def test_its_work_grows_with_rows_and_with_tokens_not_with_both() -> None:
    """Statements that the nest runs, with each loop once."""
    found = {
        (rows, tokens): kernels_of(embedding_gradient(rows, 16, tokens))
        for rows in (1000, 2000)
        for tokens in (100, 200)
    }
    moved = {sizes: sum(map(cost.nbytes, kernels)) for sizes, kernels in found.items()}
    assert moved[2000, 200] - moved[1000, 200] == 1000 * 16 * F32
    assert moved[2000, 200] - moved[2000, 100] == 100 * (16 * F32 + I64)
    work = {sizes: sum(map(cost.flops, kernels)) for sizes, kernels in found.items()}
    assert all(flops == tokens * 16 for (_, tokens), flops in work.items())
    nests = [loop_nest(kernel, VECTORS) for (kernel,) in found.values()]
    assert len({sum(1 for _ in walk(nest.body)) for nest in nests if nest is not None}) == 1


@pytest.mark.parametrize("target", TARGETS)
def test_the_index_of_a_row_is_loaded_once_a_row(target: str) -> None:
    kernel = one_kernel(whole(512).embedding(zeros(1000, 128)), target=target)
    nests = loop_nest(kernel, VECTORS)
    assert nests is not None
    index, element = sorted(loads(kernel.values), key=points)
    assert (points(index), points(element)) == (512, 512 * 128)


# -- kernels that they share ---------------------------------------------------------------------

LABELS = Tensor(np.arange(32) % 10)
FUSED: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {
    "followed": (lambda x: (x[whole(9)] * 2 + 1).exp(), 1),
    "of what is cheap": (lambda x: (x * 2 + 1)[whole(9)], 1),
    "by what is cheap": (lambda x: x[(whole(9) + 1) * 3 % 7], 1),
    "twice": (lambda x: x[whole(9)] + x[whole(9) + 1], 1),
    "summed": (lambda x: x[whole(9)].sum(1), 1),
    "by what was gathered": (lambda x: x[whole(40)[whole(9)]], 1),
    "by what is reduced": (lambda x: x[x.argmax(0)], 2),
    "nll_loss": (lambda x: x.nll_loss(LABELS), 1),
    "nll_loss of each": (lambda x: x.nll_loss(LABELS, reduction="none"), 1),
    "cross_entropy of each": (lambda x: x.cross_entropy(LABELS, reduction="none"), 1),
    "positions": (lambda x: Tensor.arange(8).embedding(x), 1),
}


@pytest.mark.parametrize("name", FUSED)
def test_a_gather_is_computed_where_it_is_used(name: str) -> None:
    program, count = FUSED[name]
    for target in TARGETS.values():
        found = kernels_of(program(zeros(32, 10)), target=target)
        for kernel in found:
            verify_kernel(kernel)
        assert len(found) == count


def test_positions_that_count_are_no_gather() -> None:
    table = zeros(32, 10, grad=True)
    rows = Tensor.arange(8).embedding(table)
    (found,) = grad(rows, [table], [zeros(8, 10)])
    assert found is not None
    for kernel in kernels_of(rows, found):
        assert kernel.collected is None
        assert all(load.arg.index.is_affine for load in loads(kernel.values))


@pytest.mark.parametrize("target", TARGETS)
def test_the_gradient_of_what_is_picked_from_a_row_is_elementwise(target: str) -> None:
    x = zeros(32, 10, grad=True)
    (found,) = grad(x.nll_loss(LABELS, reduction="sum"), [x])
    assert found is not None
    assert not one_kernel(found, target=target).reductions()


@pytest.mark.parametrize("target", TARGETS)
def test_a_scatter_has_a_kernel_to_itself(target: str) -> None:
    """It takes in what it scatters, not what is made of it, nor what is reduced before."""
    table = zeros(100, 16, grad=True)
    rows = whole(30).embedding(table)
    (found,) = grad((rows * rows.sum(1, keepdim=True)).sum(), [table])
    assert found is not None
    kernels = kernels_of(found * 2 + table, target=TARGETS[target])
    assert [kernel.collected is not None for kernel in kernels] == [False, True, False]
    for kernel in kernels:
        verify_kernel(kernel)
    assert not kernels[1].reductions() and len(kernels[1].outputs) == 1


@pytest.mark.parametrize("target", TARGETS)
def test_pointers_to_pointers_do_not_double(target: str) -> None:
    """``next = next[next]`` ten times reaches 1,024 steps ahead, with two loads a step."""
    pointer = whole(50)
    for _ in range(10):
        pointer = pointer[pointer]
    for kernel in kernels_of(pointer, target=TARGETS[target]):
        assert len(loads(kernel.values)) <= 4


def test_an_index_that_is_reduced_stays_in_memory() -> None:
    """Wherever its reduction could be computed with what reads it."""
    x = zeros(64, 10)
    best = x.argmax(1, keepdim=True)
    for kernel in kernels_of(x.softmax(1).gather(1, best), x - x.amax(1, keepdim=True)):
        verify_kernel(kernel)


# -- scatters ------------------------------------------------------------------------------------


def scattered(combine: ops.Op | None) -> Node:
    index = movement.broadcast_to(movement.reshape(whole(40)._node, (40, 1)), (40, 24))
    return indexing.scatter(index, zeros(40, 24)._node, 0, 300, combine)


@pytest.mark.parametrize("combine", list(ops.NOTHING), ids=str)
def test_each_way_to_combine_is_one_kernel(combine: ops.Op | None) -> None:
    for target in TARGETS.values():
        plan = plan_nodes([scattered(combine)], target)
        (kernel,) = [step.kernel for step in plan.steps]
        verify_kernel(kernel)
        assert kernel.collected is not None and kernel.collected.arg.op is combine
        assert cost.flops(kernel) == (0 if combine is None else 40 * 24)
        nest = loop_nest(kernel, target)
        assert nest is not None and nest.items >= target.units
        assert plan_format().decode(plan_format().encode(plan)) == plan


def test_a_part_of_the_places_for_each_unit() -> None:
    """Each visits all elements, so there are no more of them than that."""
    for units in (1, 2, 7):
        target = VECTORS.__class__(units=units, lanes=8)
        (kernel,) = kernels_of(embedding_gradient(700, 16, 40), target=target)
        nest = loop_nest(kernel, target)
        assert nest is not None and nest.items == units


def test_unfused_it_is_a_kernel_as_well() -> None:
    x = zeros(100, 16)
    plan = plan_of((x * 2)[whole(9)] + 1, fused=False)
    assert [step.kernel.name.partition("_")[0] for step in plan.steps] == ["mul", "getitem", "add"]
