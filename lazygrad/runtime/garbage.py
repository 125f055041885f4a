"""Python's cyclic garbage collector, kept from work that makes many objects and hardly any garbage.

Plans of hundreds of kernels are hundreds of thousands of small objects, which all stay until the
plan is done: collections, which look at them again and again, were a quarter of planning's time.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """No collections until it ends, if there were any before. One that several threads are in ends
    for all of them with the first that turned the collector off: they lose time, nothing else."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
