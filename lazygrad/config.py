"""Settings: the only reader of the environment.

``settings`` holds the values in force. ``with lazygrad.config(debug=4): ...`` changes them for a
block. An unknown setting or value is an error that lists the known ones.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from weakref import WeakSet

from lazygrad.errors import ConfigError
from lazygrad.names import closest

PREFIX = "LAZYGRAD_"


# Each of these takes a variable's text or a Python value, returns the value in force, and raises
# ValueError, saying what was expected, for anything else.


def _debug_level(value: Any) -> int:
    if str(value) not in {"0", "1", "2", "3", "4", "5", "6"}:
        raise ValueError("a level from 0 to 6")
    return int(value)


def _flag(value: Any) -> bool:
    known = {"0": False, "1": True, "": False, "False": False, "True": True}
    if str(value) not in known:
        raise ValueError("0 or 1")
    return known[str(value)]


def _text(value: Any) -> str:
    if not isinstance(value, str | os.PathLike):
        raise ValueError("text")
    return str(os.fspath(value))


def _folder(value: Any) -> str:
    text = _text(value)
    place = next(p for p in (Path(text), *Path(text).absolute().parents) if p.exists())
    if not place.is_dir():
        raise ValueError(f"a folder, or where one can be made; {place} is a file")
    return text


def _file(value: Any) -> str:
    text = _text(value)
    if Path(text).is_dir():
        raise ValueError("a file to write, not a folder")
    _folder(Path(text).parent)
    return text


def _present(value: Any) -> str:
    if not Path(_text(value)).is_dir():
        raise ValueError("a folder that is there")
    return _text(value)


def _repr(value: Any) -> str:
    if value not in ("value", "lazy"):
        raise ValueError("value or lazy")
    return str(value)


def _check(value: Any) -> str | None:
    if value not in ("nan", "", None):
        raise ValueError("nan, or nothing")
    return value or None


def _device_type(value: Any) -> str:
    if str(value).upper() not in {"CPU", "GPU"}:
        raise ValueError("CPU or GPU")
    return str(value).upper()


@dataclass(frozen=True)
class Setting:
    """One setting: its environment variable, how its value is read, its default and meaning."""

    variable: str
    read: Callable[[Any], Any]
    default: Any
    doc: str

    def value(self, given: Any, name: str) -> Any:
        """``given`` as the value in force; a default of None can also be given.

        Raises:
            ConfigError: for a value that the setting does not have.
        """
        if given is None and self.default is None:
            return None
        try:
            return self.read(given)
        except ValueError as error:
            raise ConfigError(f"[config] {name}={given!r}: expected {error}") from None


SETTINGS: Mapping[str, Setting] = {
    "backend": Setting("BACKEND", _text, "CPU", "default device: the name of a backend"),
    "opencl_device": Setting("OPENCL_DEVICE", _text, None, "index or part of a device's name"),
    "correct_processor": Setting(
        PREFIX + "CORRECT_PROCESSOR", _flag, True, "0: PoCL compiles for the processor it sees"
    ),
    "opencl_type": Setting(
        PREFIX + "OPENCL_TYPE", _device_type, None, "CPU or GPU: schedule as for such a device"
    ),
    "debug": Setting(PREFIX + "DEBUG", _debug_level, 0, "0 silent ... 6 graph"),
    "progress": Setting(
        PREFIX + "PROGRESS", _flag, True, "0: no line on the terminal while compiling takes long"
    ),
    "dump": Setting(PREFIX + "DUMP", _folder, None, "folder that receives every kernel"),
    "dump_inputs": Setting(
        PREFIX + "DUMP_INPUTS", _flag, False, "1: dumps keep what kernels are given"
    ),
    "override": Setting(
        PREFIX + "OVERRIDE", _present, None, "folder of dumped kernels; what was changed there runs"
    ),
    "cache": Setting(PREFIX + "CACHE", _flag, True, "0: keep nothing compiled on disk"),
    "cache_dir": Setting(
        PREFIX + "CACHE_DIR", _text, None, "folder of compiled plans and downloaded data sets"
    ),
    "data_dir": Setting(PREFIX + "DATA", _text, None, "folder with data sets"),
    "repr": Setting(
        PREFIX + "REPR", _repr, "value", "lazy: what is shown of tensors is never computed for it"
    ),
    "check": Setting(
        PREFIX + "CHECK", _check, None, "nan: the first NaN, infinity or lost index is an error"
    ),
    "report": Setting(
        PREFIX + "REPORT", _file, None, "page (.html) that shows all that ran, written at the end"
    ),
    "fuse": Setting(PREFIX + "FUSE", _flag, True, "0: one kernel per op, to bisect a problem"),
    "winograd": Setting(
        PREFIX + "WINOGRAD", _flag, True, "0: convolutions multiply all that they sum"
    ),
    "sections": Setting(
        PREFIX + "SECTIONS", _flag, True, "0: every kernel runs as a whole, and alone"
    ),
    "tune": Setting(PREFIX + "TUNE", _flag, False, "1: time several schedules of each kernel"),
    "verify": Setting(PREFIX + "VERIFY", _flag, False, "1: check every stage's output"),
}


@dataclass
class Settings(threading.local):
    """The values in force on a thread, one attribute a row of ``SETTINGS``; a thread starts with
    those of the environment."""

    backend: str = "CPU"
    opencl_device: str | None = None
    correct_processor: bool = True
    opencl_type: str | None = None
    debug: int = 0
    progress: bool = True
    dump: str | None = None
    dump_inputs: bool = False
    override: str | None = None
    cache: bool = True
    cache_dir: str | None = None
    data_dir: str | None = None
    repr: str = "value"
    check: str | None = None
    report: str | None = None
    fuse: bool = True
    winograd: bool = True
    sections: bool = True
    tune: bool = False
    verify: bool = False

    @property
    def in_tiles(self) -> bool:
        """Whether convolutions may be taken in tiles. Who looks for the first NaN wants to see it
        where it is, and in a tile it is everywhere."""
        return self.winograd and self.check is None

    @property
    def in_sections(self) -> bool:
        """Whether kernels may run a part of each at a time. Who looks for the first NaN wants to
        see the values in between, of which only a part is there then."""
        return self.fuse and self.sections and self.check is None

    @property
    def planned(self) -> tuple[bool, ...]:
        """What a plan depends on."""
        return self.fuse, self.in_tiles, self.in_sections, self.tune


def read_environment(environ: Mapping[str, str]) -> Settings:
    """Settings from environment variables; raises ConfigError for an unknown one."""
    variables = {row.variable: name for name, row in SETTINGS.items()}
    for variable in environ:
        if variable.startswith(PREFIX) and variable not in variables:
            raise _unknown(variable, variables)
    values = {
        name: row.value(environ.get(row.variable, row.default), row.variable)
        for name, row in SETTINGS.items()
    }
    return Settings(**values)


def _unknown(name: str, known: Iterable[str]) -> ConfigError:
    listed = ", ".join(sorted(known))
    return ConfigError(
        f"[config] unknown setting {name!r}{meant(name, known)}; known settings: {listed}"
    )


def meant(name: str, known: Iterable[str]) -> str:
    """The one of the ``known`` names that is like ``name``, as a question; or nothing."""
    found = {candidate.lower(): candidate for candidate in known}
    close = closest(name.lower(), found)
    return f" (did you mean {found[close]}?)" if close else ""


settings = read_environment(os.environ)

# By setting: who knows more of it than this module, and raises an error for what it cannot be.
CHECKS: dict[str, Callable[[Any], None]] = {}


ASK = {"debug", "dump", "report"}  # to be told of plans


class Looking(threading.local):
    """The plans that a thread was told of since a setting was changed that asks for it."""

    def __init__(self) -> None:
        self.told: WeakSet[Any] = WeakSet()


looking = Looking()


@contextmanager
def config(**changes: Any) -> Iterator[Settings]:
    """Change settings inside a ``with`` block: ``with lazygrad.config(debug=2): ...``.

    Raises:
        ConfigError: for a name that is not a setting, or a value that it cannot have.

    >>> with lazygrad.config(fuse=False):
    ...     y = (lazygrad.ones(2) * 2).sum().item()
    >>> y
    4.0
    """
    for name in changes:
        if name not in SETTINGS:
            raise _unknown(name, SETTINGS)
    values = {name: SETTINGS[name].value(given, name) for name, given in changes.items()}
    for name in CHECKS.keys() & values.keys():
        CHECKS[name](values[name])
    before, told = replace(settings), looking.told
    for name, value in values.items():
        setattr(settings, name, value)
    if not ASK.isdisjoint(values):
        looking.told = WeakSet()
    try:
        yield settings
    finally:
        looking.told = told
        for name in values:
            setattr(settings, name, getattr(before, name))
