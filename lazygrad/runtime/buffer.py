"""Buffer: a realised value: row-major memory on a device with a shape and a dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from lazygrad import ops, semantics
from lazygrad.element_types import DType, bfloat16
from lazygrad.graph import Node
from lazygrad.runtime import registry
from lazygrad.runtime.memory import Memory
from lazygrad.shape import Shape, numel


class Buffer:
    """A value in memory; immutable."""

    __slots__ = ("__weakref__", "device", "dtype", "memory", "shape")

    def __init__(self, shape: Shape, dtype: DType, device: str, memory: Memory) -> None:
        self.shape = shape
        self.dtype = dtype
        self.device = device
        self.memory = memory

    def __repr__(self) -> str:
        return f"Buffer({self.shape}, {self.dtype.name}, {self.device})"

    @property
    def nbytes(self) -> int:
        return numel(self.shape) * self.dtype.itemsize

    def numpy(self) -> np.ndarray[Any, Any]:
        """A copy on the host; waits for the device. bfloat16 comes back as float32."""
        stored = self.stored()
        return semantics.from_bfloat16_bits(stored) if self.dtype is bfloat16 else stored

    def shared(self) -> np.ndarray[Any, Any] | None:
        """The elements themselves, read-only, where the device's memory is the host's; None
        elsewhere, and for bfloat16. The array keeps the Buffer."""
        raw = registry.backend(self.device).on_host(self.memory.raw)
        if raw is None or self.dtype is bfloat16:
            return None
        return np.asarray(_Shown(self, raw))

    def stored(self) -> np.ndarray[Any, Any]:
        """A copy of the stored elements; bfloat16 as uint16 bits."""
        array = np.empty(self.shape, self.dtype.numpy)
        if array.size:
            registry.backend(self.device).download(self.memory.raw, array)
        return array


class _Shown:
    """A Buffer for NumPy, whose arrays keep what they show."""

    def __init__(self, value: Buffer, raw: np.ndarray[Any, Any]) -> None:
        self._value = value
        self.__array_interface__ = {
            "version": 3,
            "shape": value.shape,
            "typestr": value.dtype.numpy.str,
            "data": (raw.ctypes.data, True),  # read-only
        }


def is_realised(value: Node) -> bool:
    """Whether its value is, or will be given, in memory. A constant's never counts: whoever asked
    for it holds that memory, and all others had better fold the number."""
    return (value.value is not None and value.op is not ops.CONST) or value.op is ops.BUFFER


def value_of(leaf: Node) -> Buffer:
    """The Buffer of a realised node."""
    found: Buffer = leaf.arg if leaf.op is ops.BUFFER else leaf.value
    return found


def from_numpy(array: np.ndarray[Any, Any], dtype: DType, device: str) -> Buffer:
    """Copies an array to a device, cast to ``dtype`` first."""
    if dtype is bfloat16 and array.dtype != np.uint16:
        stored = semantics.to_bfloat16_bits(array.astype(np.float32))
    else:
        stored = array.astype(dtype.numpy, copy=False)
    return from_stored(np.ascontiguousarray(stored).reshape(array.shape), dtype, device)


def from_stored(stored: np.ndarray[Any, Any], dtype: DType, device: str) -> Buffer:
    """Copies elements in the form in which they are stored (bfloat16: uint16 bits)."""
    memory = Memory(device, stored.nbytes)
    if stored.size:
        registry.backend(device).upload(memory.raw, stored)
    return Buffer(stored.shape, dtype, device, memory)
