"""Backends by name, from the entry points of the group ``lazygrad.backends``; loaded when first
named, never before."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from lazygrad.config import meant, settings
from lazygrad.errors import DeviceError
from lazygrad.locks import running
from lazygrad.runtime.backend import Backend

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
    found = _registered().get(name)
    if found is None:
        raise DeviceError(
            f"[backend] unknown backend {name!r}{meant(name, _registered())} from BACKEND or "
            f"device=; installed backends: {', '.join(sorted(_registered())) or 'none'}"
        )
    made = found.load()()
    if not isinstance(made, Backend):
        raise DeviceError(f"[backend] {found.value} is not a lazygrad Backend")
    return made


@cache
def _registered() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def default_device() -> str:
    """The device named by BACKEND."""
    return _spelled(settings.backend)


def check_device(name: str | None) -> str:
    """``name``, or the default device; an unknown one is an error here, where it was named."""
    chosen = default_device() if name is None else _spelled(name)
    backend(chosen)
    return chosen


def _spelled(name: str) -> str:
    """The name of a backend as it is registered, from upper or lower case."""
    names = _registered()
    return name if name in names else next((n for n in names if n.lower() == name.lower()), name)
