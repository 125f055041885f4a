"""Locks of what all threads share.

Modes, traces and values that wait belong to a thread; what is interned, planned, compiled and
pooled belongs to the process. A thread that holds one of these locks takes only later ones.
"""

from __future__ import annotations

import os
import threading
from typing import Protocol, TypeVar


class _Lock(Protocol):
    def acquire(self) -> bool: ...
    def release(self) -> None: ...


L = TypeVar("L", bound=_Lock)


def _kept_by_fork(lock: L) -> L:
    """A fork waits for ``lock``, so that a child finds what it guards whole, and the lock free.
    Only for locks that live as long as the process."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release
        )
    return lock


# A fork takes the lock that was made last first: in the order in which they nest.
pooling = _kept_by_fork(threading.Lock())  # memory that is kept for reuse
keeping = _kept_by_fork(threading.Lock())  # solvers that were traced
drawing = _kept_by_fork(threading.Lock())  # the random counter
interning = _kept_by_fork(threading.RLock())  # the nodes that there are
running = _kept_by_fork(threading.RLock())  # backends, plans, launches; handles that settle
