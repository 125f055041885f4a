"""Getting one file from the network: checked, atomic, with a progress bar."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO
from urllib.request import Request, urlopen

from lazygrad.data.progress import byte_progress
from lazygrad.errors import DataError
from lazygrad.files import replaced

TIMEOUT = 30  # seconds without a byte
CHUNK = 1 << 18
LARGEST = 1 << 30  # bytes of a file, several times those of the largest one there is
# some servers turn away Python's own name
HEADERS = {"User-Agent": "lazygrad"}


@dataclass(frozen=True)
class RemoteFile:
    """A file that can be downloaded.

    Args:
        name: its name on disk.
        sha256: the checksum of its content, in hex.
        urls: where it is, in the order in which to try.
    """

    name: str
    sha256: str
    urls: tuple[str, ...]


def download(file: RemoteFile, folder: Path) -> Path:
    """The path of ``file`` in ``folder``, downloaded if it is not there.

    The file appears under its name only when it is complete and its checksum is right, so an
    interrupted download leaves nothing that a later run could mistake for the data.

    Raises:
        DataError: if no URL delivers the file, or if the folder cannot be written. The message
            has one line per URL.
    """
    path = folder / file.name
    if path.exists():
        return path
    _make_folder(folder)
    failures = []
    for url in file.urls:
        try:
            with urlopen(Request(url, headers=HEADERS), timeout=TIMEOUT) as response:
                _save(response, file, path)
            return path
        except (OSError, HTTPException, _Rejected) as error:
            failures.append(f"{url}: {error}")
    raise DataError(f"[download] could not get {file.name}\n  " + "\n  ".join(failures))


class _Rejected(Exception):
    """What a server sent is not the file: try the next one."""


def _save(response: BinaryIO, file: RemoteFile, path: Path) -> None:
    with replaced(path) as out:
        digest, count, announced = _copy(response, out, file.name)
        if digest != file.sha256:
            of = f" of {announced}" if announced is not None else ""
            raise _Rejected(
                f"sent {count}{of} bytes with the SHA-256 checksum {digest}, not {file.sha256}"
            )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"[download] cannot create the folder {folder} ({error.strerror}); "
            "set LAZYGRAD_DATA to a folder that can be written"
        ) from error


def _copy(response: BinaryIO, out: BinaryIO, title: str) -> tuple[str, int, int | None]:
    """Copy the response; return its checksum, its length, and the length announced."""
    length = getattr(response, "headers", {}).get("Content-Length")
    total = int(length) if length is not None else None
    digest, count = hashlib.sha256(), 0
    with byte_progress(title, total) as advance:
        while chunk := response.read(CHUNK):
            out.write(chunk)
            digest.update(chunk)
            count += len(chunk)
            if count > LARGEST:
                raise _Rejected(f"sent more than {LARGEST} bytes")
            advance(len(chunk))
    return digest.hexdigest(), count, total
