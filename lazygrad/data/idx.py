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


def read_idx(path: str | Path) -> Array:
    """The array in an IDX file, gzipped or plain, in this machine's byte order.

    Args:
        path: the file; whether it is gzipped is read from its first bytes, not from its name.

    Raises:
        DataError: if the file is missing, truncated, too long, or no IDX file.
    """
    path = Path(path)
    content = _content(path)
    dtype, shape, start = _header(path, content)
    expected = start + dtype.itemsize * math.prod(shape)
    if len(content) != expected:
        what = "is truncated" if len(content) < expected else "has bytes after its values"
        raise DataError(
            f"[read_idx] {path} {what}: its header announces {_times(shape)} values of "
            f"{dtype.name}, {expected} bytes in all, but it has {len(content)}; get the file again"
        )
    values = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="))


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"[read_idx] {path} cannot be read: {error.strerror}") from error
    if not content.startswith(GZIP_MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"[read_idx] {path} is a damaged gzip file ({error}); get the file again"
        ) from error


def _header(path: Path, content: bytes) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """The dtype, the shape, and the offset of the first value."""
    magic = content[:4]
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES or magic[3] == 0:
        raise DataError(
            f"[read_idx] {path} is no IDX file: it starts with the bytes "
            f"{magic.hex(' ') or '(none)'}, not with 00 00, a type code "
            f"({', '.join(f'{code:02x}' for code in TYPES)}) and the number of axes"
        )
    start = 4 + 4 * magic[3]
    if len(content) < start:
        raise DataError(
            f"[read_idx] {path} is truncated: a header of {magic[3]} axes takes {start} bytes, "
            f"but the file has {len(content)}; get the file again"
        )
    sizes = np.frombuffer(content, ">u4", count=magic[3], offset=4)
    return TYPES[magic[2]], tuple(int(size) for size in sizes), start


def _times(shape: tuple[int, ...]) -> str:
    return "x".join(str(size) for size in shape)
