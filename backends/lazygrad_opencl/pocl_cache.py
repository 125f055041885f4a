"""What PoCL compiled, on disk: where it is, and how much of it.

PoCL itself keeps what it compiles, by source, device and options, for all processes; asked for a
binary to keep elsewhere, it would compile everything a second time. But it never removes anything:
that is done here. It touches a file ``last_accessed`` beside each program that it uses.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from lazygrad.plugin import cache_folder, disk, settings

LIMIT = 512 << 20  # bytes; the programs that were not used for longest go first
DAY = 24 * 60 * 60.0  # seconds: how often to look, and what is in use by a process that runs


def prepare() -> None:
    """Chooses the folder. PoCL looks for it once, when the process first calls OpenCL; a folder
    that the user has chosen for PoCL stays as it is."""
    if not settings.cache:
        os.environ.setdefault("POCL_KERNEL_CACHE", "0")
        return
    if "POCL_CACHE_DIR" in os.environ:
        return
    folder = cache_folder("pocl")
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        trim(folder)
        os.environ["POCL_CACHE_DIR"] = str(folder)


def trim(folder: Path) -> None:
    """Removes old programs, if all together are too large; looks at most once a day."""
    stamp = folder / "trimmed"
    now = time.time()
    if stamp.exists() and now - stamp.stat().st_mtime < DAY:
        return
    stamp.touch()
    for used, program in disk.excess(_programs(folder), LIMIT):
        if now - used < DAY:
            return
        shutil.rmtree(program, ignore_errors=True)


def _programs(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """When each program was last used, its bytes, its folder."""
    for accessed in folder.glob("*/*/last_accessed"):
        with suppress(OSError):
            size = sum(file.stat().st_size for file in accessed.parent.rglob("*"))
            yield accessed.stat().st_mtime, size, accessed.parent
