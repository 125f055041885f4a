"""What the namespace can do, and with which devices and dtypes."""

from __future__ import annotations

from typing import Any

from lazygrad import element_types as dt
from lazygrad.array_api.data_types import isdtype
from lazygrad.element_types import DType
from lazygrad.runtime.devices import Device
from lazygrad.runtime.registry import default_device, devices

MOST_DIMS = 64  # of NumPy's arrays, which the host computes with
DTYPES = (
    dt.bool_, dt.int8, dt.int16, dt.int32, dt.int64, dt.uint8, dt.uint16, dt.uint32, dt.uint64,
    dt.float32, dt.float64,
)  # fmt: skip


class Info:
    """What ``__array_namespace_info__()`` returns."""

    def capabilities(self) -> dict[str, Any]:
        """What of the standard's options there is."""
        return {
            "boolean indexing": True,
            "data-dependent shapes": True,
            "max dimensions": MOST_DIMS,
        }

    def default_device(self) -> Device:
        """Where new arrays are."""
        return default_device()

    def default_dtypes(self, *, device: str | None = None) -> dict[str, DType]:
        """Of new arrays by their kind; there are no complex ones."""
        integer = dt.default_int
        return {"real floating": dt.default_float, "integral": integer, "indexing": integer}

    def devices(self) -> list[Device]:
        """The installed backends."""
        return devices()

    def dtypes(
        self, *, device: str | None = None, kind: str | tuple[str, ...] | None = None
    ) -> dict[str, DType]:
        """Those of the standard that are of a ``kind`` (see ``isdtype``), by their names."""
        return {d.name: d for d in DTYPES if kind is None or isdtype(d, kind)}


def __array_namespace_info__() -> Info:
    """What the namespace can do."""
    return Info()
