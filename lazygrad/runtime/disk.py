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
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np

from lazygrad.config import settings
from lazygrad.folders import is_mine, private_folder
from lazygrad.runtime import kept

DIGEST = 32  # bytes
FOLDER = "compiled"


def enabled() -> bool:
    return settings.cache


def folder() -> Path | None:
    """Where things are kept; None where that cannot be."""
    return private_folder(FOLDER)


def get(key: object) -> bytes | None:
    """What was last put under ``key`` (compared by its ``repr``), or None."""
    shelf = folder()
    if shelf is None:
        return None
    place = shelf / _name(key)
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
    shelf = folder()
    if shelf is None:
        return
    if kept.on_disk(DIGEST + len(payload)) > kept.KEPT * kept.LIMIT:  # it would be all there is
        return
    with suppress(OSError):
        _write(shelf / _name(key), sha256(payload).digest() + payload)
        kept.wrote(shelf, DIGEST + len(payload), _version())


def _write(place: Path, content: bytes) -> None:
    handle, aside = tempfile.mkstemp(dir=place.parent, prefix=kept.UNFINISHED)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(aside, place)
    except BaseException:
        with suppress(OSError):
            os.unlink(aside)
        raise


def _name(key: object) -> str:
    """It begins with the sort of thing: the first item of a key."""
    digest = sha256(repr((fingerprint(), key)).encode()).hexdigest()
    return kept.name(key[0] if isinstance(key, tuple) else "", _version(), digest)


def _version() -> str:
    return fingerprint()[:12]


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
