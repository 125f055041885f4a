"""Bounds and parameters of random draws: kept by every value drawn, or refused by name."""

import math
import re
from collections.abc import Callable

import numpy as np
import pytest

from lazygrad import Tensor, nn
from lazygrad.errors import ArgumentError, DtypeError, ValueRangeError

NAN, INF = math.nan, math.inf

BOUNDS = [
    (100.0, 101.0), (-1.0, 1.0), (-101.0, -100.0), (-1e-3, 0.0), (0.0, 1e-3), (0.1, 0.7),
    (-3.0, -1.0), (1.0, 1.01), (0.0, 60000.0),
]  # fmt: skip
FLOATS = ["float16", "bfloat16", "float32", "float64"]


def _rounded(value: float, dtype: str) -> float:
    return float(Tensor([value], dtype=dtype).numpy()[0])


@pytest.mark.parametrize("dtype", FLOATS)
def test_uniform_never_returns_its_upper_bound(dtype: str, device: str) -> None:
    drawn = [
        Tensor.uniform(50_000, low=low, high=high, dtype=dtype, device=device)
        for low, high in BOUNDS
    ]
    drawn[0].realize(*drawn)
    for (low, high), x in zip(BOUNDS, drawn, strict=True):
        values = x.numpy().astype(np.float64)
        first, end = _rounded(low, dtype), _rounded(high, dtype)
        assert values.min() >= first and values.max() < end
        spacing = 2.0**-7 if dtype == "bfloat16" else 2.0**-10 if dtype == "float16" else 0.0
        slack = spacing * max(abs(first), abs(end)) + 0.01 * (end - first)
        assert abs(values.mean() - (first + end) / 2) < slack


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("low", "high"), [(1e8, 1e8 + 8), (1e8, 1e8 + 16), (1e-30, 3e-30)])
def test_uniform_between_few_or_tiny_numbers(low: float, high: float, dtype: str) -> None:
    values = Tensor.uniform(20_000, low=low, high=high, dtype=dtype).numpy()
    assert values.min() >= _rounded(low, dtype) and values.max() < _rounded(high, dtype)
    there_are = {("float32", 1e8 + 8): 1, ("float32", 1e8 + 16): 2}.get((dtype, high))
    assert there_are is None or len(np.unique(values)) == there_are


@pytest.mark.parametrize(("dtype", "digits"), [("float16", 11), ("bfloat16", 8)])
@pytest.mark.parametrize(("low", "high"), [(1.0, 2.0), (7.0, 8.0), (100.0, 101.0), (-2.0, -1.0)])
def test_uniform_reaches_the_last_number_below(
    low: float, high: float, dtype: str, digits: int
) -> None:
    """There are few enough numbers to meet both ends."""
    values = Tensor.uniform(100_000, low=low, high=high, dtype=dtype).numpy()
    exponent = np.ceil(np.log2(abs(high))) if high > 0 else np.log2(-high) + 1
    assert (values.min(), values.max()) == (low, high - 2.0 ** (exponent - digits))


def test_uniform_of_equal_bounds() -> None:
    assert set(Tensor.uniform(5, low=2.5, high=2.5).tolist()) == {2.5}
    assert set(Tensor.uniform(5, low=100.0, high=100.001, dtype="float16").tolist()) == {100.0}


WRONG = [
    (lambda: Tensor.uniform(2, low=2, high=1), "[uniform] needs low <= high, got 2.0 and 1.0"),
    (lambda: Tensor.uniform(2, high=NAN), "[uniform] needs low <= high, got 0.0 and nan"),
    (lambda: Tensor.uniform(2, high=INF), "[uniform] low = 0.0 and high = inf, and their"),
    (lambda: Tensor.uniform(2, high=7e4, dtype="float16"), "must not exceed 65504, the largest"),
    (lambda: Tensor.uniform(2, low=-3e38, high=3e38), "must not exceed 3.40282e+38, the largest"),
    (lambda: nn.init.uniform_(Tensor.zeros(2), 1.0, 0.0), "[init.uniform_] needs low <= high"),
    (lambda: Tensor.zeros(2).uniform_(3, 2), "[uniform_] needs low <= high, got 3.0 and 2.0"),
    (lambda: Tensor.normal(2, std=-1), "[normal] std must not be negative, got -1.0"),
    (lambda: Tensor.normal(2, std=NAN), "[normal] std must not be negative, got nan"),
    (lambda: nn.init.normal_(Tensor.zeros(2), 0, -2), "[init.normal_] std must not be negative"),
    (lambda: Tensor.randint(2, low=4, high=4), "[randint] needs low < high, got 4 and 4"),
    (lambda: Tensor.randint(2, high=257, dtype="uint8"), "from 0 to 256 do not fit uint8, which"),
    (lambda: Tensor.randint(2, low=-1, dtype="uint64"), "from -1 to 9 do not fit uint64, which"),
    (lambda: Tensor.randint(2, low=-129, dtype="int8"), "int8, which holds all from -128 to 127"),
    (lambda: Tensor.randint(2, high=2**63 + 1), "from 0 to 9223372036854775808 do not fit int64"),
    (lambda: Tensor.randint(2, high=3, dtype="bool"), "from 0 to 2 do not fit bool, which"),
    (lambda: Tensor.randint(2, high=2050, dtype="float16"), "holds all from -2048 to 2048"),
    (lambda: Tensor.zeros(2, dtype="uint8").randint_like(0, 300), "from 0 to 299 do not fit uint8"),
    (lambda: Tensor.randperm(-1), "[randperm] n must not be negative, got -1"),
    (lambda: Tensor.randperm(257, dtype="uint8"), "[randperm] the integers from 0 to 256 do not"),
    (lambda: Tensor.randperm(130, dtype="int8"), "[randperm] the integers from 0 to 129 do not"),
    (lambda: Tensor.randperm(300, dtype="bfloat16"), "which holds all from -256 to 256"),
    (lambda: Tensor.ones(2).dropout(NAN), "[dropout] p must be from 0 to 1, got nan"),
]


@pytest.mark.parametrize(("call", "message"), WRONG)
def test_values_out_of_range(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueRangeError, match=re.escape(message)):
        call()


WRONG_DTYPES = [
    (lambda: Tensor.rand(2, dtype="int32"), "[rand] needs a float dtype, got int32"),
    (lambda: Tensor.randn(2, dtype="bool"), "[randn] needs a float dtype, got bool"),
    (lambda: Tensor.uniform(2, dtype="int64"), "[uniform] needs a float dtype, got int64"),
]
NOT_TAKEN = [
    (lambda: Tensor.uniform(2, low="a"), "[uniform] low must be a number, got 'a'"),
    (lambda: Tensor.normal(2, mean=None), "[normal] mean must be a number, got None"),
    (lambda: Tensor.randint(2, low=0.5), "[randint] low must be an integer, got 0.5"),
    (lambda: Tensor.randint(2, high=True), "[randint] high must be an integer, got True"),
    (lambda: Tensor.ones(2).dropout("a"), "[dropout] p must be a number, got 'a'"),
    (lambda: nn.Dropout("0.5"), "[Dropout] p must be a number, got '0.5'"),
    (lambda: Tensor.randperm(2.0), "[randperm] n must be an integer, got 2.0"),
]


@pytest.mark.parametrize(("call", "message"), WRONG_DTYPES)
def test_dtypes_without_such_numbers(call: Callable[[], object], message: str) -> None:
    with pytest.raises(DtypeError, match=re.escape(message)):
        call()


@pytest.mark.parametrize(("call", "message"), NOT_TAKEN)
def test_what_is_no_number(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ArgumentError, match=re.escape(message)):
        call()
