"""pyopencl, or an error that says how to get it."""

from __future__ import annotations

from lazygrad.plugin import DeviceError

try:
    import pyopencl as cl
except ImportError as error:
    raise DeviceError(
        f"[opencl] BACKEND=GPU needs pyopencl ({error}); install it with an OpenCL driver for "
        "CPUs by `pip install lazygrad[opencl]`, or use BACKEND=CPU"
    ) from None

__all__ = ["cl"]
