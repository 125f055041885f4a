"""Batch norm: its statistics follow PyTorch's, with and without jit, and never grow the graph."""

import gc

import numpy as np
import pytest

from lazygrad import Tensor, graph, jit, nn, optim
from lazygrad.errors import ShapeError

RNG = np.random.default_rng(2)
BATCHES = [RNG.standard_normal((4, 3, 2, 5)) * 2 + 1 for _ in range(4)]
AXES = (0, 2, 3)


def normalised(x, mean, var):
    return (x - mean.reshape(1, -1, 1, 1)) / np.sqrt(var.reshape(1, -1, 1, 1) + 1e-5)


def running_statistics(momentum):
    """What PyTorch's would be after BATCHES."""
    mean, var = np.zeros(3), np.ones(3)
    for count, x in enumerate(BATCHES, 1):
        share = 1 / count if momentum is None else momentum
        mean = (1 - share) * mean + share * x.mean(AXES)
        var = (1 - share) * var + share * x.var(AXES, ddof=1)
    return mean, var


@pytest.mark.parametrize("jitted", [False, True], ids=["plain", "jit"])
@pytest.mark.parametrize("momentum", [0.1, 0.7, None])
def test_running_statistics(momentum, jitted):
    norm = nn.BatchNorm2d(3, momentum=momentum, dtype="float64")
    forward = jit(lambda x: norm(x)) if jitted else norm
    for x in BATCHES:
        found = forward(Tensor(x)).detach().numpy()
        np.testing.assert_allclose(found, normalised(x, x.mean(AXES), x.var(AXES)), atol=1e-10)
    mean, var = running_statistics(momentum)
    np.testing.assert_allclose(norm.running_mean.numpy(), mean, rtol=1e-10)
    np.testing.assert_allclose(norm.running_var.numpy(), var, rtol=1e-10)
    assert norm.num_batches_tracked.item() == 4
    x = BATCHES[0]
    found = norm.eval()(Tensor(x)).detach().numpy()
    np.testing.assert_allclose(found, normalised(x, mean, var), rtol=1e-9)
    assert norm.num_batches_tracked.item() == 4


def test_statistics_that_nobody_reads_neither_get_lost_nor_grow_the_graph():
    norm = nn.BatchNorm2d(3)
    optimizer = optim.SGD(norm.parameters(), lr=0.01)

    def steps(count):
        for i in range(count):
            optimizer.zero_grad()
            norm(Tensor(BATCHES[i % 4], dtype="float32")).sum().backward()
            optimizer.step()

    steps(4)
    gc.collect()
    before = graph.interned_count()
    steps(20)
    gc.collect()
    assert graph.interned_count() <= before
    assert norm.num_batches_tracked.item() == 24
    with_four = running_statistics(0.1)[0]
    assert not np.allclose(norm.running_mean.numpy(), with_four)


def test_gradient_flows_through_the_batch_statistics():
    norm = nn.BatchNorm2d(3, dtype="float64")
    x = Tensor(BATCHES[0], requires_grad=True)
    weights = RNG.standard_normal(BATCHES[0].shape)
    (norm(x) * Tensor(weights)).sum().backward()

    def value(array):
        return (normalised(array, array.mean(AXES), array.var(AXES)) * weights).sum()

    direction = RNG.standard_normal(BATCHES[0].shape)
    step = 1e-5
    slope = value(BATCHES[0] + step * direction) - value(BATCHES[0] - step * direction)
    np.testing.assert_allclose((x.grad.numpy() * direction).sum(), slope / (2 * step), rtol=1e-6)
    np.testing.assert_allclose(norm.bias.grad.numpy(), weights.sum(AXES), rtol=1e-10)


def test_without_running_statistics_evaluation_uses_the_batch():
    norm = nn.BatchNorm2d(3, affine=False, track_running_stats=False, dtype="float64").eval()
    assert norm.state_dict() == {}
    x = BATCHES[0]
    np.testing.assert_allclose(
        norm(Tensor(x)).numpy(), normalised(x, x.mean(AXES), x.var(AXES)), atol=1e-10
    )


def test_reset():
    norm = nn.BatchNorm2d(3)
    norm(Tensor(BATCHES[0], dtype="float32"))
    norm.reset_parameters()
    np.testing.assert_array_equal(norm.running_mean.numpy(), np.zeros(3))
    np.testing.assert_array_equal(norm.running_var.numpy(), np.ones(3))
    assert norm.num_batches_tracked.item() == 0


def test_errors():
    with pytest.raises(ShapeError, match=r"needs shape \(N, 3, H, W\), got \(2, 4, 1, 1\)"):
        nn.BatchNorm2d(3)(Tensor.ones(2, 4, 1, 1))
    with pytest.raises(ShapeError, match="more than (1|one) value a channel"):
        nn.BatchNorm2d(3)(Tensor.ones(1, 3, 1, 1))
