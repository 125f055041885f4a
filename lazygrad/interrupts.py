"""Ctrl-C ends our programs without a traceback, from their first import to their last.

``python -m lazygrad.examples.cnn`` imports the whole package before a line of the program runs, so
the package imports this first; to all other programs it does nothing.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

STATUS = 128 + signal.SIGINT  # as of a program that the shell saw interrupted
PROGRAMS = "lazygrad.examples."


def _stop(*arguments: Any) -> None:
    """At once: there is nothing to save, or all is saved."""
    os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, b"\nstopped\n")
    os._exit(STATUS)


def guarded(main: Callable[[], int]) -> int:
    """The exit status of ``main``, which gets a KeyboardInterrupt; before and after it, Ctrl-C ends
    the process."""
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return main()
    except KeyboardInterrupt:  # a second one, or before it was ready for one
        return STATUS
    finally:
        signal.signal(signal.SIGINT, _stop)


def _is_our_program() -> bool:
    return any(word.removeprefix("-m").startswith(PROGRAMS) for word in sys.orig_argv)


if sys.argv[:1] == ["-m"] and _is_our_program():  # Python is still looking for the program
    signal.signal(signal.SIGINT, _stop)
