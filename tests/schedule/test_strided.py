"""The input's gradient of a strided convolution, which is a transposed one; not in tiles, of which
`test_winograd` tells."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np
import pytest

from lazygrad import Tensor, config
from lazygrad.kernel import cost
from lazygrad.kernel.contraction import find
from lazygrad.kernel.kernel import Kernel
from lazygrad.testing.gradcheck import check_grads
from tests.schedule.planning import TARGETS, kernels_of

METHODS = {1: Tensor.conv1d, 2: Tensor.conv2d}

# input, weight, and the arguments of a convolution whose windows are whole strides long
WHOLE = {
    "4x4 by 2": ((16, 32, 32, 32), (64, 32, 4, 4), {"stride": 2, "padding": 1}),
    "6x6 by 2": ((8, 16, 32, 32), (32, 16, 6, 6), {"stride": 2, "padding": 2}),
    "4x6 by 2x3": ((8, 16, 40, 60), (32, 16, 4, 6), {"stride": (2, 3)}),
    "4 by 2": ((8, 16, 400), (32, 16, 4), {"stride": 2, "padding": 1}),
    "4x3 by 2x1": ((8, 16, 40, 40), (32, 16, 4, 3), {"stride": (2, 1), "padding": 1}),
    "in groups": ((8, 32, 32, 32), (32, 8, 4, 4), {"stride": 2, "padding": 1, "groups": 4}),
}


@pytest.fixture(params=[*TARGETS])
def target(request: pytest.FixtureRequest):
    return TARGETS[request.param]


@pytest.fixture(autouse=True)
def summed():
    with config(winograd=False):
        yield


def convolution(name: str) -> tuple[Tensor, Tensor, Tensor]:
    """Input, weight, result."""
    shape, weight, arguments = WHOLE[name]
    x, w = (Tensor(np.zeros(s, np.float32), requires_grad=True) for s in (shape, weight))
    return x, w, METHODS[len(shape) - 2](x, w, **arguments)


def multiplications(y: Tensor, weight: Sequence[int]) -> int:
    return 2 * y.numel() * prod(weight[1:])


@pytest.mark.parametrize("name", WHOLE)
def test_one_contraction_and_nothing_larger_than_the_input(target, name: str) -> None:
    x, w, y = convolution(name)
    y.backward(Tensor(np.broadcast_to(np.float32(0), y.shape)))
    kernels = kernels_of(x.grad, target=target)
    assert len([k for k in kernels if find(k) is not None]) == 1
    assert all(len(k.reductions()) == (find(k) is not None) for k in kernels)
    padded = prod(size + 8 for size in x.shape[2:]) / prod(x.shape[2:])
    assert max(k.buffers[0].size for k in kernels) <= padded * x.numel()
    assert sum(map(cost.flops, kernels)) < 1.3 * multiplications(y, w.shape)


def written(kernels: list[Kernel]) -> list[int]:
    return [k.buffers[o.slot].size for k in kernels for o in k.outputs]


@pytest.mark.parametrize("name", WHOLE)
def test_the_others_are_contractions_as_before(target, name: str) -> None:
    _, w, y = convolution(name)
    y.backward(Tensor(np.broadcast_to(np.float32(0), y.shape)))
    for result in (y, w.grad):
        kernels = kernels_of(result, target=target)
        assert any(find(k) is not None for k in kernels)
        assert sum(map(cost.flops, kernels)) < 1.01 * multiplications(y, w.shape)
    forward = kernels_of(y, target=target)
    assert sum(written(forward)) <= y.numel() + w.numel()


# -- values -----------------------------------------------------------------------------------

SMALL = [
    ((2, 3, 13), (4, 3, 4), {"stride": 2, "padding": 1}),
    ((2, 3, 13), (4, 3, 6), {"stride": 3, "padding": 4}),
    ((2, 4, 9, 12), (6, 2, 4, 4), {"stride": 2, "padding": 1, "groups": 2}),
    ((1, 2, 11, 10), (3, 2, 4, 6), {"stride": (2, 3), "padding": (0, 2)}),
    ((1, 2, 11, 10), (3, 2, 4, 3), {"stride": 2, "padding": 1}),
    ((1, 2, 15, 15), (3, 2, 4, 4), {"stride": 2, "padding": 1, "dilation": 2}),
    ((1, 1, 4), (1, 1, 4), {"stride": 2}),
]


def pairs(count: int, value: int | Sequence[int]) -> tuple[int, ...]:
    return (value,) * count if isinstance(value, int) else tuple(value)


def reference(
    x: np.ndarray, w: np.ndarray, arguments: dict[str, Any]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The result, and both gradients where the result itself flows back, tap by tap."""
    n, batch = x.ndim - 2, len(x)
    stride, padding = (pairs(n, arguments.get(a, d)) for a, d in (("stride", 1), ("padding", 0)))
    dilation, groups = pairs(n, arguments.get("dilation", 1)), arguments.get("groups", 1)
    padded = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    walks = list(zip(padded.shape[2:], w.shape[2:], stride, dilation, strict=True))
    counts = [(size - d * (k - 1) - 1) // s + 1 for size, k, s, d in walks]
    filters = w.reshape(groups, w.shape[0] // groups, w.shape[1], -1)
    steps = list(zip(stride, dilation, counts, strict=True))
    taps = [
        (
            ...,
            *(
                slice(t * d, t * d + (c - 1) * s + 1, s)
                for t, (s, d, c) in zip(at, steps, strict=True)
            ),
        )
        for at in product(*map(range, w.shape[2:]))
    ]
    seen = [padded[tap].reshape(batch, groups, w.shape[1], -1) for tap in taps]
    y = sum(np.einsum("ngcp,goc->ngop", v, filters[..., i]) for i, v in enumerate(seen))
    dw = np.stack([np.einsum("ngcp,ngop->goc", v, y) for v in seen], -1)
    dx = np.zeros_like(padded)
    for i, tap in enumerate(taps):
        dx[tap] += np.einsum("ngop,goc->ngcp", y, filters[..., i]).reshape(dx[tap].shape)
    inside = tuple(slice(p, p + size) for p, size in zip(padding, x.shape[2:], strict=True))
    return y.reshape(batch, -1, *counts), dx[(..., *inside)], dw.reshape(w.shape)


@pytest.mark.parametrize("case", SMALL, ids=[f"{w} {a}" for _, w, a in SMALL])
def test_values_and_both_gradients(device: str, case: tuple) -> None:
    shape, weight, arguments = case
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal(shape), rng.standard_normal(weight)
    x, w = (Tensor(v.astype(np.float32), device=device, requires_grad=True) for v in (a, b))
    y = METHODS[len(shape) - 2](x, w, **arguments)
    (y * y * 0.5).sum().backward()
    expected = reference(a, b, arguments)
    for found, right in zip((y.detach(), x.grad, w.grad), expected, strict=True):
        np.testing.assert_allclose(found.numpy(), right, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("case", SMALL[:5], ids=[f"{w} {a}" for _, w, a in SMALL[:5]])
def test_derivatives_to_second_order(case: tuple) -> None:
    shape, weight, arguments = case
    method, rng = METHODS[len(shape) - 2], np.random.default_rng(1)
    inputs = [rng.standard_normal(shape), rng.standard_normal(weight)]
    check_grads(lambda x, w: method(x, w, **arguments), inputs)
