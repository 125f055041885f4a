"""The interpreter, which is the oracle of the others, against NumPy."""

import numpy as np
import pytest

from lazygrad import element_types as dt
from lazygrad.codegen.interpret import interpret
from lazygrad.testing.cases.rounding import ROUNDED
from tests.codegen import kernels as ks


def test_softmax() -> None:
    kernel = ks.softmax(5, 37)
    (x,) = ks.inputs_of(kernel)
    rows = x.reshape(5, 37).astype(np.float64)
    e = np.exp(rows - rows.max(1, keepdims=True))
    (found,) = interpret(kernel, [x])
    np.testing.assert_allclose(found.reshape(5, 37), e / e.sum(1, keepdims=True), rtol=1e-5)


def test_argmax() -> None:
    kernel = ks.argmax_rows(4, 37)
    (x,) = ks.inputs_of(kernel)
    (found,) = interpret(kernel, [x])
    np.testing.assert_array_equal(found, x.reshape(4, 37).argmax(1))


def test_convolution_and_its_gradients() -> None:
    n, c, o, size, window = 2, 3, 4, 6, 3
    after = size - window + 1
    forward = ks.conv2d(n, c, o, size, window)
    x, w, bias = ks.inputs_of(forward)
    images = x.reshape(n, size, size, c).astype(np.float64)
    packed = w.reshape(window, window, c, o).astype(np.float64)
    windows = np.lib.stride_tricks.sliding_window_view(images, (window, window), axis=(1, 2))
    y = np.einsum("nhwcij,ijco->nhwo", windows, packed) + bias
    (found,) = interpret(forward, [x, w, bias])
    np.testing.assert_allclose(found.reshape(y.shape), np.maximum(y, 0), rtol=1e-4, atol=1e-5)

    dy = np.random.default_rng(1).standard_normal((n, after, after, o)).astype(np.float32)
    dx = np.zeros_like(images)
    dw = np.zeros((o, c, window, window))
    for i in range(window):
        for j in range(window):
            block = np.s_[:, i : i + after, j : j + after, :]
            dx[block] += dy @ packed[i, j].T
            dw[:, :, i, j] = np.einsum("nhwo,nhwc->oc", dy, images[block])
    turned = packed.transpose(0, 1, 3, 2).astype(np.float32)
    (found,) = interpret(ks.conv2d_input_gradient(n, c, o, size, window), [dy, turned])
    np.testing.assert_allclose(found.reshape(dx.shape), dx, rtol=1e-4, atol=1e-5)
    (found,) = interpret(ks.conv2d_weight_gradient(2, n, c, o, size, window), [dy, x])
    np.testing.assert_allclose(found.reshape(2, *dw.shape).sum(0), dw, rtol=1e-4, atol=1e-5)


def test_gather_with_labels_outside() -> None:
    kernel = ks.gather(6, 11, 4)
    labels = np.array([5, -1, 0, 6])
    table = np.arange(66, dtype=np.float32)
    (found,) = interpret(kernel, [labels, table])
    expected = np.stack([table[55:], np.zeros(11), table[:11], np.zeros(11)])
    np.testing.assert_array_equal(found.reshape(4, 11), expected)


def test_quotients_of_negative_numbers_round_down() -> None:
    falling = 3 - 2 * np.arange(45)
    quotient, rest, any_rest = interpret(ks.quotients(45), [])
    np.testing.assert_array_equal(quotient, falling // 5)
    np.testing.assert_array_equal(rest, falling % 5)
    np.testing.assert_array_equal(any_rest, falling % 5 != 0)


@pytest.mark.parametrize("half", [dt.float16, dt.bfloat16], ids=lambda d: d.name)
def test_half_precision_rounds_to_even(half: dt.DType) -> None:
    table = ROUNDED[half.name]
    given = np.array([*table, np.nan], np.float32)
    right = np.array([*table.values(), np.nan], np.float32)
    stored, back = interpret(ks.rounded(half, given.size), [given])
    np.testing.assert_array_equal(back, right)
    if half is dt.bfloat16:
        assert stored.dtype == np.uint16
        stored = (stored.astype(np.uint32) << 16).view(np.float32)
    np.testing.assert_array_equal(stored, right)
