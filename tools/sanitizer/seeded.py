"""Programs with a fault put in, in kernels that code generation made: it must be found."""

from __future__ import annotations

from lazygrad import Tensor, synchronize
from lazygrad_opencl import OpenCLBackend

from .texts import changed


def without_barriers() -> None:
    """work-items read what others of their group may not have written yet"""
    with changed(lambda text: text.replace("barrier(", "if (0) barrier(")):
        _product()


def lonely_barriers() -> None:
    """a work-item that does not wait for the others of its group"""
    with changed(lambda text: text.replace("barrier(", "if (get_local_id(0)) barrier(")):
        _product()


def written_twice() -> None:
    """two work-items that write the same elements"""
    with changed(lambda text: text.replace("get_global_id(0)", "get_global_id(0) / 2")):
        _chain()


def short_memory() -> None:
    """a last element that lies outside of its memory"""
    allocate = OpenCLBackend.allocate
    OpenCLBackend.allocate = lambda self, nbytes: allocate(self, nbytes - 4)  # type: ignore[method-assign]
    OpenCLBackend.part = lambda *piece: None  # type: ignore[method-assign]  # each has its own
    _chain()


def _product() -> None:
    a, b = (Tensor.full((32, 32), value, device="GPU").clone() for value in (1.0, 2.0))
    (a @ b).realize()
    synchronize("GPU")


def _chain() -> None:
    """A kernel that writes, and another one that reads it."""
    (Tensor.arange(99, device="GPU").float().exp().clone().flip(0) + 1).realize()
    synchronize("GPU")
