"""What vmap plans: the kernels of the batched function, and not one a sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

import lazygrad
from lazygrad import Tensor, func, inspect, vmap
from lazygrad.examples.model import SmallCNN
from lazygrad.kernel import contraction, cost
from lazygrad.kernel.contraction import Contraction
from lazygrad.kernel.kernel import Kernel
from lazygrad.nn import functional as F


def leaf(*shape: int) -> Tensor:
    return Tensor.randn(*shape).realize()


def flops(kernels: Sequence[Kernel]) -> int:
    return sum(map(cost.flops, kernels))


def contractions(kernels: Sequence[Kernel]) -> list[Contraction]:
    return [found for kernel in kernels if (found := contraction.find(kernel)) is not None]


def batches(kernels: Sequence[Kernel]) -> list[list[int]]:
    """The batch ranges of each contraction."""
    return [[r.size for r in found.batch] for found in contractions(kernels)]


@pytest.mark.parametrize(
    ("shapes", "in_dims"),
    [
        ([(5, 3, 4), (5, 4, 2)], (0, 0)),
        ([(5, 3, 4), (4, 2)], (0, None)),
        ([(3, 4), (5, 4, 2)], (None, 0)),
        ([(6, 5, 3, 4), (6, 5, 4, 2)], (0, 0)),
    ],
)
def test_a_matrix_product_is_the_batched_one(shapes: Any, in_dims: Any) -> None:
    a, b = (leaf(*shape) for shape in shapes)
    mapped = inspect.kernels(vmap(lambda x, y: x @ y, in_dims)(a, b))
    whole = inspect.kernels(a @ b)
    assert len(mapped) == len(whole) == 1
    assert flops(mapped) == flops(whole)
    assert batches(mapped) == batches(whole)


def test_a_batched_product_has_a_batch_range() -> None:
    kernels = inspect.kernels(vmap(lambda x, y: x @ y)(leaf(5, 3, 4), leaf(5, 4, 2)))
    assert batches(kernels) == [[5]]


def test_nested_dot_products_are_one_contraction() -> None:
    product = vmap(vmap(lambda x, y: x.dot(y), (None, 1)), (0, None))
    a, b = leaf(3, 4), leaf(4, 5)
    mapped, whole = inspect.kernels(product(a, b)), inspect.kernels(a @ b)
    assert len(mapped) == len(whole) == 1
    assert flops(mapped) == flops(whole)


SAMPLES = 32


def test_gradients_of_each_sample_cost_what_batched_ones_do() -> None:
    model = SmallCNN(1, 28, 28, 10)
    parameters = {name: p.detach().realize() for name, p in model.named_parameters()}
    x, y = leaf(SAMPLES, 1, 28, 28), lazygrad.randint(0, 10, (SAMPLES,)).realize()

    def loss(parameters: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(func.functional_call(model, parameters, (x,)), y)

    def loss_of_one(parameters: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return loss(parameters, x[None], y[None])

    batched = inspect.kernels(*func.grad(loss)(parameters, x, y).values())
    gradients = vmap(func.grad(loss_of_one), (None, 0, 0))(parameters, x, y)
    each = inspect.kernels(*gradients.values())
    assert len(each) <= len(batched)
    assert flops(each) <= flops(batched)
    # of both convolutions' weights; a linear layer's is an outer product, and no sum
    assert batches(each).count([SAMPLES]) == 2
    assert len(contractions(batched)) - len(contractions(each)) == 2
    for name, gradient in gradients.items():
        assert gradient.shape == (SAMPLES, *parameters[name].shape)


def test_an_embedding_reads_what_it_needs() -> None:
    """Whether samples share the table, the indices or neither."""
    rows, width, samples, count = 1000, 32, 16, 8
    table, tables = leaf(rows, width), leaf(samples, rows, width)
    index = lazygrad.randint(0, rows, (samples, count)).realize()
    needed = sum(map(cost.nbytes, inspect.kernels(F.embedding(index, table))))
    for in_dims, given in [
        ((0, None), (index, table)),
        ((None, 0), (index[0].clone().realize(), tables)),
        ((0, 0), (index, tables)),
    ]:
        kernels = inspect.kernels(vmap(F.embedding, in_dims)(*given))
        assert len(kernels) == 1
        assert sum(map(cost.nbytes, kernels)) <= needed


def test_equations_that_share_their_matrix_are_solved_at_once() -> None:
    a, b = leaf(4, 4), leaf(6, 4)
    (call,) = inspect.routines(vmap(lambda side: lazygrad.linalg.solve(a, side))(b))
    assert call.operands == ((4, 4), (4, 6))
