"""What becomes of a backend in a process that was forked.

OpenCL's threads, queues and locks do not come along: a call would wait for ever. A fork waits for
the queue, so that no lock is taken half-way, and the child's backend says what to do instead.
"""

from __future__ import annotations

import os
from typing import Any, NoReturn
from weakref import WeakSet

from lazygrad.plugin import Backend, DeviceError

_living: WeakSet[Backend] = WeakSet()


def watch(backend: Backend) -> None:
    """From now on, forks know of it."""
    _living.add(backend)


def _refuse(*arguments: Any, **options: Any) -> NoReturn:
    raise DeviceError(
        "[opencl] this process was forked from one that had already used BACKEND=GPU, and OpenCL "
        'does not work in both; start it by multiprocessing.get_context("spawn"), fork before the '
        "GPU is first used, or use device CPU in the child"
    )


# Everything of a backend that would call OpenCL.
CALLS = (
    "allocate", "upload", "download", "generate", "compile", "load", "running", "synchronize",
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
