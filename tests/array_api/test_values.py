"""What functions of the namespace do otherwise than PyTorch's of the same name, against NumPy and
the tables of the standard."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

import lazygrad
import lazygrad.array_api as xp
from lazygrad.config import config
from lazygrad.errors import AxisError, DtypeError, ShapeError, SharingError, ValueRangeError
from tests.array_api import standard

INF, NAN = math.inf, math.nan
MIXED = {"int8": ("int16", "int32", "int64"), "int16": ("int16", "int32", "int64")} | {
    "int32": ("int32", "int32", "int64"),
    "int64": ("int64", "int64", "int64"),
}  # signed with uint8, uint16, uint32


@pytest.fixture(autouse=True)
def on_device(device: str) -> Any:
    with config(backend=device):
        yield


def array(*values: Any, dtype: Any = None) -> Any:
    return xp.asarray(list(values), dtype=dtype)


def expected_promotions() -> dict[tuple[str, str], str]:
    """The table of the standard."""
    found = {("bool", "bool"): "bool"}
    for names in (standard.INTEGERS[:4], standard.INTEGERS[4:], standard.FLOATS):
        for left, right in product(names, names):
            found[left, right] = max(left, right, key=names.index)
    for signed, results in MIXED.items():
        for unsigned, result in zip(standard.INTEGERS[4:7], results, strict=True):
            found[signed, unsigned] = found[unsigned, signed] = result
    return found


def test_promotion_of_dtypes_and_of_arrays_of_no_dims() -> None:
    for (left, right), result in expected_promotions().items():
        one, other = getattr(xp, left), getattr(xp, right)
        assert xp.result_type(one, other).name == result
        assert xp.can_cast(one, getattr(xp, result))
        scalar, vector = xp.ones((), dtype=one), xp.ones((2,), dtype=other)
        assert xp.where(vector == vector, scalar, vector).dtype.name == result
        assert xp.concat([scalar[None], vector]).dtype.name == result
        if result != "bool":
            assert xp.add(scalar, vector).dtype.name == result
    with pytest.raises(DtypeError, match="no dtype holds both"):
        xp.result_type(xp.int8, xp.uint64)
    assert not xp.can_cast(xp.int8, xp.uint64) and not xp.can_cast(xp.uint64, xp.int64)


@pytest.mark.parametrize("k", [-(2**70), -1, 0, 2, 2**63])
def test_a_diagonal_may_be_far_off(k: int) -> None:
    ones = [[int(column - row == k) for column in range(3)] for row in range(2)]
    assert xp.eye(2, 3, k=k).tolist() == ones


def test_numbers_take_the_dtype_of_the_array() -> None:
    small = array(1, 2, dtype=xp.uint8)
    single, double = array(0.5, dtype=xp.float32), array(0.5, dtype=xp.float64)
    assert xp.add(1, small).dtype is xp.uint8
    assert xp.subtract(1, small).tolist() == [0, 255]
    assert xp.multiply(double, 2).dtype is xp.float64
    assert xp.pow(2, single).dtype is xp.float32
    assert xp.result_type(xp.int16, 3) is xp.int16
    assert xp.result_type(3, xp.float32, 0.5) is xp.float32
    assert xp.result_type(xp.bool, True) is xp.bool
    with pytest.raises(ValueRangeError, match="needs an array or a dtype"):
        xp.result_type()


def test_kinds_and_ranges_of_dtypes() -> None:
    assert xp.isdtype(xp.uint8, "unsigned integer") and xp.isdtype(xp.int8, ("bool", xp.int8))
    assert not xp.isdtype(xp.bool, "numeric") and not xp.isdtype(xp.float32, "complex floating")
    with pytest.raises(ValueRangeError, match="'real' is no kind"):
        xp.isdtype(xp.int8, "real")
    for name in standard.FLOATS:
        found, known = xp.finfo(getattr(xp, name)), np.finfo(name)
        assert found.dtype is getattr(xp, name)
        assert (found.bits, found.eps, found.max) == (known.bits, known.eps, known.max)
        assert (found.min, found.smallest_normal) == (known.min, known.smallest_normal)
    for name in standard.INTEGERS:
        limits, theirs = xp.iinfo(xp.ones((), dtype=getattr(xp, name))), np.iinfo(name)
        assert (limits.bits, limits.min, limits.max) == (theirs.bits, theirs.min, theirs.max)
    with pytest.raises(DtypeError, match="use finfo"):
        xp.iinfo(xp.float32)
    x = array(1, 2)
    assert xp.astype(x, xp.int64, copy=False) is x
    assert xp.astype(x, xp.int64) is not x


SPECIAL: list[tuple[Callable[..., Any], tuple[Any, ...], list[float]]] = [
    (xp.sign, ([NAN, -2.0, 0.0],), [NAN, -1.0, 0.0]),
    (xp.log1p, ([-0.0, 0.0],), [-0.0, 0.0]),
    (xp.atan2, ([-0.0, -0.0, 0.0], [1.0, 0.0, 1.0]), [-0.0, -0.0, 0.0]),
    (xp.clip, ([NAN, 3.0, -INF], 0.0, 1.0), [NAN, 1.0, 0.0]),
    (xp.clip, ([NAN, 3.0],), [NAN, 3.0]),
    (xp.floor_divide, ([INF, -INF, -0.0, 1.0, -1.0, 6.3], [2.0, 2.0, 2.0, -INF, INF, 0.1]),
     [INF, -INF, -0.0, -0.0, -0.0, 62.0]),
    (xp.remainder, ([-0.0, 0.0, -4.0, 5.0], [1.0, -1.0, 2.0, -3.0]), [0.0, -0.0, 0.0, -1.0]),
    (xp.imag, ([1.0, -2.0],), [0.0, 0.0]),
    (xp.max, ([1.0, NAN],), NAN),
    (xp.mean, ([],), NAN),
]  # fmt: skip


def test_special_values() -> None:
    for function, given, expected in SPECIAL:
        arrays = [array(*x, dtype=xp.float64) if isinstance(x, list) else x for x in given]
        found = function(*arrays).numpy()
        np.testing.assert_array_equal(found, expected, err_msg=function.__name__)
        np.testing.assert_array_equal(np.signbit(found), np.signbit(expected), function.__name__)


M = np.arange(12.0, dtype=np.float32).reshape(2, 3, 2) - 5
I8 = np.array([[100, 27, 3], [-5, 9, 120]], np.int8)
LIKE_NUMPY: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("sum", (M,), {"axis": ()}),
    ("sum", (I8,), {"axis": (0, -1), "keepdims": True}),
    ("prod", (I8,), {"axis": 1, "dtype": "int64"}),
    ("max", (M,), {"axis": (0, 2)}),
    ("var", (M,), {"axis": (), "keepdims": True}),
    ("std", (M,), {"axis": 1}),
    ("argmax", (M,), {"keepdims": True}),
    ("argmin", (M,), {"axis": 1}),
    ("all", (M,), {"axis": ()}),
    ("any", (I8.astype(np.uint8),), {"axis": 0}),
    ("count_nonzero", (M,), {"axis": (0, 1)}),
    ("cumulative_sum", (I8,), {"axis": 1, "include_initial": True}),
    ("cumulative_prod", (M,), {"axis": -2}),
    ("diff", (I8,), {"axis": 0}),
    ("flip", (M,), {"axis": (0, -1)}),
    ("flip", (M,), {}),
    ("tile", (I8,), {"repetitions": (2, 1, 2)}),
    ("repeat", (I8,), {"repeats": 2, "axis": 1}),
    ("roll", (I8,), {"shift": (1, -1), "axis": (0, 1)}),
    ("moveaxis", (M,), {"source": 0, "destination": -1}),
    ("eye", (3, 4), {"k": 1}),
    ("linspace", (1.0, 2.0), {"num": 5, "endpoint": False}),
    ("arange", (3, 0), {"step": 1}),
    ("arange", (5,), {}),
    ("searchsorted", (np.array([1, 3, 5]), np.array([[3, 6]])), {"side": "right"}),
    ("take", (M, np.array([1, 0])), {"axis": 2}),
    ("take_along_axis", (I8, np.array([[0], [2]])), {"axis": 1}),
    ("tensordot", (M, M), {"axes": ((0, 1), (0, 1))}),
    ("vecdot", (M, M[:1]), {"axis": -1}),
    ("matrix_transpose", (M,), {}),
]


def test_like_numpy() -> None:
    positional = ("repetitions", "repeats", "source", "destination")
    for name, given, options in LIKE_NUMPY:
        rest = [options[key] for key in positional if key in options]
        named = {key: value for key, value in options.items() if key not in positional}
        dtype = {"dtype": getattr(xp, named["dtype"])} if "dtype" in named else {}
        arrays = [xp.asarray(x) if isinstance(x, np.ndarray) else x for x in given]
        found = getattr(xp, name)(*arrays, *rest, **(named | dtype)).numpy()
        expected = np.asarray(getattr(np, name)(*given, *rest, **named))
        assert found.shape == expected.shape, name
        np.testing.assert_allclose(found, expected, rtol=1e-6, err_msg=name)
        if name not in ("eye", "linspace"):  # float32 by default
            assert found.dtype == expected.dtype, name


def test_dtypes_of_sums() -> None:
    for name in (*standard.INTEGERS, *standard.FLOATS):
        x = xp.ones((2, 2), dtype=getattr(xp, name))
        wide = "uint64" if name.startswith("u") else "int64" if name.startswith("i") else name
        for function in (xp.sum, xp.prod, xp.linalg.trace):
            assert function(x).dtype.name == wide
        assert xp.cumulative_sum(x, axis=0).dtype.name == wide
    with pytest.raises(AxisError, match="needs an axis"):
        xp.cumulative_sum(xp.ones((2, 2)))


def test_unique() -> None:
    found = xp.unique_all(array([3, 1], [3, 2]))
    assert [x.tolist() for x in found] == [[1, 2, 3], [1, 3, 0], [[2, 0], [2, 1]], [1, 1, 2]]
    assert found._fields == ("values", "indices", "inverse_indices", "counts")
    nans = array(NAN, 1.0, NAN)
    assert xp.unique_counts(nans).counts.tolist() == [1, 1, 1]
    assert xp.unique_inverse(nans).inverse_indices.tolist() == [1, 0, 2]
    assert xp.unique_values(array(2, 2, 1)).tolist() == [1, 2]


def test_sharing_and_copies(device: str) -> None:
    x = array(1.0, 2.0, 3.0)
    assert xp.asarray(x) is x and xp.asarray(x, copy=False) is x
    shared, own = xp.from_dlpack(x), xp.from_dlpack(x, copy=True)
    x[0] = 7.0
    assert (shared[0].item(), own[0].item()) == (7.0, 1.0)
    assert xp.from_dlpack(np.arange(3)).tolist() == [0, 1, 2]
    for needs_one in (
        lambda: xp.asarray([1.0], copy=False),
        lambda: xp.asarray(x, dtype=xp.float64, copy=False),
        lambda: xp.from_dlpack(np.arange(3), copy=False),
        lambda: x.__dlpack__(copy=False),
        lambda: xp.reshape(xp.matrix_transpose(xp.ones((2, 3))), (6,), copy=False),
    ):
        with pytest.raises(SharingError, match=r"copy=False"):
            needs_one()
    assert xp.reshape(x, (3, 1), copy=True).tolist() == [[7.0], [2.0], [3.0]]
    assert x.to_device(device) is x
    assert complex(x[1]) == 2.0
    assert xp.full((2,), x[1]).tolist() == [2.0, 2.0]
    assert [y.shape for y in xp.meshgrid(x, array(1, 2))] == [(2, 3), (2, 3)]
    assert xp.meshgrid() == xp.broadcast_arrays() == []


def test_what_the_standard_refuses() -> None:
    with pytest.raises(ValueRangeError, match="axis 1 of shape"):
        xp.squeeze(xp.ones((1, 2)), (0, 1))
    with pytest.raises(ShapeError, match="no dims"):
        xp.nonzero(xp.ones(()))
    with pytest.raises(ShapeError, match="differs"):
        xp.vecdot(xp.ones((2, 3)), xp.ones((2, 1)))
    with pytest.raises(ShapeError, match="size 3"):
        xp.linalg.cross(xp.ones((2, 3)), xp.ones((2, 1)))


def test_linalg() -> None:
    stack = xp.asarray(np.array([[[2.0, 1], [1, 3]], [[4, 0], [0, 0]]], np.float64))
    pinv = xp.linalg.pinv(stack, rtol=array(1e-9, 2.0, dtype=xp.float64))
    np.testing.assert_allclose(pinv[0].numpy(), np.linalg.inv(stack[0].numpy()))
    assert not pinv[1].any()
    right = array(1.0, 2.0, dtype=xp.float64)
    solved = xp.linalg.solve(stack[:1], right)
    np.testing.assert_allclose(solved.numpy(), [np.linalg.solve(stack[0].numpy(), right.numpy())])
    assert xp.linalg.solve(stack[0], xp.ones((3, 2, 1))).shape == (3, 2, 1)
    np.testing.assert_allclose(
        xp.linalg.vector_norm(stack, axis=(0, 2)).numpy(), [math.sqrt(21), math.sqrt(10)]
    )
    assert xp.linalg.vector_norm(stack, axis=()).tolist() == stack.tolist()
    assert xp.linalg.matrix_norm(stack, ord=None, keepdims=True).shape == (2, 1, 1)
    crossed = xp.linalg.cross(xp.ones((2, 3)), array(1.0, 0.0, 0.0))
    assert crossed.tolist() == [[0.0, 1.0, -1.0]] * 2
    assert xp.linalg.outer(array(1, 2), array(3, dtype=xp.int8)).dtype is xp.int64
    assert xp.linalg.qr(stack).Q.shape == (2, 2, 2)
    assert lazygrad.linalg.pinv(stack, 1e-9).shape == stack.shape
