"""Promotion against PyTorch's documented table, and what a dtype can be named by."""

import math
import pickle

import numpy as np
import pytest

from lazygrad import Tensor, element_types as dt, semantics
from lazygrad.errors import DtypeError

# torch.promote_types; rows and columns in the order of the first row.
TABLE = """
bool     uint8    int8     int16    int32    int64    float16  bfloat16 float32 float64
uint8    uint8    int16    int16    int32    int64    float16  bfloat16 float32 float64
int8     int16    int8     int16    int32    int64    float16  bfloat16 float32 float64
int16    int16    int16    int16    int32    int64    float16  bfloat16 float32 float64
int32    int32    int32    int32    int32    int64    float16  bfloat16 float32 float64
int64    int64    int64    int64    int64    int64    float16  bfloat16 float32 float64
float16  float16  float16  float16  float16  float16  float16  float32  float32 float64
bfloat16 bfloat16 bfloat16 bfloat16 bfloat16 bfloat16 float32  bfloat16 float32 float64
float32  float32  float32  float32  float32  float32  float32  float32  float32 float64
float64  float64  float64  float64  float64  float64  float64  float64  float64 float64
"""
NAMES = TABLE.split("\n")[1].split()
CELLS = [
    (NAMES[i], NAMES[j], result)
    for i, line in enumerate(TABLE.split("\n")[1:-1])
    for j, result in enumerate(line.split())
]


@pytest.mark.parametrize(("left", "right", "result"), CELLS)
def test_promotion(left: str, right: str, result: str) -> None:
    assert dt.promote(dt.of(left), dt.of(right)) is dt.of(result)


@pytest.mark.parametrize(
    ("name", "value", "result"),
    [
        ("bool", True, "bool"), ("bool", 1, "int64"), ("bool", 1.0, "float32"),
        ("uint8", True, "uint8"), ("uint8", 1, "uint8"), ("uint8", 1.0, "float32"),
        ("int64", 2.5, "float32"), ("float16", 2, "float16"), ("float16", 2.5, "float16"),
        ("bfloat16", 1.0, "bfloat16"), ("float64", 1, "float64"), ("float64", 0.5, "float64"),
    ],
)  # fmt: skip
def test_python_numbers_are_weak(name: str, value: object, result: str) -> None:
    assert dt.promote_scalar(dt.of(name), value) is dt.of(result)


def test_uint64_has_no_signed_partner() -> None:
    with pytest.raises(DtypeError, match=r"\[promote\].*uint64 and int8"):
        dt.promote(dt.uint64, dt.int8)


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("float32", dt.float32), ("half", dt.float16), (float, dt.float32), (int, dt.int64),
        (bool, dt.bool_), (np.float64, dt.float64), (np.dtype(">i4"), dt.int32), (dt.int8, dt.int8),
    ],
)  # fmt: skip
def test_names(value: object, result: dt.DType) -> None:
    assert dt.of(value) is result


@pytest.mark.parametrize("value", ["float31", np.complex64, "datetime64", None, 3])
def test_unknown_names(value: object) -> None:
    with pytest.raises(DtypeError, match=r"\[dtype\].*known: bool"):
        dt.of(value)


def test_pickle_keeps_identity() -> None:
    assert pickle.loads(pickle.dumps(dt.bfloat16)) is dt.bfloat16


@pytest.mark.parametrize("dtype", dt.ALL, ids=str)
def test_bounds(dtype: dt.DType) -> None:
    if dtype.is_integer:
        assert (dtype.min, dtype.max) == (np.iinfo(dtype.numpy).min, np.iinfo(dtype.numpy).max)
    assert dtype.min < dtype.max


@pytest.mark.parametrize(
    "value", [0.1, -1 / 3, 65519.0, 65520.0, 1e-45, 1e-40, 3e-8, 1e39, 3.3961775e38, math.inf, -0.0]
)
def test_a_value_is_rounded_as_an_array_is(value: float) -> None:
    with np.errstate(over="ignore"):
        array = np.array([value])
        assert dt.float64.rounded(value) == value
        assert dt.float32.rounded(value) == array.astype(np.float32)[0]
        assert dt.float16.rounded(value) == array.astype(np.float16)[0]
        (brain,) = semantics.from_bfloat16_bits(semantics.to_bfloat16_bits(array.astype("f4")))
        assert dt.bfloat16.rounded(value) == brain
        assert math.copysign(1, dt.bfloat16.rounded(value)) == math.copysign(1, value)


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32"])
def test_a_constant_has_the_digits_of_its_dtype(device: str, name: str) -> None:
    """Stored or folded into what reads it."""
    wide = "float64" if name == "float32" else "float32"
    lazy = Tensor.full((3,), 0.1, dtype=name, device=device)
    expected = dt.of(name).rounded(0.1)
    assert lazy.cast(wide).tolist() == [expected] * 3
    assert (lazy.cast(wide) * 1).realize().tolist() == lazy.realize().cast(wide).tolist()
