"""Initial values: the bounds and moments of torch.nn.init."""

import math

import numpy as np
import pytest

from lazygrad import Generator, Tensor, manual_seed, nn
from lazygrad.errors import ShapeError, ValueRangeError
from lazygrad.nn import init

SHAPE = (64, 32, 3, 3)
FAN_IN, FAN_OUT = 32 * 9, 64 * 9


@pytest.fixture(autouse=True)
def seeded():
    manual_seed(3)


def check_uniform(tensor, bound):
    values = tensor.detach().numpy()
    assert np.abs(values).max() <= bound
    assert np.abs(values).max() > 0.99 * bound
    np.testing.assert_allclose(values.std(), bound / math.sqrt(3), rtol=0.03)


def check_normal(tensor, std):
    values = tensor.detach().numpy()
    np.testing.assert_allclose(values.std(), std, rtol=0.03)
    assert abs(values.mean()) < 0.03 * std
    assert np.abs(values).max() > 3 * std


def test_uniform_families():
    t = Tensor.empty(SHAPE)
    check_uniform(init.kaiming_uniform_(t, a=math.sqrt(5)), 1 / math.sqrt(FAN_IN))
    check_uniform(init.kaiming_uniform_(t, nonlinearity="relu"), math.sqrt(6 / FAN_IN))
    check_uniform(init.kaiming_uniform_(t, 0, "fan_out", "relu"), math.sqrt(6 / FAN_OUT))
    check_uniform(init.xavier_uniform_(t, 2.0), 2 * math.sqrt(6 / (FAN_IN + FAN_OUT)))


def test_normal_families():
    t = Tensor.empty(SHAPE)
    check_normal(init.kaiming_normal_(t), math.sqrt(2 / FAN_IN))
    check_normal(init.xavier_normal_(t), math.sqrt(2 / (FAN_IN + FAN_OUT)))
    check_normal(init.normal_(t, 0.0, 3.0), 3.0)


def test_fixed_values():
    np.testing.assert_array_equal(init.constant_(Tensor.empty(2), 3.0).numpy(), [3, 3])
    np.testing.assert_array_equal(init.ones_(Tensor.empty(2)).numpy(), [1, 1])
    np.testing.assert_array_equal(init.zeros_(Tensor.ones(2)).numpy(), [0, 0])
    np.testing.assert_array_equal(init.eye_(Tensor.empty(2, 3)).numpy(), np.eye(2, 3))


def test_dirac_hands_channels_through():
    weight = init.dirac_(Tensor.empty(4, 2, 3, 3), groups=2)
    x = Tensor.randn(1, 4, 5, 5)
    y = x.conv2d(weight, padding=1, groups=2)
    np.testing.assert_allclose(y.numpy(), x.numpy(), atol=1e-6)


@pytest.mark.parametrize("shape", [(6, 3), (3, 6), (4, 2, 2)])
def test_orthogonal(shape):
    found = init.orthogonal_(Tensor.empty(shape), gain=2.0).numpy().reshape(shape[0], -1)
    small = found @ found.T if found.shape[0] <= found.shape[1] else found.T @ found
    np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-5)


def test_they_fill_in_place_and_keep_leaves():
    param = nn.Parameter(Tensor.empty(3, 2, dtype="float64"))
    assert init.normal_(param) is param
    assert param.requires_grad
    assert param.dtype.name == "float64"
    param.sum().backward()
    np.testing.assert_array_equal(param.grad.numpy(), np.ones((3, 2)))


def test_gains():
    assert init.calculate_gain("linear") == 1
    assert init.calculate_gain("tanh") == 5 / 3
    assert init.calculate_gain("relu") == math.sqrt(2)
    assert init.calculate_gain("leaky_relu", 1) == 1
    with pytest.raises(ValueRangeError, match="unknown nonlinearity 'step'; known: linear"):
        init.calculate_gain("step")


def test_errors():
    with pytest.raises(ShapeError, match=r"\[init.xavier_uniform_\] needs at least 2 dims"):
        init.xavier_uniform_(Tensor.empty(3))
    with pytest.raises(ValueRangeError, match="mode must be fan_in or fan_out, got 'fan'"):
        init.kaiming_uniform_(Tensor.empty(3, 3), mode="fan")
    with pytest.raises(ShapeError, match="needs 2 to 2 dims|needs 2 dims"):
        init.eye_(Tensor.empty(3))


def test_layers_start_as_torchs():
    linear = nn.Linear(256, 64)
    check_uniform(linear.weight, 1 / 16)
    assert np.abs(linear.bias.detach().numpy()).max() <= 1 / 16
    conv = nn.Conv2d(32, 64, 3, groups=2)
    check_uniform(conv.weight, 1 / math.sqrt(16 * 9))
    assert np.abs(conv.bias.detach().numpy()).max() <= 1 / math.sqrt(16 * 9)
    check_normal(nn.Embedding(200, 50).weight, 1.0)
    norm = nn.BatchNorm2d(2)
    np.testing.assert_array_equal(norm.weight.detach().numpy(), [1, 1])
    np.testing.assert_array_equal(norm.bias.detach().numpy(), [0, 0])
    np.testing.assert_array_equal(norm.running_mean.numpy(), [0, 0])
    np.testing.assert_array_equal(norm.running_var.numpy(), [1, 1])


def test_same_seed_same_values():
    manual_seed(1)
    first = nn.Linear(3, 3).weight.detach().numpy()
    manual_seed(1)
    np.testing.assert_array_equal(nn.Linear(3, 3).weight.detach().numpy(), first)
    assert not np.array_equal(nn.Linear(3, 3).weight.detach().numpy(), first)


def test_fans_count_what_goes_in_and_out():
    assert init.fans("linear", (3, 5)) == (5, 3)
    assert init.fans("conv2d", SHAPE) == (FAN_IN, FAN_OUT)
    with pytest.raises(ShapeError, match=r"\[init.bias\]"):
        init.fans("bias", (3,))


def test_trunc_normal():
    drawn = init.trunc_normal_(Tensor.zeros(20000), mean=1.0, std=2.0, a=-1.0, b=4.0).numpy()
    assert -1 <= drawn.min() < -0.98
    assert 3.98 < drawn.max() <= 4
    # of the normal distribution between these bounds
    assert abs(drawn.mean() - 1.293) < 0.03
    assert abs(drawn.std() - 1.271) < 0.03
    with pytest.raises(ValueRangeError, match="a must be less than b"):
        init.trunc_normal_(Tensor.zeros(2), a=1.0, b=1.0)


def test_sparse():
    drawn = init.sparse_(Tensor.zeros(10, 50), sparsity=0.25, std=2.0).numpy()
    assert ((drawn == 0).sum(0) == 3).all()
    assert len({tuple(column) for column in (drawn == 0).T}) > 5
    assert 1.7 < drawn[drawn != 0].std() < 2.3


@pytest.mark.parametrize(
    "name", ["uniform_", "normal_", "trunc_normal_", "xavier_uniform_", "xavier_normal_",
             "kaiming_uniform_", "kaiming_normal_", "orthogonal_"],
)  # fmt: skip
def test_a_generator_draws_the_same_again(name):
    function = getattr(init, name)
    first, second = (
        function(Tensor.zeros(4, 3), generator=Generator().manual_seed(5)).tolist()
        for _ in range(2)
    )
    assert first == second
    assert function(Tensor.zeros(4, 3)).tolist() != first
