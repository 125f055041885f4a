"""The members of a module of one kind, by name: a live view, as PyTorch's ``_modules``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lazygrad.nn.module import Module


class Members(MutableMapping[str, Any]):
    """What ``belongs`` holds of among a module's attributes; writes set them."""

    def __init__(self, module: Module, belongs: Callable[[str, Any], bool]) -> None:
        self._module, self._belongs = module, belongs

    def __iter__(self) -> Iterator[str]:
        held = dict(vars(self._module))
        return (name for name, value in held.items() if self._belongs(name, value))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, name: str) -> Any:
        value = vars(self._module)[name]
        if not self._belongs(name, value):
            raise KeyError(name)
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self._module, name, value)

    def __delitem__(self, name: str) -> None:
        delattr(self._module, name)

    def __repr__(self) -> str:
        return repr(dict(self))
