"""Small data set files, written for the tests."""

import gzip
import struct
from pathlib import Path

import numpy as np

from lazygrad.data.mnist import FILES

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx_bytes(values: np.ndarray) -> bytes:
    """The content of an IDX file."""
    kind = f"{values.dtype.kind}{values.dtype.itemsize}"
    magic = bytes([0, 0, CODES[kind], values.ndim])
    sizes = struct.pack(f">{values.ndim}I", *values.shape)
    return magic + sizes + values.astype(values.dtype.newbyteorder(">")).tobytes()


def write_mnist(folder: Path, counts: tuple[int, int] = (7, 3), zipped: bool = True) -> Path:
    """Four files of the form of MNIST, with random images."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        count = counts[0] if name.startswith("train") else counts[1]
        shape, high = ((count, 28, 28), 256) if "images" in name else ((count,), 10)
        content = idx_bytes(rng.integers(0, high, shape).astype(np.uint8))
        path = folder / (f"{name}.gz" if zipped else name)
        path.write_bytes(gzip.compress(content) if zipped else content)
    return folder
