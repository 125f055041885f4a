"""Promotion against PyTorch's documented table, and what a dtype can be named by."""

import pickle

import numpy as np
import pytest

from lazygrad import dtype as dt
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
