"""Ambient state, all of it: whether gradients are recorded, the trace of a jitted function, the
random counter, and the state that waits to be realised.

Each is restored by whoever changes it, with try/finally or a context manager.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import ContextDecorator
from typing import Any, Protocol, TypeVar, overload

import numpy as np

from lazygrad.dtype import uint32
from lazygrad.errors import ValueRangeError
from lazygrad.graph import Node

F = TypeVar("F", bound=Callable[..., Any])


class Trace(Protocol):
    """What records a jitted function while its Python code runs (``lazygrad.jit.Trace``)."""

    def read(self, tensor: Any) -> Node:
        """The node to use for a handle that an operation reads."""

    def write(self, tensor: Any) -> None:
        """Called before a handle is rebound."""

    def read_grad(self, tensor: Any) -> Any:
        """The ``.grad`` of a handle."""

    def write_grad(self, tensor: Any) -> None:
        """Called before the ``.grad`` of a handle is set."""

    def random_key(self, device: str) -> Node:
        """A leaf that holds a fresh key on every call."""


grad_enabled: bool = True
trace: Trace | None = None
epoch: int = 0  # number of the latest trace; handles remember in which one they were made


# -- gradients -----------------------------------------------------------------------------------


class GradMode(ContextDecorator):
    """Record derivative history or not, inside a ``with`` block or a decorated function."""

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(is_grad_enabled())
        _switch(self.enabled)

    def __exit__(self, *exception: object) -> None:
        _switch(self._before.pop())


class _Switched(GradMode):
    """What ``set_grad_enabled`` returns: it has taken effect already, leaving undoes it."""

    def __init__(self, enabled: bool) -> None:
        super().__init__(enabled)
        self._outer = is_grad_enabled()
        _switch(enabled)

    def __enter__(self) -> None:
        self._before.append(self._outer)
        _switch(self.enabled)


def _switch(enabled: bool) -> None:
    global grad_enabled
    grad_enabled = enabled


def is_grad_enabled() -> bool:
    """Whether operations record derivative history now."""
    return grad_enabled


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

KEY_DTYPE = uint32
_seed = 0
_counter = 0


def manual_seed(seed: int) -> None:
    """Start the random numbers anew: the same seed gives the same numbers on every backend.

    Raises:
        ValueRangeError: for a seed that does not fit 64 bits.
    """
    global _seed, _counter
    if not -(1 << 63) <= seed < 1 << 64:
        raise ValueRangeError(f"[manual_seed] the seed {seed} does not fit 64 bits")
    _seed = (seed ^ (seed >> 32)) & 0xFFFFFFFF
    _counter = 0


def next_key() -> np.ndarray[Any, Any]:
    """Seed and counter for one operation, taken when it is built: uint32 of shape (2,)."""
    global _counter
    key = np.array([_seed, _counter & 0xFFFFFFFF], np.uint32)
    _counter += 1
    return key


# -- state that waits ------------------------------------------------------------------------------

_pending: dict[int, weakref.ref[Any]] = {}


def add_pending(tensor: Any) -> bool:
    """Remember a handle that was rebound to a value that nobody may read, to be realised with the
    next one that is; returns whether it was waiting already."""
    key = id(tensor)
    if key in _pending:
        return True
    _pending[key] = weakref.ref(tensor, lambda _: _pending.pop(key, None))
    return False


def drop_pending(tensor: Any) -> None:
    """Forget a handle: it was realised."""
    _pending.pop(id(tensor), None)


def pending() -> Iterator[Any]:
    """The handles that wait."""
    for reference in list(_pending.values()):
        tensor = reference()
        if tensor is not None:
            yield tensor
