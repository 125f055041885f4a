"""Where lazygrad keeps files that it can make or fetch again."""

from __future__ import annotations

import os
import stat
import warnings
from functools import cache
from pathlib import Path

from lazygrad.config import settings

OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def cache_folder(name: str) -> Path:
    """The folder ``name`` in ``LAZYGRAD_CACHE_DIR``, or else in the user's cache folder (XDG Base
    Directory Specification)."""
    if settings.cache_dir:
        return Path(settings.cache_dir).expanduser() / name
    home = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(home) if os.path.isabs(home) else Path.home() / ".cache"
    return base / "lazygrad" / name


def private_folder(name: str) -> Path | None:
    """The cache folder ``name``, made where it is missing, for files that a process runs.

    None where it cannot be made, and, with a warning, where anyone else could have put files into
    it: it must belong to the user and be writable by nobody else, and so must the folder around it
    (which may also be the system's, as /tmp is).
    """
    try:
        folder = cache_folder(name)
        _make(folder)
        fault = _fault(folder) or _fault(folder.parent, shared=True)
    except (OSError, RuntimeError):  # no home
        return None
    if fault:
        _warn(fault)
        return None
    return folder


def is_mine(state: os.stat_result) -> bool:
    """Whether a file belongs to the user of this process; always, where files have no owners."""
    return os.name != "posix" or state.st_uid == os.geteuid()


def _make(folder: Path) -> None:
    """With the folders around it that are missing, all for the user alone."""
    if not folder.exists():
        _make(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _fault(folder: Path, *, shared: bool = False) -> str:
    """What is wrong with a folder. One that is ``shared`` may be the system's, and others may write
    in it if they can remove only what is their own."""
    state = folder.stat()
    if os.name != "posix":
        return ""
    if not is_mine(state) and not (shared and state.st_uid == 0):
        return f"the folder {folder} belongs to another user ({state.st_uid})"
    if state.st_mode & OTHERS_WRITE and not (shared and state.st_mode & stat.S_ISVTX):
        return f"others can write in the folder {folder}; chmod go-w it"
    return ""


@cache
def _warn(fault: str) -> None:
    """Once for each fault."""
    warnings.warn(
        f"[cache] nothing compiled is kept or taken from disk: {fault}, or choose another one with "
        "LAZYGRAD_CACHE_DIR",
        RuntimeWarning,
        stacklevel=3,
    )
