"""Functions that take note of what they are asked: which of their arguments a table gives."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, NamedTuple

Call = Callable[["Asked", Any, Any], Any]


class Asked:
    """The public functions of a module.

    Attributes:
        given: by the argument, as "function.argument", what was given for it.
    """

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.given: dict[str, list[Any]] = defaultdict(list)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = getattr(self.module, name)
        signature = inspect.signature(function)

        def noting(*args: Any, **kwargs: Any) -> Any:
            for argument, value in signature.bind(*args, **kwargs).arguments.items():
                self.given[f"{name}.{argument}"].append(value)
            return function(*args, **kwargs)

        return noting


class Refused(NamedTuple):
    """What a call raises, instead of a result."""

    error: type[Exception]
    message: str


class Case(NamedTuple):
    """What a call of the functions of a module, of the vector X and the matrix M, gives.

    Attributes:
        jitted: what it gives in a jitted function, if that is something else.
    """

    call: Call
    gives: Any
    jitted: Any = None

    def in_jit(self) -> Any:
        return self.gives if self.jitted is None else self.jitted


X = [1.0, 2.0]
M = [[2.0, 1.0], [1.0, 3.0]]


def public(module: ModuleType) -> Iterator[tuple[str, inspect.Signature]]:
    """The functions of a module, with what they can be given."""
    for name, found in vars(module).items():
        if not name.startswith("_") and callable(found):
            yield name, inspect.signature(found)
