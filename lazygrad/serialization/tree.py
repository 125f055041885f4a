"""Nested states taken apart: Tensors by name, and the rest as JSON; and put together again."""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lazygrad import element_types as dt
from lazygrad.arguments import shown
from lazygrad.element_types import DType
from lazygrad.errors import CheckpointError
from lazygrad.nn import Module, Parameter
from lazygrad.nn.state import stored, tensor_of
from lazygrad.tensor_class import Tensor
from lazygrad.tensorfile import METADATA, Stored

WAYS_OUT = {
    Module: "save its state_dict()",
    type: "save its name",
}
# Containers by the names that files have for them, besides list.
SEQUENCES: dict[str, Callable[[Any], Any]] = {"tuple": tuple, "set": set}
MAPPINGS: dict[str, Callable[[Any], Any]] = {
    "dict": dict, "OrderedDict": OrderedDict, "Counter": lambda pairs: Counter(dict(pairs)),
}  # fmt: skip


class Taken:
    """A state that is taken apart.

    Attributes:
        arrays: what a file holds, by name: the keys on the way to it, with dots between them.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, Stored] = {}
        self._names: dict[int, str] = {}
        self._kept: list[Any] = []  # whose identities are in use

    def apart(self, value: Any, path: tuple[str, ...] = ()) -> Any:
        """``value`` as JSON, with names where Tensors were.

        Raises:
            CheckpointError: for what cannot be saved, with the keys on the way to it.
        """
        kind = type(value)
        if value is None or kind in (bool, int, str):
            return value
        if kind is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if kind is bytes:
            return {"bytes": value.hex()}
        if isinstance(value, DType):
            return {"dtype": value.name}
        if isinstance(value, Tensor):
            role = "parameter" if isinstance(value, Parameter) else "tensor"
            tracked = {"requires_grad": True} if value.requires_grad and value.is_leaf else {}
            return {role: self._named(value, path, stored), **tracked}
        if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in dt.NUMBER_KINDS:
            role = "array" if isinstance(value, np.ndarray) else "number"
            return {role: self._named(value, path, _of_array)}
        if isinstance(value, list):
            return [self.apart(item, (*path, str(i))) for i, item in enumerate(value)]
        if kind.__name__ in SEQUENCES:
            return {kind.__name__: self.apart(list(value), path)}
        if isinstance(value, Mapping):
            return {kind.__name__ if kind.__name__ in MAPPINGS else "dict": [
                [self.apart(key, (*path, "a key")), self.apart(item, (*path, str(key)))]
                for key, item in value.items()
            ]}  # fmt: skip
        if isinstance(value, tuple):  # a named one
            return {"tuple": self.apart(list(value), path)}
        raise _unsaveable(value, path)

    def _named(self, value: Any, path: tuple[str, ...], store: Callable[[Any], Stored]) -> str:
        """The name of an array, which one object has once."""
        known = self._names.get(id(value))
        if known is not None:
            return known
        wanted = ".".join(path) or "value"
        name, number = wanted, 1
        while name in self.arrays or name == METADATA:
            number += 1
            name = f"{wanted}#{number}"
        self.arrays[name] = store(value)
        self._names[id(value)] = name
        self._kept.append(value)
        return name


def _of_array(array: Any) -> Stored:
    dtype = dt.of(np.asarray(array).dtype)
    return Stored(dtype, np.asarray(array, dtype.numpy))


def _unsaveable(value: Any, path: tuple[str, ...]) -> CheckpointError:
    where = ".".join(path)
    what = shown(value) if not callable(value) else f"a {type(value).__name__}"
    way = next((way for kind, way in WAYS_OUT.items() if isinstance(value, kind)), None)
    way = way or "files hold Tensors, arrays, numbers, text, lists, tuples, dicts, and None"
    return CheckpointError(f"[save] {where or 'the state'} is {what}, which no file holds; {way}")


def together(tree: Any, arrays: Mapping[str, Stored], device: str | None) -> Any:
    """The state that ``Taken`` took apart; Tensors are on ``device``."""
    made: dict[tuple[str, str], Any] = {}

    def built(node: Any) -> Any:
        if isinstance(node, list):
            return [built(item) for item in node]
        if not isinstance(node, dict):
            return node
        role, value = next(iter(node.items()))
        if role in LEAVES:
            if (role, value) not in made:
                made[role, value] = LEAVES[role](arrays[value], device, "requires_grad" in node)
            return made[role, value]
        if role in MAPPINGS:
            return MAPPINGS[role]((built(key), built(item)) for key, item in value)
        if role in SEQUENCES:
            return SEQUENCES[role](built(value))
        return PLAIN[role](value)

    try:
        return built(tree)
    except (KeyError, TypeError, ValueError, StopIteration, RecursionError) as error:
        raise CheckpointError(f"its notes on the state make no sense ({error!r})") from None


def _tensor(entry: Stored, device: str | None, tracked: bool) -> Tensor:
    return tensor_of(entry, device).requires_grad_(tracked)


def _parameter(entry: Stored, device: str | None, tracked: bool) -> Parameter:
    return Parameter(tensor_of(entry, device), tracked)


LEAVES: dict[str, Callable[[Stored, str | None, bool], Any]] = {
    "tensor": _tensor,
    "parameter": _parameter,
    "array": lambda entry, device, tracked: entry.values().copy(),
    "number": lambda entry, device, tracked: entry.values()[()],
}
PLAIN: dict[str, Callable[[Any], Any]] = {
    "float": float,
    "bytes": bytes.fromhex,
    "dtype": lambda name: dt.BY_NAME[name],
}
