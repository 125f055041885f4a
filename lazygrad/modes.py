"""Ambient state: whether gradients are recorded and which jitted function is being traced, which
belong to a thread; and the random counter, which all threads share.

Modes are restored by whoever changes them, with try/finally or a context manager.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from threading import get_ident
from typing import Any, Protocol, TypeVar, cast, overload

import numpy as np

from lazygrad import lang
from lazygrad.errors import ValueRangeError
from lazygrad.graph import Node
from lazygrad.locks import drawing
from lazygrad.public import public

F = TypeVar("F", bound=Callable[..., Any])


class Trace(Protocol):
    """What records a jitted function while its Python code runs (``lazygrad.jit.Trace``). Handles
    from outside stay as they are: other threads use them. What they become is in the trace."""

    def read(self, tensor: Any) -> Node:
        """The node to use for a handle that an operation reads."""

    def current(self, tensor: Any) -> Node:
        """The node of a handle, without the function depending on its value."""

    def bind(self, tensor: Any, value: Node) -> None:
        """Rebinds a handle."""

    def read_grad(self, tensor: Any) -> Any:
        """The ``.grad`` of a handle."""

    def write_grad(self, tensor: Any, grad: Any) -> None:
        """Sets the ``.grad`` of a handle."""

    def random_key(self, device: str) -> Node:
        """A leaf that holds a fresh key on every call."""


class Ambient(threading.local):
    """What holds for the code that a thread runs now.

    Attributes:
        grad_enabled: whether operations record derivative history.
        trace: the recording of the jitted function that is being traced.
        epoch: the number of that trace, 0 outside: handles remember in which one they were made.
    """

    grad_enabled: bool = True
    trace: Trace | None = None
    epoch: int = 0


ambient = Ambient()


# -- gradients -----------------------------------------------------------------------------------


class GradMode:
    """Record derivative history or not, on this thread, inside a ``with`` block or a decorated
    function."""

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled
        self._before: dict[int, list[bool]] = {}  # by thread: several may share a decorator

    def __call__(self, function: F) -> F:
        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return cast(F, inside)

    def __enter__(self) -> None:
        self._enter(ambient.grad_enabled)

    def _enter(self, before: bool) -> None:
        self._before.setdefault(get_ident(), []).append(before)
        ambient.grad_enabled = self.enabled

    def __exit__(self, *exception: object) -> None:
        ambient.grad_enabled = self._before[get_ident()].pop()


class _Switched(GradMode):
    """What ``set_grad_enabled`` returns: it has taken effect already, leaving undoes it."""

    def __init__(self, enabled: bool) -> None:
        super().__init__(enabled)
        self._outer = ambient.grad_enabled
        ambient.grad_enabled = enabled

    def __enter__(self) -> None:
        self._enter(self._outer)


def is_grad_enabled() -> bool:
    """Whether operations record derivative history now."""
    return ambient.grad_enabled


@overload
def no_grad(function: None = None) -> GradMode: ...
@overload
def no_grad(function: F) -> F: ...
def no_grad(function: F | None = None) -> GradMode | F:
    """Operations inside record no derivative history: ``with no_grad():``, or a decorator."""
    mode = GradMode(False)
    return mode if function is None else mode(function)


@overload
def enable_grad(function: None = None) -> GradMode: ...
@overload
def enable_grad(function: F) -> F: ...
def enable_grad(function: F | None = None) -> GradMode | F:
    """Operations inside record derivative history, also within ``no_grad``."""
    mode = GradMode(True)
    return mode if function is None else mode(function)


def set_grad_enabled(mode: bool) -> GradMode:
    """Record derivative history from now on or not; in a ``with`` block until its end."""
    return _Switched(bool(mode))


# -- random numbers --------------------------------------------------------------------------------

_seed = 0
_counter = 0


@public
def manual_seed(seed: int) -> None:
    """Start the random numbers anew: the same seed gives the same numbers on every backend. All
    64 bits of it count; a negative seed stands for its two's complement, as in PyTorch. Only on a
    device that does not round quotients and roots correctly, normal numbers may differ in the last
    bits.

    Raises:
        ArgumentError: for a seed that is no integer.
        ValueRangeError: for a seed that does not fit 64 bits.
    """
    global _seed, _counter
    if not -(1 << 63) <= seed < 1 << 64:
        raise ValueRangeError(f"[manual_seed] the seed {seed} does not fit 64 bits")
    with drawing:
        _seed = seed % (1 << 64)
        _counter = 0


def next_key() -> np.ndarray[Any, Any]:
    """The key of one operation, taken when it is built: KEY_DTYPE of KEY_SHAPE."""
    global _counter
    with drawing:
        key = lang.key_of(_seed, _counter)
        _counter += 1
    return key
