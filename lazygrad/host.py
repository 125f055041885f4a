"""Host values: what leaves are made from, and what is remembered of them."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from lazygrad import element_types as dt, ops
from lazygrad.element_types import DType
from lazygrad.errors import DtypeError, ShapeError, ValueRangeError
from lazygrad.graph import Node, node
from lazygrad.runtime import buffer

CHECKED_ELEMENTS = 1 << 16  # integer data up to this size has its bounds remembered

# Smallest and largest value of integer leaves that came from the host: labels and indices among
# them can be checked without waiting for a device.
_bounds: WeakKeyDictionary[Node, tuple[int, int]] = WeakKeyDictionary()


def leaf_of(data: Any, dtype: DType | None, device: str) -> Node:
    """A BUFFER leaf that holds a copy of a number, nested sequence or NumPy array.

    Raises:
        ShapeError: for a sequence whose rows differ in length.
        DtypeError: for what is not numbers.
        ValueRangeError: for a number that ``dtype`` does not hold.
    """
    if hasattr(data, "__dlpack__") and not isinstance(data, np.ndarray):
        data, dtype = of_library(data), dtype or _narrow(data)
    array = as_array(data, dtype)
    chosen = dtype or _dtype_of(data, array)
    _check_fit(array, chosen)
    leaf = node(ops.BUFFER, (), buffer.from_numpy(array, chosen, device))
    if chosen.is_integer and 0 < array.size <= CHECKED_ELEMENTS:
        _bounds[leaf] = (int(array.min()), int(array.max()))
    return leaf


def of_library(data: Any) -> np.ndarray[Any, Any]:
    """The values of another library's array (DLPack's protocol), which keep their dtype.

    Raises:
        DtypeError: for what is no array of numbers in the host's memory.
    """
    if hasattr(data, "detach"):  # PyTorch's
        data = data.detach().cpu()
    if _narrow(data) is not None:
        data = data.float()  # NumPy has no bfloat16
    try:
        return np.asarray(data) if hasattr(data, "__array__") else np.from_dlpack(data)
    except (TypeError, ValueError, RuntimeError, BufferError, AttributeError) as error:
        raise DtypeError(
            f"[Tensor] cannot take the values of a {type(data).__module__}.{type(data).__name__}: "
            f"{error}"
        ) from None


def _narrow(data: Any) -> DType | None:
    """bfloat16, if that is what another library's array holds."""
    return dt.bfloat16 if str(getattr(data, "dtype", "")).endswith("bfloat16") else None


def as_array(data: Any, dtype: DType | None = None) -> np.ndarray[Any, Any]:
    """Numbers as an array of a dtype that NumPy finds for them; ``dtype`` is what they are for."""
    try:
        array = np.asarray(data)
    except ValueError:
        raise ShapeError("[Tensor] the rows of nested data must have equal lengths") from None
    if array.dtype.kind == "O":
        return _long_integers(data, array, dtype)
    if array.dtype.kind not in dt.NUMBER_KINDS or array.dtype.itemsize > 8:
        raise _no_numbers(f"dtype {array.dtype}")
    return array


def _long_integers(
    data: Any, array: np.ndarray[Any, Any], dtype: DType | None
) -> np.ndarray[Any, Any]:
    """Numbers among which are some that no NumPy integer holds.

    Raises:
        DtypeError: if not all are numbers.
        ValueRangeError: unless they are for floats.
    """
    if isinstance(data, np.ndarray):
        raise _no_numbers("an object array")
    for value in array.flat:
        if not isinstance(value, bool | int | float):
            raise _no_numbers(type(value).__name__)
    wanted = dtype or dt.of_scalar(sum(array.flat))
    for value in array.flat:
        dt.require_fit("Tensor", value, wanted)
    return array.astype(np.float64)


def _no_numbers(what: str) -> DtypeError:
    return DtypeError(
        f"[Tensor] cannot make a tensor of {what}; give numbers, nested lists of numbers or a "
        "NumPy array of bool, integers or floats"
    )


def _check_fit(array: np.ndarray[Any, Any], dtype: DType) -> None:
    """Integers hold what NumPy would wrap. Floats round, to infinity too, as any conversion."""
    if dtype.is_integer and array.size and not np.can_cast(array.dtype, dtype.numpy):
        for value in (array.min(), array.max()):  # NaN, if there is one
            dt.require_fit("Tensor", value.item(), dtype)


def _dtype_of(data: Any, array: np.ndarray[Any, Any]) -> DType:
    """Arrays and NumPy scalars keep their dtype; Python floats are float32, ints int64."""
    if isinstance(data, np.ndarray | np.generic) or not array.size:
        return dt.of(array.dtype) if hasattr(data, "dtype") else dt.default_float
    if array.dtype.kind == "f":
        return dt.default_float
    found = dt.of(array.dtype)
    beyond = found is dt.uint64 and int(array.max()) > dt.default_int.max  # NumPy's way with them
    return dt.default_int if beyond else found


def bounds_of(leaf: Node) -> tuple[int, int] | None:
    """Smallest and largest value, if ``leaf`` holds integers whose values the host has seen."""
    return _bounds.get(leaf)


def check_labels(op: str, target: Node, classes: int, ignore_index: int | None = None) -> bool:
    """Whether the labels are known to be within [0, classes).

    Raises:
        ValueRangeError: where they are known not to be, with the values found.
    """
    bounds = bounds_of(target)
    if bounds is None:
        return False
    low, high = bounds
    if low >= 0 and high < classes:
        return True
    if ignore_index is not None and not 0 <= ignore_index < classes:
        values = np.unique(target.arg.numpy())
        low, high = (int(values[0]), int(values[-1]))
        inner = values[values != ignore_index]
        if inner.size == 0 or (inner[0] >= 0 and inner[-1] < classes):
            return False
        low, high = int(inner[0]), int(inner[-1])
    raise ValueRangeError(
        f"[{op}] labels must be in [0, {classes}), got values from {low} to {high}"
    )


def check_indices(op: str, index: Node, size: int) -> bool:
    """Whether indices are known to be within [0, size), so that nothing is left to check.

    Raises:
        ValueRangeError: where they are known to be outside [-size, size).
    """
    bounds = bounds_of(index)
    if bounds is None:
        return False
    low, high = bounds
    if low < -size or high >= size:
        raise ValueRangeError(
            f"[{op}] indices must be in [{-size}, {size}), got values from {low} to {high}"
        )
    return low >= 0
