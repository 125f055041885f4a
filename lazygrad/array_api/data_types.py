"""Data types, and functions of them. There are no complex ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lazygrad import element_types as dt
from lazygrad.array_api.arguments import common_dtype
from lazygrad.element_types import (
    DType,
    float32 as float32,
    float64 as float64,
    int8 as int8,
    int16 as int16,
    int32 as int32,
    int64 as int64,
    uint8 as uint8,
    uint16 as uint16,
    uint32 as uint32,
    uint64 as uint64,
)
from lazygrad.errors import DtypeError, ValueRangeError
from lazygrad.functional.facts import is_tensor
from lazygrad.limits import finfo as range_of_floats

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

KINDS: dict[str, tuple[int, ...]] = {
    "bool": (dt.BOOL,),
    "signed integer": (dt.SIGNED,),
    "unsigned integer": (dt.UNSIGNED,),
    "integral": (dt.SIGNED, dt.UNSIGNED),
    "real floating": (dt.FLOAT,),
    "complex floating": (),
    "numeric": (dt.SIGNED, dt.UNSIGNED, dt.FLOAT),
}


@dataclass(frozen=True)
class FloatInfo:
    """What ``finfo`` returns."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: DType


@dataclass(frozen=True)
class IntegerInfo:
    """What ``iinfo`` returns."""

    bits: int
    max: int
    min: int
    dtype: DType


def astype(x: Tensor, dtype: DType, /, *, copy: bool = True, device: str | None = None) -> Tensor:
    """``x`` in another dtype; a new array, or unless ``copy`` itself where nothing changes."""
    return x.to(dtype=dtype, device=device, copy=copy)


def can_cast(from_: DType | Tensor, to: DType, /) -> bool:
    """Whether promotion leads from one dtype (or that of an array) to another."""
    wanted = dt.of(to)
    try:
        return common_dtype(from_, wanted) is wanted
    except DtypeError:  # no dtype holds uint64 and signed integers
        return False


def finfo(type: DType | Tensor, /) -> FloatInfo:
    """The range and the precision of floats."""
    chosen = _dtype_of(type)
    found = range_of_floats(chosen)
    return FloatInfo(found.bits, found.eps, found.max, found.min, found.smallest_normal, chosen)


def iinfo(type: DType | Tensor, /) -> IntegerInfo:
    """The range of integers."""
    chosen = _dtype_of(type)
    if not chosen.is_integer:
        raise DtypeError(f"[iinfo] {chosen.name} is not a dtype of integers; use finfo")
    return IntegerInfo(8 * chosen.itemsize, chosen.max, chosen.min, chosen)


def _dtype_of(given: Any) -> DType:
    return given.dtype if is_tensor(given) else dt.of(given)


def isdtype(dtype: DType, kind: DType | str | tuple[DType | str, ...]) -> bool:
    """Whether a dtype is another, or of a kind (``"integral"``), or one of several of them.

    Raises:
        ValueRangeError: for a kind that the standard does not name.
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, one) for one in kind)
    if isinstance(kind, DType):
        return dtype is kind
    if kind not in KINDS:
        raise ValueRangeError(f"[isdtype] {kind!r} is no kind of dtypes; known: {', '.join(KINDS)}")
    return dtype.kind in KINDS[kind]


def result_type(*arrays_and_dtypes: Tensor | DType | bool | int | float) -> DType:
    """What arrays, dtypes and numbers promote to."""
    if not arrays_and_dtypes:
        raise ValueRangeError("[result_type] needs an array or a dtype")
    return common_dtype(*arrays_and_dtypes)
