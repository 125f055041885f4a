"""Python numbers beside tensors: never wrapped on their way; what cannot be held is an error."""

import numpy as np
import pytest

import lazygrad
from lazygrad import Tensor
from lazygrad.errors import ValueRangeError

BYTES = [0, 5, 128, 255]


def byte(device):
    return Tensor(np.array(BYTES, np.uint8), device=device)


def thousand(x):
    """Of no dims, and of a dtype that does not decide the result's."""
    return x.full_like(1000, dtype="int64")[0]


# name: (what is computed, its values, its dtype)
RIGHT = {
    "div": (lambda x: x / 256, [0.0, 0.01953125, 0.5, 0.99609375], "float32"),
    "div_reversed": (lambda x: 1000 / (x + 1), [1000.0, 166.66667, 7.751938, np.inf], "float32"),
    "div_by_no_dims": (lambda x: x / thousand(x), [0.0, 0.005, 0.128, 0.255], "float32"),
    "clamp": (lambda x: x.clamp(0, 300), BYTES, "uint8"),
    "clamp_below": (lambda x: x.clamp(-7, 200), [0, 5, 128, 200], "uint8"),
    "clamp_float": (lambda x: x.clamp(0, 100.5), [0.0, 5.0, 100.5, 100.5], "float32"),
    "lt": (lambda x: x < 300, [True] * 4, "bool"),
    "le": (lambda x: x <= -1, [False] * 4, "bool"),
    "gt": (lambda x: x > -1, [True] * 4, "bool"),
    "ge": (lambda x: x >= 256, [False] * 4, "bool"),
    "eq": (lambda x: x == 256, [False] * 4, "bool"),
    "ne": (lambda x: x != -1, [True] * 4, "bool"),
    "lt_large": (lambda x: x < 2**70, [True] * 4, "bool"),
    "lt_no_dims": (lambda x: x < thousand(x), [True] * 4, "bool"),
    "eq_no_dims": (lambda x: x == thousand(x) - 1000 + 256, [False] * 4, "bool"),
    "logical_and": (lambda x: x.logical_and(256), [False, True, True, True], "bool"),
    "logaddexp": (lambda x: x.logaddexp(300), [300.0] * 4, "float32"),
    "masked_fill": (lambda x: x.masked_fill(x > 3, 2.7), [0, 2, 2, 2], "uint8"),
    "pow": (lambda x: x**300, [pow(b, 300, 256) for b in BYTES], "uint8"),
    "relu6": (lambda x: x.relu6(), [0, 5, 6, 6], "uint8"),
    "hardtanh": (lambda x: x.hardtanh(-1, 300.0), BYTES, "uint8"),
    "any": (lambda x: x.any(), 1, "uint8"),
    "all": (lambda x: x.all(), 0, "uint8"),
    # these wrap as the result does: modulo 256, whatever the number
    "add": (lambda x: x + 300, [(b + 300) % 256 for b in BYTES], "uint8"),
    "sub": (lambda x: -1000 - x, [(-1000 - b) % 256 for b in BYTES], "uint8"),
    "mul": (lambda x: x * -1, [-b % 256 for b in BYTES], "uint8"),
    "bits": (lambda x: (x & 0x1FF) ^ -1, [255 - b for b in BYTES], "uint8"),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_numbers_are_not_wrapped(name, device):
    function, right, dtype = RIGHT[name]
    result = function(byte(device))
    assert result.dtype.name == dtype
    np.testing.assert_allclose(result.numpy(), right, rtol=1e-6)


def test_labels_are_not_taken_for_an_ignored_number_that_wraps_to_them():
    scores = Tensor(np.zeros((1, 200), np.float32))
    label = Tensor(np.array([156], np.uint8))  # -100 as uint8
    np.testing.assert_allclose(scores.nll_loss(label).item(), 0.0)


WRONG = {
    "clamp": lambda x: x.clamp(min=300),
    "clamp_max": lambda x: x.clamp(max=-1),
    "floor_divide": lambda x: x // 300,
    "remainder": lambda x: x % 300,
    "fmod": lambda x: x.fmod(-1),
    "div": lambda x: x.div(300, rounding_mode="trunc"),
    "where": lambda x: x.where(x > 3, 300),
    "masked_fill": lambda x: x.masked_fill(x > 3, -1),
    "pow": lambda x: 300**x,
    "isclose": lambda x: x.isclose(300),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_the_dtype_does_not_hold_is_an_error(name):
    message = rf"\[{name.removesuffix('_max')}\] (300|-1) does not fit uint8, which holds 0 to 255"
    with pytest.raises(ValueRangeError, match=message):
        WRONG[name](byte("CPU"))


@pytest.mark.parametrize("number", [2**70, -(2**63) - 1])
def test_more_than_64_bits_are_an_error(number):
    with pytest.raises(ValueRangeError, match=r"\[add\]"):
        Tensor([1, 2]) + number


def test_a_number_beyond_floats_is_an_error():
    with pytest.raises(ValueRangeError, match=r"\[mul\]"):
        Tensor([1.0]) * 10**400


def test_a_fill_keeps_large_integers():
    x = Tensor([2**53 + 1, 3]).masked_fill(Tensor([False, True]), 0.5)
    assert x.tolist() == [2**53 + 1, 0]


def test_constants_of_half_precision_are_rounded_before_they_are_widened(device):
    small = Tensor.full((2,), 0.1, dtype=lazygrad.bfloat16, device=device)
    assert small.float().tolist() == [0.10009765625] * 2
    assert (small - Tensor(np.zeros(2, np.float32), device=device)).tolist() == [0.10009765625] * 2


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int64"])
def test_labels_of_a_dtype_that_does_not_hold_the_number_of_classes(
    device: str, dtype: str
) -> None:
    scores = np.random.default_rng(0).standard_normal((3, 300)).astype(np.float32)
    labels = np.array([0, 5, 100])
    x = Tensor(scores, device=device)
    target = Tensor(labels.astype(dtype), device=device)
    expected = -np.log(np.exp(scores) / np.exp(scores).sum(1, keepdims=True))[range(3), labels]
    assert x.cross_entropy(target).item() == pytest.approx(expected.mean(), rel=1e-5)
    assert x.log_softmax(1).nll_loss(target).item() == pytest.approx(expected.mean(), rel=1e-5)
    weight = Tensor.ones(300, device=device)
    assert x.cross_entropy(target, weight).item() == pytest.approx(expected.mean(), rel=1e-5)


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint8"])
def test_numbers_are_shifted_by_tensors(device: str, dtype: str) -> None:
    bits = Tensor([0, 1, 3], dtype=dtype, device=device)
    assert (5 << bits).dtype == (20 >> bits).dtype == bits.dtype
    assert (5 << bits).tolist() == [5, 10, 40]
    assert (20 >> bits).tolist() == [20, 10, 2]
