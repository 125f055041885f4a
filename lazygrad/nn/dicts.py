"""Modules and parameters by name, and parameters in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lazygrad.arguments import shown
from lazygrad.errors import ArgumentError, AxisError
from lazygrad.nn.module import Module
from lazygrad.nn.parameter import Parameter
from lazygrad.public import public
from lazygrad.tensor_class import Tensor

Pairs = Mapping[str, Any] | Iterable[tuple[str, Any]]


class _Named(Module):
    """A dict whose values are attributes: it says which they are, and what may be one."""

    def _keys(self) -> list[str]:
        raise NotImplementedError

    def _fitted(self, value: Any) -> Any:
        """``value`` as it is held.

        Raises:
            ArgumentError: for what cannot be.
        """
        raise NotImplementedError

    def __getitem__(self, key: str) -> Any:
        if key not in self._keys():
            raise KeyError(key)
        return vars(self)[key]

    def __setitem__(self, key: str, value: Any) -> None:
        fitted = self._fitted(value)
        if key not in self._keys():
            if not isinstance(key, str):
                raise ArgumentError(f"[{type(self).__name__}] a key must be a string, got {key!r}")
            self._check_name(key)
        self._hold(key, fitted)

    def _hold(self, key: str, value: Any) -> None:
        setattr(self, key, value)

    def __delitem__(self, key: str) -> None:
        if key not in self._keys():
            raise KeyError(key)
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._keys())

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys())

    def __contains__(self, key: object) -> bool:
        return key in self._keys()

    def keys(self) -> list[str]:
        """The names, in the order in which they came."""
        return self._keys()

    def values(self) -> list[Any]:
        """What is held."""
        return [vars(self)[key] for key in self._keys()]

    def items(self) -> list[tuple[str, Any]]:
        """Both."""
        return [(key, vars(self)[key]) for key in self._keys()]

    def clear(self) -> None:
        """Hold nothing."""
        for key in self._keys():
            delattr(self, key)

    def pop(self, key: str) -> Any:
        """Take one out."""
        value = self[key]
        del self[key]
        return value

    def update(self, other: Any) -> None:
        """Take over all of a mapping, or of pairs of a name and a value."""
        pairs = other.items() if isinstance(other, Mapping | _Named) else other
        try:
            listed = [(key, value) for key, value in pairs]
        except (TypeError, ValueError):
            raise ArgumentError(
                f"[{type(self).__name__}] needs a mapping or pairs of a name and a value, got "
                f"{shown(other)}"
            ) from None
        for key, value in listed:
            self[key] = value


class ModuleDict(_Named):
    """A dict of modules that belong to the module which holds it.

    Raises:
        ArgumentError: for a value that is no Module.

    >>> heads = nn.ModuleDict({"labels": nn.Linear(4, 10), "boxes": nn.Linear(4, 4)})
    >>> heads["boxes"](lazygrad.zeros(2, 4)).shape, [name for name, _ in heads.named_parameters()]
    ((2, 4), ['labels.weight', 'labels.bias', 'boxes.weight', 'boxes.bias'])
    """

    @public
    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def _keys(self) -> list[str]:
        return [name for name, value in vars(self).items() if isinstance(value, Module)]

    def _fitted(self, value: Any) -> Module:
        if isinstance(value, Module):
            return value
        raise ArgumentError(
            f"[ModuleDict] can hold Modules only, got {shown(value)}; wrap it in a Module whose "
            "forward() calls it"
        )


class _Parameters(Module):
    """What is held by lists and dicts of parameters: a Tensor becomes a Parameter, anything else
    stays what it is."""

    def __init__(self) -> None:
        super().__init__()
        self.__dict__["_held"] = []

    def _keys(self) -> list[str]:
        held: list[str] = self.__dict__["_held"]
        return list(held)

    def _fitted(self, value: Any) -> Any:
        return Parameter(value) if isinstance(value, Tensor) and not isinstance(
            value, Parameter) else value  # fmt: skip

    def _hold(self, key: str, value: Any) -> None:
        if key not in self.__dict__["_held"]:
            self.__dict__["_held"].append(key)
        self.__dict__.pop(key, None)  # also where a Parameter was
        setattr(self, key, value)

    def __delattr__(self, name: str) -> None:
        if name in self.__dict__["_held"]:
            self.__dict__["_held"].remove(name)
        super().__delattr__(name)

    def extra_repr(self) -> str:
        lines = [f"({key}): {_described(vars(self)[key])}" for key in self._keys()]
        return "\n".join(lines)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise ArgumentError(f"[{type(self).__name__}] only holds parameters; it is not called")


def _described(value: Any) -> str:
    if not isinstance(value, Tensor):
        return f"Object of type: {type(value).__name__}"
    kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
    return f"{kind} containing: [{value.dtype.name} of size {'x'.join(map(str, value.shape))}]"


class ParameterDict(_Parameters, _Named):
    """A dict of parameters that belong to the module which holds it.

    >>> scales = nn.ParameterDict({"left": lazygrad.ones(2)})
    >>> scales["left"].requires_grad
    True
    """

    @public
    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        if parameters is not None:
            self.update(parameters)

    def setdefault(self, key: str, default: Any = None) -> Any:
        """What is held under ``key``, which is ``default`` if there was nothing."""
        if key not in self:
            self[key] = default
        return self[key]

    def get(self, key: str, default: Any = None) -> Any:
        """What is held under ``key``, or ``default``."""
        return vars(self)[key] if key in self._keys() else default


class ParameterList(_Parameters):
    """A list of parameters that belong to the module which holds it, named "0", "1", ...

    >>> biases = nn.ParameterList([lazygrad.zeros(2) for _ in range(3)])
    >>> len(biases), [name for name, _ in biases[1:].named_parameters()]
    (3, ['0', '1'])
    """

    @public
    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self.extend(values or ())

    def __len__(self) -> int:
        return len(self._keys())

    def __iter__(self) -> Iterator[Any]:
        return iter([vars(self)[key] for key in self._keys()])

    def _key_at(self, index: Any) -> str:
        keys = self._keys()
        try:
            return keys[index]
        except TypeError:
            raise ArgumentError(
                f"[ParameterList] an index must be an integer or a slice, got {shown(index)}"
            ) from None
        except IndexError:
            raise AxisError(
                f"[ParameterList] index {index} is out of range for {len(keys)} parameters"
            ) from None

    def __getitem__(self, index: Any) -> Any:
        """One parameter, or for a slice a list that shares them."""
        if isinstance(index, slice):
            return ParameterList(list(self)[index])
        return vars(self)[self._key_at(index)]

    def __setitem__(self, index: int, value: Any) -> None:
        self._hold(self._key_at(index), self._fitted(value))

    def append(self, value: Any) -> ParameterList:
        """Add one at the end."""
        self._hold(str(len(self)), self._fitted(value))
        return self

    @public
    def extend(self, values: Iterable[Any]) -> ParameterList:
        """Add several at the end."""
        for value in list(values):
            self.append(value)
        return self

    def __iadd__(self, values: Iterable[Any]) -> ParameterList:
        return self.extend(values)
