"""What is kept compiled: in this process, and on disk for the next ones."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from lazygrad.runtime import cache, disk, kept
from lazygrad.runtime.cache import Statistics
from lazygrad.units import size


def plan_cache() -> Statistics:
    """Hits and misses of the plan cache so far."""
    return cache.statistics


def disk_cache(*, clear: bool = False) -> str:
    """What the disk cache holds, for people: its folder, files and bytes, by sort; ``clear``
    empties it."""
    folder = disk.folder()
    if folder is None:
        return "no folder for what is compiled"
    files = kept.files(folder)
    there = f"{_files(len(files))}, {_size(files)}"
    if clear:
        kept.remove(set(files))
        return f"{folder}: removed {there}"
    lines = [f"{folder}: {there} of {size(kept.LIMIT)}"]
    for sort in (*kept.SORTS.values(), kept.OTHERS):
        found = [file for file in files if file.sort == sort]
        if found:
            times = [datetime.fromtimestamp(file.used) for file in (found[0], found[-1])]
            used = " to ".join(f"{time:%Y-%m-%d %H:%M}" for time in times)
            lines.append(f"  {sort:8} {_files(len(found)):>12} {_size(found):>9}  last used {used}")
    return "\n".join(lines)


def _files(number: int) -> str:
    return f"{number} file{'' if number == 1 else 's'}"


def _size(files: Iterable[kept.File]) -> str:
    return size(sum(file.nbytes for file in files))
