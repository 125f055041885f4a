"""Settings: the only reader of the environment.

``settings`` holds the values in force. ``with lazygrad.config(debug=4): ...`` changes them for a
block. An unknown setting or value is an error that lists the known ones.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any

from lazygrad.errors import ConfigError

PREFIX = "LAZYGRAD_"


def _debug_level(text: str) -> int:
    if text not in {"0", "1", "2", "3", "4", "5", "6"}:
        raise ValueError("a level from 0 to 6")
    return int(text)


def _flag(text: str) -> bool:
    known = {"0": False, "1": True, "": False}
    if text not in known:
        raise ValueError("0 or 1")
    return known[text]


def _text(text: str) -> str:
    return text


def _device_type(text: str) -> str:
    if text.upper() not in {"CPU", "GPU"}:
        raise ValueError("CPU or GPU")
    return text.upper()


@dataclass(frozen=True)
class Setting:
    """One setting: its environment variable, how its text is read, its default and meaning."""

    variable: str
    parse: Callable[[str], Any]
    default: Any
    doc: str


SETTINGS: Mapping[str, Setting] = {
    "backend": Setting("BACKEND", _text, "CPU", "default device: the name of a backend"),
    "opencl_device": Setting("OPENCL_DEVICE", _text, None, "index or part of a device's name"),
    "opencl_type": Setting(
        PREFIX + "OPENCL_TYPE", _device_type, None, "CPU or GPU: schedule as for such a device"
    ),
    "debug": Setting(PREFIX + "DEBUG", _debug_level, 0, "0 silent ... 6 graph"),
    "dump": Setting(PREFIX + "DUMP", _text, None, "folder that receives every kernel"),
    "cache": Setting(PREFIX + "CACHE", _flag, True, "0: keep nothing compiled on disk"),
    "cache_dir": Setting(
        PREFIX + "CACHE_DIR", _text, None, "folder of compiled plans and downloaded data sets"
    ),
    "data_dir": Setting(PREFIX + "DATA", _text, None, "folder with data sets"),
    "fuse": Setting(PREFIX + "FUSE", _flag, True, "0: one kernel per op, to bisect a problem"),
    "tune": Setting(PREFIX + "TUNE", _flag, False, "1: time several schedules of each kernel"),
    "verify": Setting(PREFIX + "VERIFY", _flag, False, "1: check every stage's output"),
}


@dataclass
class Settings:
    """The values in force, one attribute a row of ``SETTINGS``."""

    backend: str = "CPU"
    opencl_device: str | None = None
    opencl_type: str | None = None
    debug: int = 0
    dump: str | None = None
    cache: bool = True
    cache_dir: str | None = None
    data_dir: str | None = None
    fuse: bool = True
    tune: bool = False
    verify: bool = False


def read_environment(environ: Mapping[str, str]) -> Settings:
    """Settings from environment variables; raises ConfigError for an unknown one."""
    variables = {row.variable: name for name, row in SETTINGS.items()}
    for variable in environ:
        if variable.startswith(PREFIX) and variable not in variables:
            known = ", ".join(sorted(variables))
            raise ConfigError(f"[config] unknown setting {variable}; known settings: {known}")
    values = {}
    for name, row in SETTINGS.items():
        text = environ.get(row.variable)
        if text is None:
            values[name] = row.default
            continue
        try:
            values[name] = row.parse(text)
        except ValueError as error:
            raise ConfigError(f"[config] {row.variable}={text!r}: expected {error}") from None
    return Settings(**values)


settings = read_environment(os.environ)


@contextmanager
def config(**changes: Any) -> Iterator[Settings]:
    """Change settings inside a ``with`` block: ``with lazygrad.config(debug=2): ...``.

    Raises:
        ConfigError: for a name that is not a setting.
    """
    names = [field.name for field in fields(Settings)]
    for name in changes:
        if name not in names:
            raise ConfigError(f"[config] unknown setting {name!r}; known settings: {names}")
    before = replace(settings)
    for name, value in changes.items():
        setattr(settings, name, value)
    try:
        yield settings
    finally:
        for name in changes:
            setattr(settings, name, getattr(before, name))
