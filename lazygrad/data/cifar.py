"""CIFAR-10: 50,000 training and 10,000 test photographs of 3x32x32 in ten classes."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from lazygrad.data.cifar_pickle import read_pickled_batch
from lazygrad.data.dataset import Array
from lazygrad.data.download import RemoteFile
from lazygrad.data.images import ImageDataset, Split
from lazygrad.data.limited import Limited
from lazygrad.data.source import Source, provide
from lazygrad.errors import DataError

CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
IMAGE = (3, 32, 32)
RECORD = 1 + 3 * 32 * 32  # one byte of label, then the image

# The same data in three forms, in the order in which they are looked for.
ARCHIVE = "cifar-10-binary.tar.gz"
BINARY = "cifar-10-batches-bin"
PICKLED = "cifar-10-batches-py"
TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST = "test_batch"
BATCHES = (*TRAIN, TEST)


def cifar10(folder: str | Path | None = None, download: bool = True) -> Split:
    """CIFAR-10, small photographs.

    Args:
        folder: where the data are: the folder ``cifar-10-batches-bin`` (the binary version), the
            folder ``cifar-10-batches-py`` (the Python version, as other libraries unpack it), or
            the archive ``cifar-10-binary.tar.gz``; by default the data folder (``LAZYGRAD_DATA``)
            and ``cifar10`` inside it, then the cache.
        download: whether to download the archive if none of them is there (162 MB).

    Raises:
        DataError: if the files cannot be found or are damaged.

    >>> data.cifar10("not/there", download=False)
    Traceback (most recent call last):
        ...
    lazygrad.errors.DataError: [data] CIFAR-10 is not on this machine.
    looked in:
      not/there
    ...
    """
    place = provide(CIFAR10, folder, download)
    batches = _read_batches(place)
    images = np.concatenate([batches[name][0] for name in TRAIN])
    labels = np.concatenate([batches[name][1] for name in TRAIN])
    return Split(
        train=ImageDataset("cifar10 (train)", images, labels, CLASSES),
        test=ImageDataset("cifar10 (test)", *batches[TEST], CLASSES),
    )


def _form(folder: Path) -> str | None:
    """Which of the three forms is there as a whole."""
    for form, ending in ((BINARY, ".bin"), (PICKLED, "")):
        if all((folder / form / f"{name}{ending}").is_file() for name in BATCHES):
            return form
    return ARCHIVE if (folder / ARCHIVE).is_file() else None


def _complete(folder: Path) -> bool:
    return _form(folder) is not None


def _read_batches(folder: Path) -> dict[str, tuple[Array, Array]]:
    """Images and labels of each batch."""
    form = _form(folder)
    if form == BINARY:
        return {name: _read_binary(folder / BINARY / f"{name}.bin") for name in BATCHES}
    if form == PICKLED:
        return {name: read_pickled_batch(folder / PICKLED / name) for name in BATCHES}
    return _read_archive(folder / ARCHIVE)


def _read_binary(path: Path) -> tuple[Array, Array]:
    try:
        with open(path, "rb") as file:
            content = Limited(file, str(path)).read()
    except OSError as error:
        raise DataError(f"[cifar10] {path} cannot be read: {error.strerror}") from error
    return split_records(content, str(path))


def _read_archive(path: Path) -> dict[str, tuple[Array, Array]]:
    wanted = {f"{BINARY}/{name}.bin": name for name in BATCHES}
    batches: dict[str, tuple[Array, Array]] = {}
    try:
        # As a stream: seeking in a gzipped archive would unpack it again for every member.
        with gzip.open(path) as file:
            content: Any = Limited(file, str(path))
            with tarfile.open(fileobj=content, mode="r|") as archive:
                for member in archive:
                    stream = archive.extractfile(member) if member.name in wanted else None
                    if stream is not None:
                        records = split_records(stream.read(), f"{path}:{member.name}")
                        batches[wanted[member.name]] = records
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise DataError(f"[cifar10] {path} is damaged ({error}); get it again") from error
    missing = [name for name in wanted.values() if name not in batches]
    if missing:
        raise DataError(f"[cifar10] {path} lacks {', '.join(missing)}; get it again")
    return batches


def split_records(content: bytes, name: str) -> tuple[Array, Array]:
    """Images uint8 ``(N, 3, 32, 32)`` and labels int64 ``(N,)`` of a file of the binary version.

    Raises:
        DataError: if the length is not that of whole records.
    """
    if not content or len(content) % RECORD:
        raise DataError(
            f"[cifar10] {name} has {len(content)} bytes, which is not a whole number of records "
            f"of {RECORD}: the file is truncated or no CIFAR-10 batch; get it again"
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
    return records[:, 1:].reshape(-1, *IMAGE), records[:, 0].astype(np.int64)


CIFAR10 = Source(
    title="CIFAR-10",
    folder="cifar10",
    complete=_complete,
    content=f"{ARCHIVE} (or the folder {BINARY} or {PICKLED})",
    remote=(
        RemoteFile(
            ARCHIVE,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            (f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}",),
        ),
    ),
    layouts=(".",),
)
