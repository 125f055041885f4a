"""The tuner: tries a bounded set of variants of a kernel's code and remembers the fastest.

``LAZYGRAD_TUNE=1`` switches it on. It costs up to ``LIMIT`` seconds a kernel, once: the winner is
kept on disk, by the device and by what the kernel computes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from time import perf_counter
from typing import TypeVar

from lazygrad.runtime import disk
from lazygrad.runtime.records import Format, Malformed

V = TypeVar("V")
LIMIT = 4.0  # seconds for all variants of one kernel, compilation included
REPEATS = 4  # of which the fastest counts
BRIEF = 5e-5  # seconds: what is faster than that is not worth tuning
BETTER = 0.97  # of the time so far: what is hardly faster is noise

_known: dict[Hashable, object] = {}


def best(
    key: Hashable,
    first: V,
    stages: Sequence[Callable[[V], Iterable[V]]],
    seconds: Callable[[V], float],
) -> V:
    """The fastest variant of ``first``: each stage varies the best one of the stage before.

    Args:
        key: what is tuned, device included; compared by its ``repr``.
        first: a number, or a record (see ``records``).
        stages: from the best variant so far to those to try next.
        seconds: compiles and times a variant once; infinite if it cannot run.
    """
    found = _known.get(key)
    if found is None:
        found = _kept(key, first)
        if found is None:
            found = _search(first, stages, seconds)
            _keep(key, found)
        _known[key] = found
    return found  # type: ignore[return-value]  # the key names its type


def _kept(key: Hashable, first: V) -> V | None:
    """What an earlier process found best."""
    content = disk.get(("tuned", key)) if disk.enabled() else None
    if content is None:
        return None
    try:
        return Format(type(first)).decode(content)
    except Malformed:
        return None


def _keep(key: Hashable, found: V) -> None:
    if disk.enabled():
        with suppress(Malformed):  # what has no format is searched for by each process
            disk.put(("tuned", key), Format(type(found)).encode(found))


def _search(
    first: V, stages: Sequence[Callable[[V], Iterable[V]]], seconds: Callable[[V], float]
) -> V:
    end = perf_counter() + LIMIT
    times = {first: _fastest(first, seconds)}
    if times[first] < BRIEF:
        return first
    for vary in stages:
        for variant in vary(_winner(first, times)):
            if perf_counter() > end:
                return _winner(first, times)
            if variant not in times:
                times[variant] = _fastest(variant, seconds)
    return _winner(first, times)


def _fastest(variant: V, seconds: Callable[[V], float]) -> float:
    return min(seconds(variant) for _ in range(REPEATS))


def _winner(first: V, times: dict[V, float]) -> V:
    fastest = min(times, key=times.__getitem__)
    return fastest if times[fastest] < BETTER * times[first] else first
