"""What tinygrad has beside Tensor and nn: ``from lazygrad import TinyJit, Device, dtypes``."""

from __future__ import annotations

from lazygrad import element_types as dt
from lazygrad.config import settings
from lazygrad.element_types import DType
from lazygrad.jit import jit
from lazygrad.runtime.registry import check_device, default_device

TinyJit = jit


class Devices:
    """Devices; ``DEFAULT`` is where new tensors are, and can be set."""

    @property
    def DEFAULT(self) -> str:
        return default_device()

    @DEFAULT.setter
    def DEFAULT(self, name: str) -> None:
        settings.backend = check_device(name)


Device = Devices()


class dtypes:
    """Dtypes under tinygrad's names.

    >>> lazygrad.dtypes.half, lazygrad.dtypes.is_float(lazygrad.dtypes.half)
    (lazygrad.float16, True)
    """

    bool = dt.bool_
    int8 = char = dt.int8
    int16 = short = dt.int16
    int32 = int = dt.int32
    int64 = long = dt.int64
    uint8 = uchar = dt.uint8
    uint16 = ushort = dt.uint16
    uint32 = uint = dt.uint32
    uint64 = ulong = dt.uint64
    float16 = half = dt.float16
    bfloat16 = dt.bfloat16
    float32 = float = default_float = dt.float32
    float64 = double = dt.float64
    default_int = dt.int64
    floats = (dt.float16, dt.bfloat16, dt.float32, dt.float64)

    @staticmethod
    def is_float(dtype: DType) -> object:
        """Whether it is a dtype of floats."""
        return dtype.is_floating_point

    @staticmethod
    def is_int(dtype: DType) -> object:
        """Whether it is a dtype of integers."""
        return dtype.is_integer
