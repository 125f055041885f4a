"""Where PoCL compiles, and what is kept of it.

PoCL writes what it compiles to files and takes on trust what it finds in its folder: by a damaged
file, or where it cannot write, it ends the process. Asked for a binary, it would compile everything
a second time. So every process gives it an empty folder of its own. What an earlier process
compiled is put there (whole, since ``disk`` checks it), and what PoCL adds is handed to ``disk``.
"""

from __future__ import annotations

import atexit
import io
import os
import re
import shutil
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from lazygrad.plugin import DeviceError, disk, is_mine, private_folder, settings

try:
    import fcntl
except ImportError:  # on Windows PoCL keeps what it compiles by itself
    fcntl = None  # type: ignore[assignment]

FOLDER = "POCL_CACHE_DIR"
PREFIX = "lazygrad-pocl-"
ROOM = 1 << 20  # bytes that must be free: a few programs
PROGRAM = "program.bc"  # what PoCL writes first
TICK = 100_000_000  # nanoseconds, more than file systems count time in
NAME = re.compile(r"(\w[\w.-]*/)*\w[\w.-]*", re.ASCII)  # of a file inside the folder


@cache
def prepare() -> Path | None:
    """The folder of this process, where PoCL looks when the process first calls OpenCL; None if the
    user has chosen one, or if there is none with room."""
    if FOLDER in os.environ or fcntl is None:
        return None
    kept = private_folder("pocl") if settings.cache else None
    for parent in (kept, Path(tempfile.gettempdir())):
        with suppress(OSError):
            if parent is not None and room(made := _made(parent)):
                os.environ[FOLDER] = str(made)
                return made
    return None


def handed_over() -> None:
    """PoCL has looked: processes that this one starts choose for themselves."""
    folder = prepare()
    if folder is not None and os.environ.get(FOLDER) == str(folder):
        del os.environ[FOLDER]


def require_room() -> None:
    """Before PoCL compiles.

    Raises:
        DeviceError: it could not write.
    """
    folder = prepare() or Path(os.environ.get(FOLDER, tempfile.gettempdir()))
    if not room(folder):
        raise DeviceError(
            f"[opencl] PoCL writes what it compiles to {folder}, where {ROOM} bytes cannot be "
            "written: the disk is full, or a quota or permission is in the way; make room, choose "
            "another folder with LAZYGRAD_CACHE_DIR, or use BACKEND=CPU"
        )


def room(folder: Path) -> bool:
    """Whether a file can be written there: free blocks are not all, there are quotas and limits."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(ROOM))
    except OSError:
        return False
    return True


# -- programs ---------------------------------------------------------------------------------


class Programs:
    """The programs in this process's folder, each a folder of its own, and what is kept of them."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[object, int]] = {}  # the key, how many files are kept
        self._new = False
        self._looked_at: dict[str, int] = {}  # when folders were changed that hold nothing unknown
        atexit.register(self._save)

    def restore(self, key: object, content: bytes | None) -> None:
        """Puts a program where PoCL finds it, if there is one."""
        if content is not None:
            _unpack(content)
            for program in self._unknown():
                self._known[program] = key, _size(program)

    def take_over(self, program: Path) -> None:
        """Puts a program that was compiled in another folder where PoCL finds it."""
        folder = prepare()
        if folder is not None:
            place = folder / program.parent.name / program.name
            with suppress(OSError):
                place.parent.mkdir(exist_ok=True)
                program.rename(place)

    def note_new(self, key: object) -> None:
        """PoCL has built a program."""
        if disk.enabled():
            for program in self._unknown():
                self._known[program], self._new = (key, 0), True

    def _unknown(self) -> Iterator[Path]:
        """The programs that have come. Few are looked at, however many there are: a folder whose
        time is that of the last look holds no other ones, unless it was changed just then."""
        folder = prepare()
        if folder is None:
            return
        settled = time.time_ns() - TICK
        for entry in os.scandir(folder):
            changed = entry.stat().st_mtime_ns
            if self._looked_at.get(entry.name) == changed or not entry.is_dir():
                continue
            inside = [Path(each) for each in os.scandir(entry)]
            whole = [program for program in inside if (program / PROGRAM).exists()]
            if changed < settled and len(whole) == len(inside):
                self._looked_at[entry.name] = changed
            yield from (program for program in whole if program not in self._known)

    def save_new(self) -> None:
        if self._new:
            self._new = False
            self._save()

    def _save(self) -> None:
        """Keeps what is not yet kept, and what has grown: PoCL adds a file for each function when
        it is launched."""
        for program, (key, count) in self._known.items():
            size = _size(program)
            if size > count and disk.enabled():
                with suppress(OSError):
                    disk.put(key, _pack(program))
                    self._known[program] = key, size


def _programs() -> frozenset[Path]:
    folder = prepare()
    return programs_in(folder) if folder else frozenset()


def programs_in(folder: Path) -> frozenset[Path]:
    """The programs that PoCL has compiled in its ``folder``, each a folder two levels down."""
    return frozenset(file.parent for file in folder.glob(f"*/*/{PROGRAM}"))


def _size(program: Path) -> int:
    return sum(1 for _ in _files(program))


def _files(program: Path) -> Iterator[Path]:
    return (file for file in sorted(program.rglob("*")) if file.is_file())


def _pack(program: Path) -> bytes:
    """A program's files as bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for file in _files(program):
            archive.write(file, file.relative_to(program.parents[1]).as_posix())
    return content.getvalue()


def _unpack(content: bytes) -> None:
    """What was packed, as far as the disk allows. What is there already stays: this process may
    have loaded it, and runs what is written there."""
    folder = prepare()
    if folder is None:
        return
    with suppress(OSError, zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            place = folder / name
            if NAME.fullmatch(name) and not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                aside = place.with_name(f"{place.name}.unfinished")
                aside.write_bytes(archive.read(name))
                aside.replace(place)


# -- folders ----------------------------------------------------------------------------------


def _made(parent: Path) -> Path:
    """A new folder, after what killed processes left there was removed; locked for as long as this
    process lives, which removes it in the end."""
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if is_mine(folder.stat()):
                handle = _locked(folder)
                shutil.rmtree(folder, ignore_errors=True)
                os.close(handle)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        with suppress(BlockingIOError):
            _locked(folder)
            if folder.exists():  # nobody took it for one of a killed process
                atexit.register(_remove, folder, os.getpid())
                return folder


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:  # not a child of it
        shutil.rmtree(folder, ignore_errors=True)


def _locked(folder: Path) -> int:
    """A handle on a folder that no living process has locked."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    return handle
