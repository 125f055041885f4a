"""Convolutions whose channels do not meet, and those whose windows end within a stride."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np
import pytest

from lazygrad import Tensor
from lazygrad.codegen import nest
from lazygrad.codegen.choose import loop_nest
from lazygrad.codegen.nest import Accumulate, Gather, LoopNest
from lazygrad.kernel.contraction import find
from lazygrad.kernel.kernel import Kernel
from tests.codegen import run_nest
from tests.codegen.compare import check
from tests.codegen.kernels import inputs_of
from tests.schedule.planning import VECTORS, kernels_of


def convolution(
    shape: tuple[int, ...], weight: tuple[int, ...], **arguments: int
) -> dict[str, Tensor]:
    """The result and both gradients."""
    x, w = (Tensor(np.zeros(s, np.float32), requires_grad=True) for s in (shape, weight))
    y = x.conv2d(w, **arguments)
    y.backward(Tensor(np.zeros(y.shape, np.float32)))
    return {"result": y, "input": x.grad, "weight": w.grad}


def contraction_of(kernels: list[Kernel]) -> tuple[Kernel, LoopNest]:
    (kernel,) = (kernel for kernel in kernels if find(kernel) is not None)
    made = loop_nest(kernel, VECTORS)
    assert made is not None
    return kernel, made


# -- depthwise ------------------------------------------------------------------------------------

DEPTHWISE = [(3, 1, 32), (3, 2, 32), (5, 1, 8), (5, 2, 14), (7, 1, 7)]


@pytest.mark.parametrize(("window", "stride", "size"), DEPTHWISE)
def test_channels_of_a_depthwise_convolution_lie_side_by_side(
    window: int, stride: int, size: int
) -> None:
    channels = 32
    arguments = {"stride": stride, "padding": window // 2, "groups": channels}
    shape = (8, channels, size, size)
    results = convolution(shape, (channels, 1, window, window), **arguments)
    kernels = kernels_of(*results.values(), target=VECTORS)
    contractions = [kernel for kernel in kernels if find(kernel) is not None]
    assert len(contractions) == len(results)
    for kernel in contractions:
        made = loop_nest(kernel, VECTORS)
        assert made is not None
        statements = list(nest.walk(made.body))
        assert not [s for s in statements if isinstance(s, Gather)]
        assert any(s.lanes == 8 for s in statements if isinstance(s, nest.Load))


def test_both_gradients_read_one_copy() -> None:
    results = convolution((8, 32, 16, 16), (32, 1, 3, 3), padding=1, groups=32)
    kernels = kernels_of(results["input"], results["weight"], target=VECTORS)
    copied = [k.buffers[0].size for k in kernels if k.reasons[0].startswith("it repacks")]
    assert sorted(copied) == [32 * 9, 8 * 32 * 16 * 16, 8 * 32 * 16 * 16]  # weight, x, gradient


def test_what_is_small_is_not_copied() -> None:
    results = convolution((1, 8, 6, 6), (8, 1, 3, 3), padding=1, groups=8)
    assert len(kernels_of(results["result"], target=VECTORS)) == 1


# -- windows that end within a stride --------------------------------------------------------------


@pytest.fixture
def products(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Counts products as a nest that is run adds them."""
    counted = [0]
    accumulate = run_nest._RUN[Accumulate]

    def counting(runner: object, statement: Accumulate, names: dict[str, object]) -> None:
        counted[0] += statement.lanes
        accumulate(runner, statement, names)

    monkeypatch.setitem(run_nest._RUN, Accumulate, counting)
    yield counted


@pytest.mark.parametrize(
    ("window", "stride"), [((3, 3), (2, 2)), ((5, 5), (2, 2)), ((3, 5), (2, 3)), ((7, 3), (4, 2))]
)
def test_no_product_is_taken_of_what_a_phase_does_not_see(
    products: list[int], window: tuple[int, int], stride: tuple[int, int]
) -> None:
    batch, inside, out, places = 8, 16, 8, (3, 4)
    size = tuple((n - 1) * s + k for n, s, k in zip(places, stride, window, strict=True))
    results = convolution((batch, inside, *size), (out, inside, *window), stride=stride)
    kernels = kernels_of(results["input"], target=VECTORS)
    kernel, made = contraction_of(kernels)
    inputs = inputs_of(kernel)
    check(kernel, inputs, run_nest.run_nest(made, inputs))
    assert products == [batch * inside * out * prod(places) * prod(window)]
