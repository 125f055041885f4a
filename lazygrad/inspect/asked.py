"""What users ask to look into: tensors, jitted functions, functions with arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from inspect import signature
from typing import Any, NamedTuple

from lazygrad.arguments import shown
from lazygrad.errors import ArgumentError, ValueRangeError
from lazygrad.graph import Node
from lazygrad.handle import Handle, value_node
from lazygrad.inspect.names import names_of
from lazygrad.inspect.read import step_of
from lazygrad.inspect.step import Step
from lazygrad.jit import Jit
from lazygrad.replay import Capture
from lazygrad.runtime import buffer, cache
from lazygrad.runtime.program import CompiledPlan

ENDS = "; what there is to look into are tensors, jitted functions, and functions with arguments"


class Asked(NamedTuple):
    """A plan, and who would run it (as of ``Watcher.runs``)."""

    plan: CompiledPlan
    by: object

    def step(self) -> Step:
        """What it runs, as plain data."""
        return step_of(self.plan, names_of(self.by))


def plans_of(op: str, what: Sequence[Any], arguments: Mapping[str, Any]) -> list[Asked]:
    """The plans that ``what`` is computed by, one a device; nothing runs.

    Raises:
        ArgumentError: for something else.
        ValueRangeError: for a jitted function without arguments that was not called yet.
    """
    if what and callable(what[0]) and not isinstance(what[0], Handle):
        capture = _capture(op, what[0], what[1:], arguments)
        return [Asked(capture.plan, capture)]
    for name, value in (*(("", value) for value in what), *arguments.items()):
        if not isinstance(value, Handle):
            given = f"{name}={shown(value)}" if name else shown(value)
            raise ArgumentError(f"[{op}] got {given}{ENDS}")
    by_device: dict[str, list[Node]] = {}
    for tensor in (*what, *arguments.values()):
        wanted = value_node(tensor._node)
        if not buffer.is_realised(wanted):
            by_device.setdefault(tensor.device, []).append(wanted)
    found = []
    for device, nodes in by_device.items():
        plan, leaves = cache.compiled(nodes, device)
        found.append(Asked(plan, (nodes, leaves)))
    return found


def _capture(
    op: str, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Capture:
    """The latest one of a jitted function, or that of a call."""
    function, args, kwargs = unwrapped(function, args, kwargs)
    if isinstance(function, Jit) and not args and not kwargs:
        latest = function.latest()
        if latest is not None:
            return latest
        if _needs_arguments(function):
            name = getattr(function.function, "__name__", "the function")
            raise ValueRangeError(
                f"[{op}] {name} was not called yet, so nothing is traced; call it, or give its "
                f"arguments: {op}({name}, ...)"
            )
    jitted = function if isinstance(function, Jit) else Jit(function)
    return jitted.captured(*args, **kwargs)


def unwrapped(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Callable[..., Any], Sequence[Any], Mapping[str, Any]]:
    """A function with the arguments that a ``partial``, as a jitted method is one, gives it."""
    if not isinstance(function, partial):
        return function, args, kwargs
    return function.func, (*function.args, *args), {**function.keywords, **kwargs}


def _needs_arguments(function: Callable[..., Any]) -> bool:
    """Whether it cannot be called without any."""
    try:
        signature(function).bind()
    except TypeError:
        return True
    return False
