"""Where a data set's files are: the folders that are searched, then the network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lazygrad.config import settings
from lazygrad.data.download import RemoteFile, download
from lazygrad.errors import DataError
from lazygrad.folders import cache_folder


@dataclass(frozen=True)
class Source:
    """A data set that lies in files.

    Args:
        title: its name in messages.
        folder: the name of its folder inside the data folder.
        complete: whether a folder holds all of it, in any of the forms that can be read.
        content: what a complete folder holds, in words.
        remote: what to download.
        layouts: further folders, relative to the data folder, where other libraries put it.
        system: absolute folders where a system package puts it.
        hint: another way to get it, in words.
    """

    title: str
    folder: str
    complete: Callable[[Path], bool]
    content: str
    remote: tuple[RemoteFile, ...]
    layouts: tuple[str, ...] = ()
    system: tuple[str, ...] = ()
    hint: str = ""


def provide(source: Source, folder: str | Path | None = None, fetch: bool = True) -> Path:
    """A folder that holds the whole data set.

    Args:
        source: the data set.
        folder: look here and nowhere else, and download to here. Without it the data folder
            (``LAZYGRAD_DATA``), the places of system packages and the cache folder are searched in
            this order, and the download goes to the data folder, or to the cache if there is none.
        fetch: whether to download what is not found.

    Raises:
        DataError: if the data set is nowhere; the message says what was tried and what to do.
    """
    places = [Path(folder).expanduser()] if folder is not None else search_path(source)
    for place in places:
        if source.complete(place):
            return place
    target = places[0] if folder is not None else _download_root() / source.folder
    if not fetch:
        raise DataError(_missing(source, places, target, "downloading was not allowed"))
    try:
        for file in source.remote:
            download(file, target)
    except DataError as error:
        raise DataError(_missing(source, places, target, str(error))) from error
    return target


def search_path(source: Source) -> list[Path]:
    """The folders in which ``provide`` looks, best first."""
    places = []
    if settings.data_dir:
        root = Path(settings.data_dir).expanduser()
        # LAZYGRAD_DATA may name the folder of the one data set that someone has
        if root.name == source.folder:
            places.append(root)
        places += [root / layout for layout in (source.folder, *source.layouts)]
    places += [Path(name) for name in source.system]
    places.append(cache_root() / source.folder)
    return places


def cache_root() -> Path:
    """The folder that downloads go to when ``LAZYGRAD_DATA`` is not set."""
    return cache_folder("data")


def _download_root() -> Path:
    return Path(settings.data_dir).expanduser() if settings.data_dir else cache_root()


def _missing(source: Source, places: list[Path], target: Path, reason: str) -> str:
    lines = [f"[data] {source.title} is not on this machine.", "looked in:"]
    lines += [f"  {place}" for place in places]
    lines += ["and then:", *(f"  {line}" for line in reason.splitlines()), "ways out:"]
    lines.append(f"  put {source.content} into {target}")
    lines.append(f"  or set LAZYGRAD_DATA to a folder that has them in {source.folder}/")
    if source.hint:
        lines.append(f"  or {source.hint}")
    return "\n".join(lines)
