"""Layers: what they compute, and with which arguments."""

import numpy as np
import pytest

from lazygrad import Tensor, nn
from lazygrad.errors import ShapeError, ValueRangeError

RNG = np.random.default_rng(5)


def normal(*shape):
    return RNG.standard_normal(shape)


def test_linear():
    layer = nn.Linear(3, 2, dtype="float64")
    x = normal(4, 5, 3)
    expected = x @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
    np.testing.assert_allclose(layer(Tensor(x)).detach().numpy(), expected, rtol=1e-12)
    assert nn.Linear(3, 2, bias=False).bias is None


def naive_conv(x, weight, stride, padding, groups):
    batch, _, height, width = x.shape
    out, per_group, kh, kw = weight.shape
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    rows = (height + 2 * padding - kh) // stride + 1
    columns = (width + 2 * padding - kw) // stride + 1
    result = np.zeros((batch, out, rows, columns))
    for o in range(out):
        group = o // (out // groups)
        part = x[:, group * per_group : (group + 1) * per_group]
        for r in range(rows):
            for c in range(columns):
                window = part[:, :, r * stride : r * stride + kh, c * stride : c * stride + kw]
                result[:, o, r, c] = (window * weight[o]).sum((1, 2, 3))
    return result


@pytest.mark.parametrize("stride, padding, groups", [(1, 0, 1), (2, 1, 1), (1, 1, 2)])
def test_conv2d(stride, padding, groups):
    layer = nn.Conv2d(4, 6, 3, stride, padding, groups=groups, dtype="float64")
    x = normal(2, 4, 7, 6)
    expected = naive_conv(x, layer.weight.detach().numpy(), stride, padding, groups)
    expected += layer.bias.detach().numpy().reshape(1, -1, 1, 1)
    np.testing.assert_allclose(layer(Tensor(x)).detach().numpy(), expected, rtol=1e-11)


def test_conv2d_errors():
    with pytest.raises(ShapeError, match="groups=3 must divide in_channels=4"):
        nn.Conv2d(4, 6, 3, groups=3)
    with pytest.raises(ValueRangeError, match=r"padding_mode must be one of .*, got 'mirror'"):
        nn.Conv2d(4, 6, 3, padding_mode="mirror")
    with pytest.raises(ValueRangeError, match=r'\[ConvTranspose1d\] padding_mode must be "zeros"'):
        nn.ConvTranspose1d(4, 6, 3, padding_mode="reflect")
    with pytest.raises(ValueRangeError, match="padding must be .* got 'full'"):
        nn.Conv2d(4, 6, 3, padding="full")


def test_pooling():
    x = normal(1, 2, 4, 6)
    windows = x.reshape(1, 2, 2, 2, 3, 2)
    np.testing.assert_array_equal(nn.MaxPool2d(2)(Tensor(x)).numpy(), windows.max((3, 5)))
    np.testing.assert_allclose(nn.AvgPool2d(2)(Tensor(x)).numpy(), windows.mean((3, 5)))
    values, indices = nn.MaxPool2d(2, return_indices=True)(Tensor(x))
    np.testing.assert_array_equal(
        np.take_along_axis(x.reshape(1, 2, -1), indices.numpy().reshape(1, 2, -1), 2).ravel(),
        values.numpy().ravel(),
    )


def test_layer_norm():
    layer = nn.LayerNorm((3, 4), dtype="float64")
    layer.weight.assign(Tensor(normal(3, 4)))
    layer.bias.assign(Tensor(normal(3, 4)))
    x = normal(2, 3, 4)
    mean, var = x.mean((1, 2), keepdims=True), x.var((1, 2), keepdims=True)
    expected = (x - mean) / np.sqrt(var + 1e-5)
    expected = expected * layer.weight.detach().numpy() + layer.bias.detach().numpy()
    np.testing.assert_allclose(layer(Tensor(x)).detach().numpy(), expected, rtol=1e-11)
    assert nn.LayerNorm(3, bias=False).bias is None
    assert list(nn.LayerNorm(3, elementwise_affine=False).parameters()) == []


def test_dropout_only_in_training():
    layer, x = nn.Dropout(0.25), Tensor.ones(100, 100)
    found = layer(x).numpy()
    assert set(np.unique(found)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs((found == 0).mean() - 0.25) < 0.02
    assert not np.array_equal(layer(x).numpy(), found)
    np.testing.assert_array_equal(layer.eval()(x).numpy(), np.ones((100, 100)))
    with pytest.raises(ValueRangeError, match=r"p must be from 0 to 1, got 1.5"):
        nn.Dropout(1.5)


def test_flatten():
    x = Tensor.ones(2, 3, 4, 5)
    assert nn.Flatten()(x).shape == (2, 60)
    assert nn.Flatten(0, 1)(x).shape == (6, 4, 5)


def test_activations():
    x = normal(3, 4)
    exponential = np.exp(x)
    share = exponential / exponential.sum(1, keepdims=True)
    expected = {
        nn.ReLU(): np.maximum(x, 0),
        nn.Sigmoid(): 1 / (1 + np.exp(-x)),
        nn.Tanh(): np.tanh(x),
        nn.Softmax(1): share,
        nn.LogSoftmax(1): np.log(share),
        nn.Identity(): x,
    }
    for layer, values in expected.items():
        np.testing.assert_allclose(layer(Tensor(x)).numpy(), values, rtol=1e-12, atol=1e-15)
    cubic = x + 0.044715 * x**3
    by_tanh = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * cubic))
    np.testing.assert_allclose(nn.GELU("tanh")(Tensor(x)).numpy(), by_tanh, rtol=1e-12)
    np.testing.assert_allclose(nn.GELU()(Tensor(x)).numpy(), by_tanh, atol=1e-3)


def test_embedding():
    layer = nn.Embedding(5, 3, dtype="float64")
    index = np.array([[1, 4], [1, 0]])
    rows = layer(Tensor(index))
    np.testing.assert_array_equal(rows.detach().numpy(), layer.weight.detach().numpy()[index])
    rows.sum().backward()
    counts = np.array([1, 2, 0, 0, 1.0])
    np.testing.assert_array_equal(layer.weight.grad.numpy(), counts[:, None].repeat(3, 1))


def test_embedding_padding_is_zero_and_stays_so():
    layer = nn.Embedding(5, 3, padding_idx=-1)
    np.testing.assert_array_equal(layer.weight.detach().numpy()[4], np.zeros(3))
    assert (layer.weight.detach().numpy()[:4] != 0).all()
    layer(Tensor(np.array([1, 4]))).sum().backward()
    np.testing.assert_array_equal(layer.weight.grad.numpy()[:, 0], [0, 1, 0, 0, 0])
    with pytest.raises(ValueRangeError, match="padding_idx 5 is not one of 5 rows"):
        nn.Embedding(5, 3, padding_idx=5)


def test_cross_entropy_loss():
    x, labels = normal(3, 4), np.array([1, 0, 3])
    log_share = x - np.log(np.exp(x).sum(1, keepdims=True))
    loss = nn.CrossEntropyLoss()(Tensor(x), Tensor(labels))
    np.testing.assert_allclose(loss.item(), -log_share[np.arange(3), labels].mean(), rtol=1e-12)
    weighted = nn.CrossEntropyLoss(Tensor(np.array([1.0, 2, 3, 4])), reduction="sum")
    expected = -(log_share[np.arange(3), labels] * [2, 1, 4]).sum()
    np.testing.assert_allclose(weighted(Tensor(x), Tensor(labels)).item(), expected, rtol=1e-12)
    assert list(weighted.state_dict()) == ["weight"]


NORMS = {
    "BatchNorm2d": lambda affine: nn.BatchNorm2d(3, affine=affine),
    "LayerNorm": lambda affine: nn.LayerNorm(3, elementwise_affine=affine),
}


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("name", NORMS)
def test_norms_go_back_to_their_initial_values(name, affine):
    layer = NORMS[name](affine)
    for param in layer.parameters():
        param.assign(Tensor([5.0, 6.0, 7.0]))
    layer.reset_parameters()
    found = [param.tolist() for param in layer.parameters()]
    assert found == ([[1.0] * 3, [0.0] * 3] if affine else [])
