"""Numbers that scale a factor of a contraction are applied to its results."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lazygrad import Tensor
from lazygrad.kernel import cost
from lazygrad.kernel.contraction import find
from lazygrad.kernel.kernel import Kernel
from tests.schedule.planning import GRAPHICS, LIBRARY, VECTORS, kernels_of
from tests.schedule.test_split import GENERATED, empty

SHAPE = (8, 4, 128, 32)
SCALE = 1 / math.sqrt(32)


def written(kernels: list[Kernel], size: int) -> list[Kernel]:
    """Those that write ``size`` elements and contract nothing, but for repacked operands."""
    return [
        k
        for k in kernels
        if find(k) is None
        and k.buffers[0].size == size
        and not k.reasons[0].startswith("it repacks")
    ]


@GENERATED
@pytest.mark.parametrize("side", ["query", "key"])
@pytest.mark.parametrize("how", ["times", "divided by", "twice"])
def test_the_scale_of_a_factor_costs_no_kernel(target, side: str, how: str) -> None:
    q, k = empty(*SHAPE), empty(*SHAPE)
    scaled = {
        "times": lambda x: x * SCALE,
        "divided by": lambda x: x / math.sqrt(32),
        "twice": lambda x: x.transpose(2, 3).contiguous().transpose(2, 3) * SCALE,
    }[how]
    q, k = (scaled(q), k) if side == "query" else (q, scaled(k))
    kernels = kernels_of(q @ k.transpose(2, 3), target=target)
    plain = kernels_of(empty(*SHAPE) @ empty(*SHAPE).transpose(2, 3), target=target)
    assert len(kernels) == len(plain) + (how == "twice")
    assert len([kernel for kernel in kernels if find(kernel) is not None]) == 1


def attention(**arguments: object) -> tuple[Tensor, list[Tensor]]:
    """Its result, and the gradients of query, key and value."""
    inputs = [Tensor(np.full(SHAPE, i, np.float32), requires_grad=True) for i in range(3)]
    result = inputs[0].scaled_dot_product_attention(*inputs[1:], **arguments)
    result.square().sum().backward()
    return result.detach(), [x.grad for x in inputs]


@GENERATED
def test_attention_writes_no_scaled_query(target) -> None:
    result, gradients = attention()
    assert not written(kernels_of(result, target=target), math.prod(SHAPE))
    scaled, plain = (
        kernels_of(*attention(scale=scale)[1], target=target) for scale in (SCALE, 1.0)
    )
    assert len(scaled) == len(plain)
    scores = math.prod(SHAPE[:2]) * SHAPE[2] ** 2 * 4
    assert sum(map(cost.nbytes, scaled)) <= sum(map(cost.nbytes, plain)) + scores
    assert all(g is not None for g in gradients)


def test_a_library_scales_the_smaller_one() -> None:
    """Its results are passed over once more to be scaled: here they are larger than the query."""
    first, *_ = kernels_of(attention()[0], target=LIBRARY)
    assert first.buffers[0].size == math.prod(SHAPE)


@GENERATED
@pytest.mark.parametrize("number", [0.0, math.inf, 1e-30, 1e30])
def test_numbers_that_could_overflow_stay(target, number: float) -> None:
    kernels = kernels_of((empty(*SHAPE) * number) @ empty(*SHAPE).transpose(2, 3), target=target)
    contraction = next(k for k in kernels if find(k) is not None)
    found = find(contraction)
    assert found is not None
    assert contraction.values[0] is found.total


@pytest.mark.parametrize("target", [VECTORS, GRAPHICS], ids=["vectors", "graphics"])
def test_it_is_still_named_after_the_users_operation(target) -> None:
    kernels = kernels_of(attention()[0], target=target)
    assert all(k.name.startswith(("scaled_dot", "repack")) for k in kernels)


# -- values -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float16", "int32"])
@pytest.mark.parametrize("number", [3, 0, -2])
def test_values(device: str, dtype: str, number: int) -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.integers(-4, 5, (2, 24, 24)).astype(dtype) for _ in range(2))
    x, y = Tensor(a, device=device), Tensor(b, device=device)
    for found in ((x * number) @ y, x @ (y * number), (x * number) @ (y * number)):
        assert found.numpy().dtype == dtype
    np.testing.assert_array_equal(((x * number) @ y).numpy(), (a * dtype_of(a, number)) @ b)
    np.testing.assert_array_equal((x @ (y * number)).numpy(), a @ (b * dtype_of(a, number)))


def dtype_of(a: np.ndarray, number: int) -> np.generic:
    return a.dtype.type(number)


def test_halves_that_only_scaled_would_overflow(device: str) -> None:
    """60,000 * 4 is no half, and neither is the sum before it is scaled down."""
    a = Tensor(np.full((16, 16), 60_000, np.float16), device=device)
    b = Tensor(np.full((16, 16), 1, np.float16), device=device)
    np.testing.assert_allclose(((a * 0.0625) @ b).numpy(), 60_000, rtol=1e-3)


@pytest.mark.parametrize("number", [0.5, 0.0])
def test_infinities_and_nans(device: str, number: float) -> None:
    a, b = np.ones((8, 8), np.float32), np.ones((8, 8), np.float32)
    a[1, 2], b[3, 4] = np.inf, np.nan
    found = ((Tensor(a, device=device) * number) @ Tensor(b, device=device)).numpy()
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(found, (a * np.float32(number)) @ b)


@pytest.mark.parametrize("causal", [False, True])
def test_attention_and_its_gradients(device: str, causal: bool) -> None:
    """Against the same with the query scaled in memory before."""
    rng = np.random.default_rng(3)
    data = [rng.standard_normal((2, 3, 20, 16)).astype(np.float32) for _ in range(4)]
    found = []
    for fold in (True, False):
        q, k, v = (Tensor(x, device=device, requires_grad=True) for x in data[:3])
        query = q if fold else (q * 0.25).clone()
        y = query.scaled_dot_product_attention(k, v, is_causal=causal, scale=0.25 if fold else 1.0)
        (y * Tensor(data[3], device=device)).sum().backward()
        found.append([y.numpy(), *(x.grad.numpy() for x in (q, k, v))])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


# -- sums of several products ---------------------------------------------------------------------


@pytest.mark.parametrize("steps", [2, 40])
def test_a_library_multiplies_each_step_of_a_loop_by_itself(steps: int) -> None:
    weight = Tensor(np.zeros((16, 16), np.float32), requires_grad=True)
    state = empty(8, 16)
    for _ in range(steps):
        state = (state @ weight).tanh()
    state.sum().backward()
    kernels = kernels_of(weight.grad, target=LIBRARY)
    assert all(len(k.reductions()) <= 1 for k in kernels)
    products = [k for k in kernels if find(k) is not None]
    assert len(products) == steps + (steps - 1) + steps  # forward, by the state, by the weight
