"""Modules that hold modules in order, under the names "0", "1", ..."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from lazygrad.arguments import shown
from lazygrad.errors import ArgumentError, AxisError
from lazygrad.nn.module import Module
from lazygrad.nn.show import show_module
from lazygrad.public import public

C = TypeVar("C", bound="ModuleSequence")


class ModuleSequence(Module):
    """What Sequential and ModuleList share: a list whose items are attributes.

    Raises:
        ArgumentError: for an item that is no Module.
    """

    def _items(self) -> dict[str, Module]:
        return {name: value for name, value in vars(self).items() if isinstance(value, Module)}

    def _name_at(self, index: int) -> str:
        names = list(self._items())
        try:
            return names[index]
        except TypeError:
            raise ArgumentError(
                f"[{type(self).__name__}] an index must be an integer or a slice, got "
                f"{shown(index)}"
            ) from None
        except IndexError:
            raise AxisError(
                f"[{type(self).__name__}] index {index} is out of range for {len(names)} modules"
            ) from None

    def _add(self, name: str, module: Any) -> None:
        self.add_module(name, self._checked(module))

    def _checked(self, module: Any) -> Module:
        if isinstance(module, Module):
            return module
        way_out = "wrap it in a Module whose forward() calls it"
        if isinstance(module, type) and issubclass(module, Module):
            way_out = f"make one by calling it: {module.__name__}(...)"
        elif isinstance(module, Iterable):
            way_out = "unpack it: Sequential(*layers), or ModuleList(layers)"
        raise ArgumentError(
            f"[{type(self).__name__}] can hold Modules only, got {shown(module)}; {way_out}"
        )

    def _replace(self, modules: Iterable[Module]) -> None:
        """Hold ``modules`` instead, numbered from 0."""
        new = [self._checked(module) for module in modules]
        for name in self._items():
            del self.__dict__[name]
        for index, module in enumerate(new):
            self._add(str(index), module)

    def __len__(self) -> int:
        return len(self._items())

    def __iter__(self) -> Iterator[Module]:
        return iter(self._items().values())

    def __getitem__(self, index: Any) -> Any:
        """One module, or for a slice a container of the same kind that shares them."""
        if isinstance(index, slice):
            return self._of(dict(list(self._items().items())[index]))
        return self.__dict__[self._name_at(index)]

    def _of(self: C, items: dict[str, Module]) -> C:
        raise NotImplementedError

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._name_at(index), self._checked(module))

    def __delitem__(self, index: int | slice) -> None:
        if not isinstance(index, slice):
            self._name_at(index)  # raises
        kept = list(self)
        del kept[index]
        self._replace(kept)

    def append(self: C, module: Module) -> C:
        """Add a module at the end."""
        self._add(str(len(self)), module)
        return self

    @public
    def extend(self: C, modules: Iterable[Module]) -> C:
        """Add modules at the end."""
        for module in [self._checked(module) for module in modules]:
            self.append(module)
        return self

    def pop(self, key: int | slice) -> Any:
        """Take one out, or for a slice several; the others move up."""
        taken = self[key]
        del self[key]
        return taken

    def __add__(self: C, other: Iterable[Module]) -> C:
        """A container of the modules of both."""
        both = [self._checked(module) for module in (*self, *other)]
        return self._of({str(index): module for index, module in enumerate(both)})

    def __iadd__(self: C, other: Iterable[Module]) -> C:
        return self.extend(other)

    @public
    def insert(self: C, index: int, module: Module) -> C:
        """Add a module before position ``index``."""
        modules = list(self)
        modules[index:index] = [module]
        self._replace(modules)
        return self


class Sequential(ModuleSequence):
    """Calls its modules one after the other: ``Sequential(Linear(2, 3), ReLU())``.

    A mapping gives them names of their own.

    >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> model(lazygrad.zeros(5, 4)).shape, list(model.state_dict())[:2]
    ((5, 2), ['0.weight', '0.bias'])
    >>> model[:2]
    Sequential(
      (0): Linear(in_features=4, out_features=8, bias=True)
      (1): ReLU()
    )
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], Mapping):
            named = args[0].items()
        else:
            named = {str(index): module for index, module in enumerate(args)}.items()
        for name, module in named:
            self._add(name, module)

    def _of(self, items: dict[str, Module]) -> Sequential:
        return Sequential(items)

    def __mul__(self, times: int) -> Sequential:
        """Its modules one after the other, ``times`` times; they are shared."""
        return Sequential(*[module for _ in range(times) for module in self])

    __rmul__ = __mul__

    def forward(self, input: Any) -> Any:
        for module in self:
            input = module(input)
        return input


class ModuleList(ModuleSequence):
    """A list of modules that belong to the module which holds it.

    >>> layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
    >>> len(layers), len(list(layers.parameters()))
    (3, 6)
    """

    @public
    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(modules or ())

    def _of(self, items: dict[str, Module]) -> ModuleList:
        return ModuleList(items.values())

    def __repr__(self) -> str:
        return show_module(self, merge_equal=True)
