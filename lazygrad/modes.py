"""Ambient state of a thread: whether gradients are recorded, and which function is being traced.

Modes are restored by whoever changes them, with try/finally or a context manager.
"""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any, TypeVar, cast, overload

from lazygrad.errors import WriteError
from lazygrad.generator import Generator
from lazygrad.graph import Node
from lazygrad.handle import Handle

F = TypeVar("F", bound=Callable[..., Any])


class Trace:
    """What stands between running code and its handles: the recording of a function, a transform.

    Handles from outside stay as they are: other threads use them. What they become is in the
    trace. One inside another asks that one about handles that were made outside of itself.

    Attributes:
        name: what users call it, in messages.
        has_values: whether code that runs in it may look at values.
        epoch: its number; handles remember in which trace they were made, and numbers rise.
        outer: the trace around it.
    """

    name: str
    has_values: bool = True

    def __init__(self) -> None:
        self.epoch = next(_epochs)
        self.outer = ambient.trace
        self.has_values = self.has_values and ambient.has_values

    def _outer_of(self, tensor: Handle) -> Trace | None:
        """Who knows more of ``tensor`` than the handle itself."""
        return None if tensor._epoch >= self.epoch else self.outer

    def read(self, tensor: Handle) -> Node:
        """The node to use for a handle that an operation reads."""
        outer = self._outer_of(tensor)
        return tensor._node if outer is None else outer.read(tensor)

    def current(self, tensor: Handle) -> Node:
        """The node of a handle, without the function depending on its value."""
        outer = self._outer_of(tensor)
        return tensor._node if outer is None else outer.current(tensor)

    def bind(self, tensor: Handle, value: Node) -> None:
        """Rebinds a handle."""
        if tensor._epoch < self.epoch:
            raise self._lost("a write to", tensor)
        tensor._node = value

    def read_grad(self, tensor: Handle) -> Handle | None:
        """The ``.grad`` of a handle."""
        outer = self._outer_of(tensor)
        return tensor._grad if outer is None else outer.read_grad(tensor)

    def write_grad(self, tensor: Handle, grad: Handle | None) -> None:
        """Sets the ``.grad`` of a handle."""
        if tensor._epoch < self.epoch:
            raise self._lost("the gradient of", tensor)
        tensor._grad = grad

    def random_key(self, device: str, generator: Generator) -> Node:
        """A leaf that holds a fresh key of the generator."""
        outer = self.outer
        return generator.key(device) if outer is None else outer.random_key(device, generator)

    def require_value(self, tensor: Handle) -> None:
        """Raises unless a handle has a value while the function runs."""
        if self.outer is not None:
            self.outer.require_value(tensor)

    def _lost(self, what: str, tensor: Handle) -> WriteError:
        held = tensor._node
        return WriteError(
            f"[{self.name}] {what} a {held.dtype.name} tensor of shape {held.shape} would be lost: "
            f"the function that {self.name} transforms did not make it; make it an argument and "
            "return its new value, as func.purify does by itself, or write to a clone()"
        )


class Ambient(threading.local):
    """What holds for the code that a thread runs now.

    Attributes:
        grad_enabled: whether operations record derivative history.
        trace: the innermost recording or transform of a function.
        epoch: the number of that trace, 0 outside.
        has_values: whether code may look at values: no trace stands between.
        inline: whether jitted functions run as plain ones.
    """

    grad_enabled: bool = True
    trace: Trace | None = None
    epoch: int = 0
    has_values: bool = True
    inline: bool = False


ambient = Ambient()
_epochs = itertools.count(1)


@contextmanager
def restored() -> Iterator[None]:
    """Whatever the code inside makes of the ambient state is undone."""
    before = vars(ambient).copy()
    try:
        yield
    finally:
        vars(ambient).clear()
        vars(ambient).update(before)


@contextmanager
def traced_by(trace: Trace | None) -> Iterator[None]:
    """The code inside runs in ``trace``, or in none; jitted functions are part of it."""
    with restored():
        ambient.trace = trace
        ambient.epoch = 0 if trace is None else trace.epoch
        ambient.has_values = trace is None or trace.has_values
        ambient.inline = trace is not None
        yield


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
    """Whether operations record derivative history now.

    >>> with lazygrad.no_grad():
    ...     print(lazygrad.is_grad_enabled())
    False
    """
    return ambient.grad_enabled


@overload
def no_grad(function: None = None) -> GradMode: ...
@overload
def no_grad(function: F) -> F: ...
def no_grad(function: F | None = None) -> GradMode | F:
    """Operations inside record no derivative history: ``with no_grad():``, or a decorator.

    >>> w = Tensor([2.0], requires_grad=True)
    >>> with lazygrad.no_grad():
    ...     _ = w.sub_(0.5)
    >>> w.tolist()
    [1.5]
    """
    mode = GradMode(False)
    return mode if function is None else mode(function)


@overload
def enable_grad(function: None = None) -> GradMode: ...
@overload
def enable_grad(function: F) -> F: ...
def enable_grad(function: F | None = None) -> GradMode | F:
    """Operations inside record derivative history, also within ``no_grad``.

    >>> w = Tensor([2.0], requires_grad=True)
    >>> with lazygrad.no_grad(), lazygrad.enable_grad():
    ...     y = w * w
    >>> y.requires_grad
    True
    """
    mode = GradMode(True)
    return mode if function is None else mode(function)


def set_grad_enabled(mode: bool) -> GradMode:
    """Record derivative history from now on or not; in a ``with`` block until its end.

    >>> with lazygrad.set_grad_enabled(False):
    ...     print(lazygrad.is_grad_enabled())
    False
    """
    return _Switched(bool(mode))


def inference_mode(mode: Any = True) -> Any:
    """As ``no_grad``, also as a decorator; ``inference_mode(False)`` records history.

    >>> w = Tensor([2.0], requires_grad=True)
    >>> with lazygrad.inference_mode():
    ...     y = w * w
    >>> y.requires_grad
    False
    """
    return no_grad(mode) if callable(mode) else GradMode(not mode)
