"""Compiled things on disk: small files that several processes share, by a digest of their key.

A file appears whole or not at all (written aside, then renamed), carries a checksum, and may vanish
at any time. Nothing here raises because of the disk: a cache that cannot be read or written is a
cache that misses. Files hold plain data (see ``records``), but also source code and the binaries of
drivers, so nothing is taken from a folder or file that is not the user's alone.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import numpy as np

from lazygrad.config import settings
from lazygrad.folders import is_mine, private_folder

P = TypeVar("P", str, Path)
LIMIT = 256 << 20  # bytes in the folder; the files that were not used for longest go first
KEPT = 0.75  # of the limit, after old files went
DIGEST = 32  # bytes
FOLDER = "compiled"


def enabled() -> bool:
    return settings.cache


def get(key: object) -> bytes | None:
    """What was last put under ``key`` (compared by its ``repr``), or None."""
    folder = private_folder(FOLDER)
    if folder is None:
        return None
    place = folder / _name(key)
    try:
        with open(place, "rb") as file:
            content = file.read() if is_mine(os.fstat(file.fileno())) else b""
    except OSError:
        return None
    payload = content[DIGEST:]
    if sha256(payload).digest() != content[:DIGEST]:
        with suppress(OSError):
            place.unlink()
        return None
    with suppress(OSError):
        os.utime(place)  # it was used
    return payload


def put(key: object, payload: bytes) -> None:
    """Keeps ``payload`` under ``key``, as far as the disk allows."""
    folder = private_folder(FOLDER)
    if folder is None:
        return
    with suppress(OSError):
        _write(folder / _name(key), sha256(payload).digest() + payload)
        _trim(folder)


def _write(place: Path, content: bytes) -> None:
    handle, aside = tempfile.mkstemp(dir=place.parent, prefix="unfinished-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(aside, place)
    except BaseException:
        with suppress(OSError):
            os.unlink(aside)
        raise


def _trim(folder: Path) -> None:
    """Removes the files that were not used for longest, if all together are too large."""
    found = []
    for entry in os.scandir(folder):
        with suppress(OSError):
            found.append((entry.stat().st_mtime, entry.stat().st_size, entry.path))
    for _, path in excess(found, LIMIT):
        with suppress(OSError):
            os.unlink(path)


def excess(found: Iterable[tuple[float, int, P]], limit: int) -> Iterator[tuple[float, P]]:
    """Of things with the time of their last use and their bytes, those that must go if all together
    have more than ``limit``; the longest unused first, each with its time."""
    ordered = sorted(found)
    left = sum(size for _, size, _ in ordered)
    if left <= limit:
        return
    for used, size, thing in ordered:
        if left <= limit * KEPT:
            return
        yield used, thing
        left -= size


def _name(key: object) -> str:
    return sha256(repr((fingerprint(), key)).encode()).hexdigest()


@cache
def fingerprint() -> str:
    """Changes with everything that compiles: this package, its backends, Python, NumPy."""
    digest = sha256(f"{sys.version} numpy {np.__version__}".encode())
    for file in sorted(_sources()):
        state = file.stat()
        digest.update(f"{file.name} {state.st_size} {state.st_mtime_ns}".encode())
    return digest.hexdigest()


def _sources() -> Iterable[Path]:
    """The Python files of this package and of the backends that are loaded."""
    roots = [Path(__file__).parents[1]]
    for name, module in sys.modules.items():
        if name.startswith("lazygrad_") and "." not in name and module.__file__:
            roots.append(Path(module.__file__).parent)
    return (file for root in roots for file in root.rglob("*.py"))
