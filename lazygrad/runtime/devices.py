"""Names of devices: those of backends, and PyTorch's names for them."""

from __future__ import annotations

from typing import Any

from lazygrad.arguments import shown
from lazygrad.errors import ArgumentError, UnknownDeviceError

# PyTorch's names of devices, and the backends that stand for them.
MEANT = {"cpu": "CPU", "cuda": "GPU", "opencl": "GPU", "xpu": "GPU", "hip": "GPU"}
TYPES = {"CPU": "cpu", "GPU": "cuda"}  # what a program for PyTorch compares with


class Device(str):
    """The name of a device, ``device("cuda:0")`` as in torch.device: a string that is the name of
    its backend, with PyTorch's attributes.

    "cuda" means the backend GPU: the OpenCL device that ``OPENCL_DEVICE`` chooses.

    Raises:
        UnknownDeviceError: for a second device of a kind: a process computes on one.

    >>> device = lazygrad.device("cuda:0" if lazygrad.cuda.is_available() else "cpu")
    >>> lazygrad.zeros(2, device=device).device == device
    True
    >>> lazygrad.device("cuda").type
    'cuda'
    """

    __slots__ = ()

    def __new__(cls, type: Any, index: int | None = None) -> Device:
        if isinstance(type, Device) and index is None:
            return type
        if isinstance(type, int):  # as in PyTorch, that of a GPU
            type, index = "cuda", type
        if not isinstance(type, str):
            raise ArgumentError(f"[device] a device is named by a string, got {shown(type)}")
        name, _, number = str(type).partition(":")
        number = str(index) if index is not None else number
        if number not in ("", "0"):
            raise UnknownDeviceError(
                f"[device] {name}:{number} is not there: a process computes on one device of a "
                "kind; OPENCL_DEVICE says on which"
            )
        return str.__new__(cls, MEANT.get(name.lower(), name))

    @property
    def type(self) -> str:
        """PyTorch's word for it: "cpu", or "cuda" for the backend GPU."""
        return TYPES.get(self, str(self))

    @property
    def index(self) -> None:  # type: ignore[override]
        """None: there is one of each kind."""
        return None


device = Device


def cuda_device(device: Any = None) -> Device:
    """The device that PyTorch's ``cuda(device)`` means: by its number, its name or itself.

    Raises:
        UnknownDeviceError: for one that is not the GPU, or a second one.

    >>> lazygrad.cuda.cuda_device(0).type
    'cuda'
    """
    found = Device("cuda", device) if isinstance(device, int) else Device(device or "cuda")
    if found.type != "cuda":
        raise UnknownDeviceError(f"[cuda] {found} is not the GPU; use to({found!r})")
    return found
