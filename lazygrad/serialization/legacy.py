"""Files of torch.save before version 1.6: several pickles, and then the elements."""

from __future__ import annotations

import io
import sys
from typing import Any

from lazygrad.errors import CheckpointError
from lazygrad.serialization.pytorch import Move, Unpickler, finished
from lazygrad.serialization.stand_ins import Storage, StorageType

MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # the pickle of PyTorch's magic number
COUNT_BYTES = 8


def is_one(payload: bytes) -> bool:
    """Whether a file is such a one."""
    return payload.startswith(MAGIC)


def read(payload: bytes, device: str | None, move: Move | None) -> Any:
    """What the file holds, with Tensors on ``device``, or where ``move`` brings them.

    Raises:
        CheckpointError: for a file that is damaged, or holds objects of other classes.
    """
    storages: dict[str, Storage] = {}  # whose elements come after the object
    sizes: dict[str, int] = {}

    def storage(kind: StorageType, key: str, location: str, count: int, *view: Any) -> Storage:
        if kind.dtype is None or not isinstance(count, int) or count < 0 or any(view):
            raise CheckpointError("a storage in it is of no known type")
        sizes[key] = count * kind.dtype.itemsize
        return storages.setdefault(key, Storage(kind.dtype, b"", location))

    file = io.BytesIO(payload)
    for _ in range(2):  # the magic number, and the version of the format
        _plain(file)
    if _plain(file).get("little_endian", True) != (sys.byteorder == "little"):
        raise CheckpointError("its numbers are in another byte order")
    found = Unpickler(file, storage).load()
    for key in _plain(file):
        if key not in storages:
            raise CheckpointError(f"nothing says what storage {key} is")
        file.seek(COUNT_BYTES, io.SEEK_CUR)
        storages[key].data = file.read(sizes[key])
    return finished(found, device, move)


def _plain(file: io.BytesIO) -> Any:
    def none(*_: Any) -> Storage:
        raise CheckpointError("there is a storage where none is expected")

    return Unpickler(file, none).load()
