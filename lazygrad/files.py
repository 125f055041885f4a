"""Files that appear whole, or not at all."""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # on Windows what killed processes left stays
    fcntl = None  # type: ignore[assignment]

LONGEST = 60  # characters of a file's name that its temporary file's name has
TEMPORARY = re.compile(r"\..*\.[0-9a-f]{8}\.tmp", re.DOTALL)


@contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """A file to write what ``path`` will hold, in its place at the end of the block.

    It is written beside ``path``: whatever happens, ``path`` holds the old content or the new one.
    A link keeps pointing where it did, permissions stay, and what is no regular file (a device, a
    pipe) is written to as it is. What killed processes left of this file is removed.
    """
    target = Path(os.path.realpath(path))
    before = target.stat() if target.exists() else None
    if before is not None and not stat.S_ISREG(before.st_mode):
        with open(target, "wb") as file:
            yield file
        return
    _remove_strays(target)
    with _temporary(target) as file:
        try:
            if before is not None:
                _copy_permissions(file, before)
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.replace(file.name, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(file.name)
            raise
    _sync_folder(target.parent)


def _temporary(target: Path) -> BinaryIO:
    """A new file beside ``target``, locked for as long as it is open."""
    while True:
        name = f".{target.name[:LONGEST]}.{secrets.token_hex(4)}.tmp"
        file = open(target.with_name(name), "xb")  # noqa: SIM115  (its user closes it)
        if _is_locked_by_us(file) and os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # someone took it for a stray


def _is_locked_by_us(file: BinaryIO) -> bool:
    if not hasattr(fcntl, "flock"):
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:  # or a file system without locks
        return not isinstance(error, BlockingIOError)
    return True


def _remove_strays(target: Path) -> None:
    """Removes temporary files whose writer is dead: nobody holds their lock."""
    if not hasattr(fcntl, "flock"):
        return
    for path in target.parent.glob(f".{escape(target.name[:LONGEST])}.*.tmp"):
        if TEMPORARY.fullmatch(path.name):
            with suppress(OSError), open(path, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


def _copy_permissions(file: BinaryIO, before: os.stat_result) -> None:
    if os.name == "posix":
        with suppress(OSError):  # to another owner only the system's user can give it
            os.fchown(file.fileno(), before.st_uid, before.st_gid)
        os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
