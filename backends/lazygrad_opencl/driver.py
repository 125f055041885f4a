"""pyopencl, or an error that says how to get it."""

from __future__ import annotations

import os
from pathlib import Path

from lazygrad.plugin import DeviceError


def _let_import_without_home() -> None:
    """pyopencl keeps files in the user's cache folder, and fails where it cannot."""
    try:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(home) / "pytools"
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return
    except (OSError, RuntimeError):  # there is none, or it cannot be written
        pass
    os.environ.setdefault("PYOPENCL_NO_CACHE", "1")


_let_import_without_home()
try:
    import pyopencl as cl
except ImportError as error:
    raise DeviceError(
        f"[opencl] BACKEND=GPU needs pyopencl ({error}); install it with an OpenCL driver for "
        "CPUs by `pip install lazygrad[opencl]`, or use BACKEND=CPU"
    ) from None

__all__ = ["cl"]
