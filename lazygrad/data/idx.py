"""Reader for IDX, the file format of MNIST and its successors.

A file is a magic number (two zero bytes, a type code, the number of axes), one big-endian uint32
per axis, and the values in row-major order, big-endian.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from lazygrad.data.dataset import Array
from lazygrad.data.limited import Readable, read_at_most
from lazygrad.errors import DataError

TYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
GZIP_MAGIC = b"\x1f\x8b"


def read_idx(path: str | Path, limit: int = 1 << 32) -> Array:
    """The array in an IDX file, gzipped or plain, in this machine's byte order.

    Args:
        path: the file; whether it is gzipped is read from its first bytes, not from its name.
        limit: bytes of values that are read at most.

    Raises:
        DataError: if the file is missing, truncated, too long, or no IDX file.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "labels-idx1-ubyte")
    ...     _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
    ...     labels = data.read_idx(path)
    >>> labels.tolist()
    [7, 2, 1]
    """
    path = Path(path)
    try:
        with open(path, "rb") as raw:
            zipped = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
            raw.seek(0)
            return _read(path, gzip.GzipFile(fileobj=raw) if zipped else raw, limit)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"[read_idx] {path} is a damaged gzip file ({error}); get the file again"
        ) from error
    except OSError as error:
        raise DataError(f"[read_idx] {path} cannot be read: {error.strerror}") from error


def _read(path: Path, file: Readable, limit: int) -> Array:
    """No more than the header announces, whatever a gzipped file would grow to."""
    dtype, shape = _header(path, file)
    start, count = file.tell(), dtype.itemsize * math.prod(shape)
    if count > limit:
        raise DataError(
            f"[read_idx] {path} announces {_times(shape)} values of {dtype.name}, {count} bytes, "
            f"which is more than the limit of {limit}; if that is right, give a larger limit"
        )
    content = read_at_most(file, count + 1)
    if len(content) != count:
        what = "is truncated" if len(content) < count else "has bytes after its values"
        has = f"it has {start + len(content)}" if len(content) < count else "it has more"
        raise DataError(
            f"[read_idx] {path} {what}: its header announces {_times(shape)} values of "
            f"{dtype.name}, {start + count} bytes in all, but {has}; get the file again"
        )
    values = np.frombuffer(content, dtype).reshape(shape)
    return values.astype(dtype.newbyteorder("="))


def _header(path: Path, file: Readable) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """The dtype and the shape; the values come next."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES or magic[3] == 0:
        raise DataError(
            f"[read_idx] {path} is no IDX file: it starts with the bytes "
            f"{magic.hex(' ') or '(none)'}, not with 00 00, a type code "
            f"({', '.join(f'{code:02x}' for code in TYPES)}) and the number of axes"
        )
    axes = file.read(4 * magic[3])
    if len(axes) < 4 * magic[3]:
        raise DataError(
            f"[read_idx] {path} is truncated: a header of {magic[3]} axes takes "
            f"{4 + 4 * magic[3]} bytes, but the file has {4 + len(axes)}; get the file again"
        )
    return TYPES[magic[2]], tuple(int(size) for size in np.frombuffer(axes, ">u4"))


def _times(shape: tuple[int, ...]) -> str:
    return "x".join(str(size) for size in shape)
