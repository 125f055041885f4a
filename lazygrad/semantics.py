"""What every elementwise op means, in NumPy: one line an op.

The scheduler folds constants with it, and the reference evaluators are built on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from lazygrad import ops
from lazygrad.element_types import DType, bfloat16, float16, float32, int32, int64, uint64
from lazygrad.ops import Op

Array = Any  # np.ndarray or NumPy scalar


def _truncated_quotient(a: Array, b: Array) -> Array:
    """C's division: towards zero, unlike NumPy's floor; by zero gives 0."""
    if np.issubdtype(np.asarray(a).dtype, np.floating):
        return a / b
    safe = np.where(b == 0, np.ones_like(b), b)
    quotient = a // safe
    off = (a % safe != 0) & ((a < 0) != (safe < 0))
    return np.where(b == 0, np.zeros_like(quotient), quotient + off).astype(np.asarray(a).dtype)


def _truncated_remainder(a: Array, b: Array) -> Array:
    """C's % and fmod: the sign of the dividend; by zero gives 0 for integers."""
    if np.issubdtype(np.asarray(a).dtype, np.floating):
        return np.fmod(a, b)
    safe = np.where(b == 0, np.ones_like(b), b)
    return np.where(b == 0, np.zeros_like(a), np.fmod(a, safe)).astype(np.asarray(a).dtype)


ELEMENTWISE: Mapping[Op, Callable[..., Array]] = {
    ops.EXP: np.exp,
    ops.LOG: np.log,
    ops.SIN: np.sin,
    ops.SQRT: np.sqrt,
    ops.ADD: np.add,
    ops.MUL: np.multiply,
    ops.DIV: _truncated_quotient,
    ops.MAX: np.maximum,
    ops.WHERE: np.where,
    ops.LT: np.less,
    ops.NE: np.not_equal,
    ops.MOD: _truncated_remainder,
    ops.AND: np.bitwise_and,
    ops.XOR: np.bitwise_xor,
}

COMBINE: Mapping[Op, np.ufunc] = {ops.ADD: np.add, ops.MUL: np.multiply, ops.MAX: np.maximum}


def to_bfloat16_bits(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """float32 -> the upper 16 bits, rounded to nearest even; NaN stays NaN."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(values), 0x7FC0, rounded).astype(np.uint16).reshape(values.shape)


def from_bfloat16_bits(bits: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The float32 values of bfloat16 bits."""
    return (np.asarray(bits, np.uint16).astype(np.uint32) << 16).view(np.float32)


def compute_dtype(dtype: DType) -> np.dtype[Any]:
    """The NumPy dtype that values of ``dtype`` are computed in."""
    return (float32 if dtype is bfloat16 else dtype).numpy


def wide_integer(target: DType) -> DType:
    """The signed integer by way of which floats are truncated to the integer ``target``."""
    return int32 if target is int32 or target.itemsize < 4 else int64


def truncated(values: Array, target: DType) -> np.ndarray[Any, Any]:
    """Floats as integers, towards zero: as x86 does it, and on every device alike.

    They become a wider signed integer first (see ``wide_integer``), whose smallest value stands for
    all that it cannot hold, NaN too; its low bits are the result. uint64 wraps in the same way from
    -2**63 to 2**64.
    """
    wide = wide_integer(target)
    high = 2.0 ** (8 * wide.itemsize - 1)
    array = np.asarray(values)
    array = array.astype(np.promote_types(array.dtype, np.float32))
    if target is uint64:
        array = np.where((array >= high) & (array < 2 * high), array - 2 * high, array)
    held = np.where((array > -high) & (array < high), array, -high)
    return held.astype(wide.numpy).astype(target.numpy)


def cast(values: Array, target: DType) -> np.ndarray[Any, Any]:
    """A cast between compute dtypes; half precision is float32 rounded once more, and bfloat16
    stays in float32."""
    with np.errstate(over="ignore", invalid="ignore"):
        return _cast(np.asarray(values), target)


def _cast(array: np.ndarray[Any, Any], target: DType) -> np.ndarray[Any, Any]:
    if target is bfloat16:
        wide = array.astype(np.float32)
        return np.asarray(from_bfloat16_bits(to_bfloat16_bits(wide)))
    if target is float16:
        array = array.astype(np.float32)
    if target.is_integer and np.issubdtype(array.dtype, np.floating):
        return truncated(array, target)
    return array.astype(target.numpy)


def apply(op: Op, src: tuple[Array, ...], target: DType) -> np.ndarray[Any, Any]:
    """One elementwise op on arrays in compute dtypes, giving ``target``."""
    with np.errstate(all="ignore"):
        if op is ops.CAST:
            return cast(src[0], target)
        result = np.asarray(ELEMENTWISE[op](*src))
        return cast(result, target) if target is bfloat16 else result


def fold(op: Op, constants: Iterable[tuple[Any, DType]], dtype: DType) -> Any:
    """What an elementwise op makes of numbers, each of its dtype: a number of ``dtype``."""
    return apply(op, tuple(cast(number, of) for number, of in constants), dtype).item()
