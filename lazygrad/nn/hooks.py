"""What runs before and after a module's ``forward``."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from lazygrad.nn.module import Module

_numbers = count()


class Hook(NamedTuple):
    """A function that a module calls.

    Attributes:
        with_kwargs: whether it also takes the arguments by name.
        always: whether it runs even if ``forward`` raised.
    """

    function: Callable[..., Any]
    with_kwargs: bool
    always: bool = False


class RemovableHandle:
    """What registering a hook returns: ``remove()`` takes it away, and so does leaving a ``with``
    block."""

    def __init__(self, hooks: dict[int, Hook], hook: Hook, prepend: bool) -> None:
        self.id = next(_numbers)
        self._hooks = hooks
        others = dict(hooks)
        hooks.clear()
        both = {self.id: hook} | others if prepend else others | {self.id: hook}
        hooks.update(both)

    def remove(self) -> None:
        """Never call the hook again."""
        self._hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *_: Any) -> None:
        self.remove()


class Hooks:
    """The hooks of a module, in the order in which they run."""

    def __init__(self) -> None:
        self.before: dict[int, Hook] = {}
        self.after: dict[int, Hook] = {}

    def call(self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """``forward`` between its hooks. What one returns, other than None, takes the place of the
        arguments, or of the result."""
        for hook in tuple(self.before.values()):
            args, kwargs = _arguments(hook, module, args, kwargs)
        try:
            result = module.forward(*args, **kwargs)
        except BaseException:
            for hook in tuple(self.after.values()):
                if hook.always:
                    _after(hook, module, args, kwargs, None)
            raise
        for hook in tuple(self.after.values()):
            result = _after(hook, module, args, kwargs, result)
        return result


def _arguments(
    hook: Hook, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if hook.with_kwargs:
        both = hook.function(module, args, kwargs)
        return (args, kwargs) if both is None else both
    given = hook.function(module, args)
    if given is None:
        return args, kwargs
    return given if isinstance(given, tuple) else (given,), kwargs


def _after(
    hook: Hook, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
) -> Any:
    given = (module, args, kwargs, result) if hook.with_kwargs else (module, args, result)
    found = hook.function(*given)
    return result if found is None else found
