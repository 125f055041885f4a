"""Reader for the Python version of CIFAR-10, which is pickled.

A pickle can run any code when it is loaded, so only what these files need can be named in one.
"""

from __future__ import annotations

import pickle
from codecs import encode
from pathlib import Path
from typing import Any

import numpy as np

from lazygrad.data.dataset import Array
from lazygrad.data.limited import Limited
from lazygrad.errors import DataError

# NumPy has moved its rebuilding function between private modules; an array knows where it is.
_REBUILD_ARRAY = np.zeros(0).__reduce__()[0]
ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): _REBUILD_ARRAY,
    ("numpy._core.multiarray", "_reconstruct"): _REBUILD_ARRAY,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): encode,
}


def read_pickled_batch(path: Path) -> tuple[Array, Array]:
    """Images uint8 ``(N, 3, 32, 32)`` and labels int64 ``(N,)`` of one batch file.

    Raises:
        DataError: if the file is damaged, names anything but arrays, or holds no images.
    """
    try:
        with path.open("rb") as file:
            batch = _ArraysOnly(Limited(file, str(path)), encoding="bytes").load()
        images = np.asarray(batch[b"data"])
        labels = np.asarray(batch[b"labels"], dtype=np.int64)
        return images.reshape(-1, 3, 32, 32), labels
    except DataError:
        raise
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise DataError(
            f"[cifar10] {path} is no batch of the Python version "
            f"({type(error).__name__}: {error}); get it again"
        ) from error


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not an array")
        return ALLOWED[module, name]
