"""The OpenCL backend of lazygrad, device GPU."""

from lazygrad_opencl.backend import OpenCLBackend

__all__ = ["OpenCLBackend"]
