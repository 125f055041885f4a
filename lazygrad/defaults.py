"""What new tensors are, where nothing is said."""

from __future__ import annotations

from typing import Any

from lazygrad import element_types as dt
from lazygrad.config import settings
from lazygrad.element_types import DType
from lazygrad.errors import DtypeError
from lazygrad.runtime.devices import Device
from lazygrad.runtime.registry import check_device, default_device


def get_default_device() -> Device:
    """Where new tensors are: the device that ``BACKEND`` names, or ``set_default_device``.

    >>> lazygrad.get_default_device().type
    'cpu'
    """
    return default_device()


def set_default_device(device: Any) -> None:
    """Where this thread's new tensors are from now on; None for the CPU.

    Raises:
        DeviceError: for one that is not there.

    >>> lazygrad.set_default_device("cpu")
    >>> lazygrad.zeros(1).device.type
    'cpu'
    """
    settings.backend = check_device("CPU" if device is None else device)


def get_default_dtype() -> DType:
    """float32.

    >>> lazygrad.get_default_dtype()
    lazygrad.float32
    """
    return dt.default_float


def set_default_dtype(d: Any) -> None:
    """Accepted for float32, which it is.

    Raises:
        DtypeError: for another dtype: which one a tensor has would depend on who ran before.

    >>> lazygrad.set_default_dtype(lazygrad.float32)
    """
    if dt.of(d) is not dt.default_float:
        raise DtypeError(
            f"[set_default_dtype] new tensors are float32 unless dtype= says otherwise, got "
            f"{dt.of(d).name}; give dtype=, or bring a model there with model.double()"
        )
