"""Element types and PyTorch's promotion rules.

A dtype knows its NumPy counterpart. bfloat16 has none in NumPy itself: it is stored as uint16
bits and computed in float32.

Half precision (float16, bfloat16) is stored in 16 bits and carried in float32 within a kernel, so
a chain of operations rounds once, where PyTorch rounds after each. What is stored, cast or compared
with another tensor is rounded: a value that is computed again equals the one that was stored.
"""

from __future__ import annotations

import math
from ctypes import c_float
from dataclasses import dataclass
from struct import pack, unpack
from typing import Any

import numpy as np

from lazygrad.config import meant
from lazygrad.errors import DtypeError, ValueRangeError

BOOL, UNSIGNED, SIGNED, FLOAT = range(4)
LARGEST_BFLOAT16 = (2.0 - 2.0**-7) * 2.0**127


@dataclass(frozen=True, eq=False)
class DType:
    """An element type; compared by identity, one object each.

    >>> lazygrad.float16, lazygrad.float16.itemsize, Tensor([1]).dtype.is_floating_point
    (lazygrad.float16, 2, False)
    """

    name: str
    kind: int
    itemsize: int
    numpy: np.dtype[Any]

    def __repr__(self) -> str:
        return f"lazygrad.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return (of, (self.name,))

    @property
    def is_floating_point(self) -> bool:
        return self.kind == FLOAT

    @property
    def is_signed(self) -> bool:
        return self.kind >= SIGNED

    @property
    def is_integer(self) -> bool:
        return self.kind in (UNSIGNED, SIGNED)

    @property
    def category(self) -> int:
        """0 of bools, 1 of integers, 2 of floats: values go up, and not down, without a cast."""
        return {BOOL: 0, FLOAT: 2}.get(self.kind, 1)

    def rounded(self, value: float) -> float:
        """The float of this dtype that is next to ``value``; infinity beyond the largest."""
        if self is float64:
            return value
        single = c_float(value).value  # does not warn of overflow, and is fast
        if self is float32 or not math.isfinite(single):
            return single
        if self is bfloat16:
            (bits,) = unpack("<I", pack("<f", single))
            (kept,) = unpack("<f", pack("<I", (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000))
            return float(kept)
        with np.errstate(over="ignore"):
            return float(np.float16(value))

    @property
    def min(self) -> Any:
        """The smallest value (of floats: minus infinity), the identity of a maximum."""
        if self.kind == FLOAT:
            return -float("inf")
        return False if self.kind == BOOL else int(np.iinfo(self.numpy).min)

    @property
    def largest(self) -> Any:
        """The largest finite value."""
        if self is bfloat16:
            return LARGEST_BFLOAT16
        return float(np.finfo(self.numpy).max) if self.kind == FLOAT else self.max

    @property
    def eps(self) -> float:
        """The distance from 1 to the next larger float."""
        return 2.0**-7 if self is bfloat16 else float(np.finfo(self.numpy).eps)

    @property
    def lowest(self) -> Any:
        """The smallest finite value."""
        return -self.largest if self.kind == FLOAT else self.min

    @property
    def max(self) -> Any:
        """The largest value (of floats: infinity), the identity of a minimum."""
        if self.kind == FLOAT:
            return float("inf")
        return True if self.kind == BOOL else int(np.iinfo(self.numpy).max)


bool_ = DType("bool", BOOL, 1, np.dtype(np.bool_))
uint8 = DType("uint8", UNSIGNED, 1, np.dtype(np.uint8))
uint16 = DType("uint16", UNSIGNED, 2, np.dtype(np.uint16))
uint32 = DType("uint32", UNSIGNED, 4, np.dtype(np.uint32))
uint64 = DType("uint64", UNSIGNED, 8, np.dtype(np.uint64))
int8 = DType("int8", SIGNED, 1, np.dtype(np.int8))
int16 = DType("int16", SIGNED, 2, np.dtype(np.int16))
int32 = DType("int32", SIGNED, 4, np.dtype(np.int32))
int64 = DType("int64", SIGNED, 8, np.dtype(np.int64))
float16 = DType("float16", FLOAT, 2, np.dtype(np.float16))
bfloat16 = DType("bfloat16", FLOAT, 2, np.dtype(np.uint16))
float32 = DType("float32", FLOAT, 4, np.dtype(np.float32))
float64 = DType("float64", FLOAT, 8, np.dtype(np.float64))

ALL = (
    bool_, uint8, uint16, uint32, uint64, int8, int16, int32, int64,
    float16, bfloat16, float32, float64,
)  # fmt: skip
HALVES = (float16, bfloat16)  # kernels carry them in float32
NUMBER_KINDS = "biuf"  # NumPy's kinds of dtypes that have a counterpart here
ALIASES = {"half": float16, "float": float32, "double": float64, "int": int32, "long": int64}
BY_NAME = {dtype.name: dtype for dtype in ALL} | ALIASES
BY_NUMPY = {dtype.numpy: dtype for dtype in ALL if dtype is not bfloat16}
default_float = float32
default_int = int64


def of(value: Any) -> DType:
    """The DType meant by a DType, a name ("float32"), a Python type or a NumPy dtype."""
    if isinstance(value, DType):
        return value
    if isinstance(value, str):
        found = BY_NAME.get(value)
    elif isinstance(value, type) and value in (bool, int, float):
        found = of_scalar(value())
    elif value is None:  # NumPy would take it for float64
        found = None
    else:
        try:
            found = BY_NUMPY.get(np.dtype(value).newbyteorder("="))
        except (TypeError, ValueError):
            found = None
    if found is None:
        known = ", ".join(dtype.name for dtype in ALL)
        near = meant(value, BY_NAME) if isinstance(value, str) else ""
        raise DtypeError(f"[dtype] {value!r} is not a dtype of lazygrad{near}; known: {known}")
    return found


def of_scalar(value: Any) -> DType:
    """The dtype that a Python scalar takes by itself: bool, int64 or float32, as in PyTorch."""
    if isinstance(value, bool | np.bool_):
        return bool_
    if isinstance(value, int | np.integer):
        return default_int
    if isinstance(value, float | np.floating):
        return default_float
    raise DtypeError(f"[dtype] {value!r} of type {type(value).__name__} is not a number")


def require_fit(op: str, value: Any, dtype: DType) -> None:
    """A number that is to be kept in ``dtype``; a fraction may be cut off.

    Raises:
        ValueRangeError: one outside the range of ``dtype``; NaN or infinity for an integer.
    """
    finite = isinstance(value, int) or math.isfinite(value)
    if dtype.kind == BOOL or (dtype.kind == FLOAT and not finite):
        return
    kept = value if dtype.kind == FLOAT or not finite else int(value)
    if not finite or not dtype.lowest <= kept <= dtype.largest:
        raise ValueRangeError(
            f"[{op}] {value} does not fit {dtype.name}, which holds {dtype.lowest} to "
            f"{dtype.largest}; choose another dtype"
        )


def fits(value: Any, dtype: DType) -> bool:
    """Whether a Python number, without its fraction for integers, is in the range of ``dtype``."""
    if dtype.kind in (BOOL, FLOAT):
        return True
    return math.isfinite(value) and bool(dtype.min <= int(value) <= dtype.max)


def promote(left: DType, right: DType) -> DType:
    """The dtype of an operation on two tensors (torch.promote_types)."""
    if left is right:
        return left
    if left.kind == FLOAT or right.kind == FLOAT:
        return _promote_floats(left, right)
    if BOOL in (left.kind, right.kind):
        return left if right.kind == BOOL else right
    return _promote_integers(left, right)


def _promote_floats(left: DType, right: DType) -> DType:
    if left.kind != FLOAT:
        return right
    if right.kind != FLOAT:
        return left
    if left.itemsize == right.itemsize:  # float16 with bfloat16: neither holds the other
        return float32
    return left if left.itemsize > right.itemsize else right


def _promote_integers(left: DType, right: DType) -> DType:
    if left.kind == right.kind:
        return left if left.itemsize >= right.itemsize else right
    signed, unsigned = (left, right) if left.kind == SIGNED else (right, left)
    if unsigned.itemsize < signed.itemsize:
        return signed
    wider = {1: int16, 2: int32, 4: int64}
    if unsigned.itemsize not in wider:
        raise DtypeError(
            f"[promote] no dtype holds both {left.name} and {right.name}; cast one of them"
        )
    return wider[unsigned.itemsize]


def promote_scalar(dtype: DType, value: Any) -> DType:
    """The dtype of a tensor of ``dtype`` with a Python scalar, which is weak: it changes the
    kind of the result (bool < int < float) but never its width."""
    scalar = of_scalar(value)
    if scalar.kind == FLOAT:
        return dtype if dtype.kind == FLOAT else default_float
    if scalar.kind == BOOL:
        return dtype
    return default_int if dtype.kind == BOOL else dtype


def accumulator(dtype: DType) -> DType:
    """The dtype that a sum of ``dtype`` is carried in: small floats in float32."""
    return float32 if dtype in (float16, bfloat16) else dtype
