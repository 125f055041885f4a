"""A Module as a container of tensors: its parameters, under their names.

Transforms take one apart and put another one together, with other tensors in the places of its
parameters; whatever else it holds, buffers among it, both share. What has two names comes twice. To
``jit``, which finds the state of a function by itself, it is one thing.
"""

from __future__ import annotations

from typing import Any

from lazygrad.nn.module import Module
from lazygrad.pytree import Apart, Container, Spec, register_base


class Rest:
    """What else a module holds. Gradients of a module are a module like it, whatever that is."""

    def __init__(self, held: dict[str, Any]) -> None:
        self.held = held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rest)

    def __hash__(self) -> int:
        return hash(Rest)


def _apart(module: Module) -> Apart:
    modules = [(name, held) for name, held in vars(module).items() if isinstance(held, Module)]
    own = dict((*module._own_parameters(), *modules))
    return Apart(tuple(own), own.values(), Rest(vars(module)))


def _together(spec: Spec, values: list[Any]) -> Any:
    made = object.__new__(spec.kind)
    own = dict(zip(spec.keys, values, strict=True))
    rest: Any = spec.context
    names = frozenset(name for name, value in own.items() if not isinstance(value, Module))
    vars(made).update({**rest.held, **own, "_stand_ins": names})
    return made


register_base(Module, Container(_apart, _together, changes=True))
