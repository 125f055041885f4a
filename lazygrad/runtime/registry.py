"""Backends by name, from the entry points of the group ``lazygrad.backends``; loaded when first
named, never before."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from lazygrad.config import CHECKS, meant, settings
from lazygrad.errors import DeviceError, UnknownDeviceError
from lazygrad.locks import running
from lazygrad.runtime.backend import Backend
from lazygrad.runtime.devices import MEANT, Device

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "lazygrad.backends"


_made: dict[str, Backend] = {}


def backend(name: str) -> Backend:
    """The backend of this name, made on first use.

    Raises:
        DeviceError: for an unknown name, with the known ones.
    """
    found = _made.get(name)
    if found is not None:
        return found
    with running:  # two threads may come here first
        if name not in _made:
            _made[name] = _load(name)
        return _made[name]


def _load(name: str) -> Backend:
    require_installed(name)
    found = registered()[name]
    made = found.load()()
    if not isinstance(made, Backend):
        raise DeviceError(f"[backend] {found.value} is not a lazygrad Backend")
    return made


def require_installed(name: str) -> None:
    """
    Raises:
        UnknownDeviceError: there is no backend of this name, however it is spelled.
    """
    known = registered()
    if _spelled(name) not in known:
        raise UnknownDeviceError(
            f"[backend] unknown backend {name!r}{meant(name, [*known, *MEANT])} from BACKEND or "
            f"device=; installed backends: {', '.join(sorted(known)) or 'none'}"
        )


CHECKS["backend"] = require_installed


@cache
def registered() -> dict[str, EntryPoint]:
    """The backends that are installed, by name."""
    from importlib.metadata import entry_points  # 15 ms, not asked for by an import of lazygrad

    return {entry.name: entry for entry in entry_points(group=GROUP)}


def default_device() -> Device:
    """The device named by BACKEND."""
    return _spelled(settings.backend)


def devices() -> list[Device]:
    """All installed backends."""
    return [Device(name) for name in sorted(registered())]


def check_device(name: str | None) -> Device:
    """``name``, or the default device; an unknown one is an error here, where it was named."""
    chosen = default_device() if name is None else _spelled(name)
    backend(chosen)
    return chosen


@cache
def _spelled(name: str) -> Device:
    """The name of a backend as it is registered, from upper or lower case, or PyTorch's name."""
    known = next((n for n in registered() if n.lower() == str(name).lower()), None)
    return Device(known or name)
