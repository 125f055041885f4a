"""Results beside those that they should be: which elements differ by more than rounding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lazygrad import element_types as dt, semantics
from lazygrad.element_types import DType

Array = np.ndarray[Any, Any]
# What rounding may change, relative to the element and to the largest one.
TOLERANCE: Mapping[DType, float] = {
    dt.float64: 1e-9, dt.float32: 1e-4, dt.float16: 4e-3, dt.bfloat16: 3e-2
}  # fmt: skip


def readable(stored: Array, dtype: DType) -> Array:
    """Elements as numbers: bfloat16 is stored as bits."""
    return semantics.from_bfloat16_bits(stored) if dtype is dt.bfloat16 else stored


def allowed(right: Array, dtype: DType) -> Array:
    """How far each element may be off."""
    tolerance = TOLERANCE.get(dtype, 0.0)
    if not tolerance:
        return np.zeros(right.shape)
    wide = np.abs(right.astype(np.float64))
    finite = wide[np.isfinite(wide)]
    return tolerance * (wide + finite.max(initial=0.0))


def beyond(found: Array, right: Array, most: Array) -> Array:
    """Where elements are further apart than ``most``; NaN is equal to NaN."""
    if right.dtype.kind != "f":
        return np.asarray(found != right)
    with np.errstate(all="ignore"):
        near = np.abs(found.astype(np.float64) - right.astype(np.float64)) <= most
    return ~(near | (found == right) | (np.isnan(found) & np.isnan(right)))


def difference(name: str, stored: Array, expected: Array, dtype: DType) -> str | None:
    """In words, where two arrays as stored differ."""
    found, right = readable(stored, dtype), readable(expected, dtype)
    wrong = beyond(found, right, allowed(right, dtype))
    return told(name, np.arange(found.size), found, right, wrong) if wrong.any() else None


def told(name: str, where: Array, found: Array, right: Array, wrong: Array) -> str:
    """Which elements of a buffer are wrong, and how much."""
    first = int(np.argmax(wrong))
    with np.errstate(all="ignore"):
        distance = np.abs(found.astype(np.float64) - right.astype(np.float64))[wrong]
    most = float(distance.max())  # NaN where one of them is
    return (
        f"{name} differs in {int(wrong.sum())} of {wrong.size} elements, by up to {most:.3g}; the "
        f"first is element {int(where[first])}: {found[first]} instead of {right[first]}"
    )
