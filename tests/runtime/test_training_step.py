"""The training step of the small CNN on each backend: exact kernel counts, bytes, one curve."""

import numpy as np
import pytest

from lazygrad import Tensor, jit, manual_seed, optim
from lazygrad.examples.model import SmallCNN
from lazygrad.inspect import kernels
from lazygrad.jit import Jit
from lazygrad.kernel import cost
from lazygrad.runtime import registry

BATCH = 32
# OpenCL also repacks operands, sums in parts, and computes convolutions in tiles.
KERNELS = {"CPU": 25, "GPU": 52}


def traced_step(device: str) -> tuple[Jit[..., Tensor], Tensor, Tensor]:
    manual_seed(0)
    model = SmallCNN(1, 28, 28, 10, mean=[0.5], std=[0.25]).to(device)
    optimizer = optim.Adam(model.parameters(), lr=1e-3)

    @jit
    def step(x: Tensor, y: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = model(x).cross_entropy(y)
        loss.backward()
        optimizer.step()
        return loss

    generator = np.random.default_rng(0)
    x = Tensor(generator.random((BATCH, 1, 28, 28), dtype=np.float32), device=device)
    return step, x, Tensor(generator.integers(0, 10, BATCH), device=device)


@pytest.mark.slow
def test_the_step_is_a_known_number_of_kernels(device: str) -> None:
    target = registry.backend(device).target
    if not target.blas and (target.units, target.is_gpu) != (2, False):
        pytest.skip("counted for two cores: how sums are split depends on the device")
    step, x, y = traced_step(device)
    step(x, y)
    found = kernels(step)
    assert len(found) == KERNELS[device]
    activations = 4 * BATCH * (32 * 26 * 26 * 2 + 64 * 11 * 11 * 2)  # twice: forward, backward
    assert sum(map(cost.nbytes, found)) < 8 * activations


@pytest.mark.slow
def test_both_backends_follow_one_curve() -> None:
    curves = []
    for device in ("CPU", "GPU"):
        step, x, y = traced_step(device)
        curves.append([step(x, y).item() for _ in range(20)])
    np.testing.assert_allclose(curves[0], curves[1], atol=1e-3)
    assert curves[0][-1] < curves[0][0] / 2


def test_convolution_bias_relu_is_one_computing_kernel(device: str) -> None:
    x = Tensor(np.ones((8, 16, 12, 12), np.float32), device=device)
    weight = Tensor(np.ones((32, 16, 3, 3), np.float32), device=device)
    bias = Tensor(np.ones(32, np.float32), device=device)
    found = kernels(x.conv2d(weight, bias).relu())
    assert [k.name for k in found if k.reductions()] == ["conv2d_relu_8x32x10x10"]
    assert len(found) == {"CPU": 1, "GPU": 2}[device]  # OpenCL repacks the weights


def test_softmax_is_one_kernel(device: str) -> None:
    x = Tensor(np.ones((256, 100), np.float32), device=device)
    assert [k.name for k in kernels(x.softmax(-1))] == ["softmax_256x100"]
