"""The names of torch.accelerator, for the backend GPU."""

from __future__ import annotations

from lazygrad.cuda import (
    current_device as current_device_index,
    device_count as device_count,
    is_available as is_available,
    synchronize as synchronize,
)
from lazygrad.names import lookup
from lazygrad.runtime.devices import Device

__all__ = [
    "current_accelerator",
    "current_device_index",
    "device_count",
    "is_available",
    "synchronize",
]


def current_accelerator(check_available: bool = False) -> Device | None:
    """The GPU, if there is one.

    >>> accelerator = lazygrad.accelerator.current_accelerator()
    >>> accelerator is None or accelerator.type == "cuda"
    True
    """
    return Device("cuda") if is_available() else None


__getattr__ = lookup("accelerator", "torch.accelerator", globals())
