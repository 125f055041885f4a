"""Weights that are computed from other parameters before each ``forward``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lazygrad.errors import ModuleError
from lazygrad.nn.module import Module
from lazygrad.nn.parameter import Parameter
from lazygrad.tensor_class import Tensor


class Derived:
    """How attribute ``name`` of a module is computed; a hook that runs before ``forward``."""

    def __init__(self, name: str) -> None:
        self.name = name

    def value(self, module: Module) -> Tensor:
        """The weight."""
        raise NotImplementedError

    def __call__(self, module: Module, args: Any) -> None:
        setattr(module, self.name, self.value(module))


def derive(module: Module, derived: Derived, parts: Mapping[str, Parameter]) -> None:
    """Put ``parts`` in the place of the parameter that is computed from now on."""
    delattr(module, derived.name)
    for name, part in parts.items():
        module.register_parameter(name, part)
    setattr(module, derived.name, derived.value(module))
    module.register_forward_pre_hook(derived)


def restore(module: Module, kind: type[Derived], name: str, parts: Iterable[str]) -> None:
    """Make the value that is computed now a parameter again.

    Raises:
        ModuleError: if it is none that is computed so.
    """
    hooks = module._own_hooks().before
    for number, hook in list(hooks.items()):
        if isinstance(hook.function, kind) and hook.function.name == name:
            value = hook.function.value(module).detach()
            for part in (name, *parts):
                delattr(module, part)
            del hooks[number]
            module.register_parameter(name, Parameter(value))
            return
    raise ModuleError(f"[nn.utils] {name} of {type(module).__name__} is no {kind.__name__}")
