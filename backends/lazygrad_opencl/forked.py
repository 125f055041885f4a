"""What becomes of a backend when its process forks or ends.

OpenCL's threads, queues and locks do not come along with a fork: a call would wait for ever. A fork
waits for the queue, so that no lock is taken half-way, and the child's backend says what to do
instead. The end of a process waits, too: drivers compile what is launched in files that go then.
"""

from __future__ import annotations

import atexit
import os
from typing import Any, NoReturn
from weakref import WeakSet

from lazygrad.plugin import Backend, DeviceError

_living: WeakSet[Backend] = WeakSet()


def watch(backend: Backend) -> None:
    """From now on, forks and the end of the process know of it."""
    _living.add(backend)
    atexit.register(_wait)  # after the folders that go in the end were made, so before they go


def _refuse(*arguments: Any, **options: Any) -> NoReturn:
    raise DeviceError(
        "[opencl] this process was forked from one that had already used BACKEND=GPU, and OpenCL "
        'does not work in both; start it by multiprocessing.get_context("spawn"), fork before the '
        "GPU is first used, or use device CPU in the child"
    )


# Everything of a backend that would call OpenCL.
CALLS = (
    "allocate", "upload", "download", "prepare", "generate", "compile", "load", "running",
    "synchronize",
)  # fmt: skip


def _wait() -> None:
    for backend in list(_living):
        backend.synchronize()


def _give_up() -> None:
    for backend in list(_living):
        backend.__class__ = type("Forked", (type(backend),), dict.fromkeys(CALLS, _refuse))
    _living.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_wait, after_in_child=_give_up)
