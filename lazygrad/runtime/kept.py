"""The files of the disk cache: what there is, what must go, and when somebody looks.

The bound holds for all that a process writes. It looks through the folder once for a part of the
bound that it wrote, not with each file, so that processes at work together may exceed it by such a
part each. Any of them may remove a file at any time: whoever misses it makes it anew.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

LIMIT = 256 << 20  # bytes on disk; the files that were not used for longest go first
KEPT = 0.75  # of the limit, after old files went
LOOKS = 16  # parts of the limit, one of which is written between two looks
BLOCK = 4096  # bytes on disk are multiples of it
STALE = 7 * 24 * 3600  # seconds without use, after which files of other versions go
UNFINISHED = "unfinished-"  # what a file is called while it is written
SEPARATOR = "-"  # between sort, version and digest in a name
SORTS = {"plan": "plans", "binary": "programs", "tuned": "tuning"}  # as people call them
OTHERS = "others"

_room: dict[Path, int] = {}  # bytes that may be written before the next look


class File(NamedTuple):
    """A file: when it was last used, its bytes on disk, and where it is."""

    used: float
    nbytes: int
    path: str

    @property
    def _parts(self) -> list[str]:
        return os.path.basename(self.path).split(SEPARATOR)

    @property
    def sort(self) -> str:
        return SORTS.get(self._parts[0], OTHERS) if len(self._parts) == 3 else OTHERS

    def is_of(self, version: str) -> bool:
        return self._parts[1:2] == [version]


def name(sort: str, version: str, digest: str) -> str:
    """The name of a file; ``version`` tells what wrote it."""
    return SEPARATOR.join((sort if sort in SORTS else OTHERS, version, digest))


def files(folder: Path) -> list[File]:
    """All files in the folder, the longest unused first."""
    found = []
    for entry in os.scandir(folder):
        with suppress(OSError):  # another process has removed it
            state = entry.stat()
            found.append(File(state.st_mtime, on_disk(state.st_size), entry.path))
    return sorted(found)


def on_disk(nbytes: int) -> int:
    return -(-nbytes // BLOCK) * BLOCK


def wrote(folder: Path, nbytes: int, version: str) -> None:
    """So much was written there by what has this version."""
    left = _room.get(folder, 0) - on_disk(nbytes)
    _room[folder] = left if left > 0 else _trim(folder, version)


def _trim(folder: Path, version: str) -> int:
    """Removes what must go; returns how much may be written before the next look."""
    there = files(folder)
    gone = set(_superfluous(there, version))
    remove(gone)
    total = sum(file.nbytes for file in there if file not in gone)
    return min(LIMIT - total, LIMIT // LOOKS)


def _superfluous(there: list[File], version: str) -> Iterator[File]:
    """What other versions have left, and, if all the rest is too large, the longest unused."""
    then = time.time() - STALE
    left = []
    for file in there:
        if file.used < then and not file.is_of(version):
            yield file
        else:
            left.append(file)
    total = sum(file.nbytes for file in left)
    most = LIMIT if total <= LIMIT else LIMIT * KEPT
    for file in left:
        if total <= most:
            return
        yield file
        total -= file.nbytes


def remove(gone: set[File]) -> None:
    """As far as they are still there."""
    for file in gone:
        with suppress(OSError):
            os.unlink(file.path)
