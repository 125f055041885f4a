"""How many threads BLAS uses. Ours run whole blocks, so BLAS gets one thread inside each: its own
ones spin while they wait, which costs a multiple of the time on a busy machine."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import numpy as np

PREFIXES = ("scipy_", "")  # NumPy's wheels rename OpenBLAS's functions
SUFFIXES = ("64_", "_64", "")


class BlasThreads:
    """Gets and sets OpenBLAS's number of threads.

    Attributes:
        known: whether the library was found; otherwise it is left alone.
    """

    def __init__(self) -> None:
        functions = _openblas()
        self.known = functions is not None
        if functions is not None:
            self._get, self._set = functions

    def limit(self) -> int:
        """One thread from now on; returns how many there were."""
        before = self._get()
        if before != 1:
            self._set(1)
        return before

    def restore(self, count: int) -> None:
        """As many threads as before ``limit``."""
        if count != 1:
            self._set(count)


def _openblas() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    for path in _loaded_libraries():
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        for prefix, suffix in product(PREFIXES, SUFFIXES):
            getter = getattr(library, f"{prefix}openblas_get_num_threads{suffix}", None)
            setter = getattr(library, f"{prefix}openblas_set_num_threads{suffix}", None)
            if getter is not None and setter is not None:
                getter.argtypes, getter.restype = [], ctypes.c_int
                setter.argtypes, setter.restype = [ctypes.c_int], None
                return getter, setter
    return None


def _loaded_libraries() -> Iterator[Path]:
    """OpenBLAS libraries that NumPy brought along or, on Linux, that are mapped into memory."""
    package = Path(np.__file__).parent
    for folder in (package.parent / "numpy.libs", package / ".dylibs"):
        yield from sorted(folder.glob("*openblas*"))
    if sys.platform == "linux":
        lines = Path("/proc/self/maps").read_text().splitlines()
        paths = {line.split(maxsplit=5)[5] for line in lines if "blas" in line and "/" in line}
        yield from map(Path, sorted(paths))
