"""What a public function promises when it is called wrongly.

``public`` wraps one: arguments are held against its annotations, and an error from below names the
function that the user called and every tensor that it was given, whatever raised it. A call that is
right costs a look at each argument's type and no call of Python.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Mapping
from functools import cached_property, wraps
from inspect import Parameter, signature
from typing import Any, TypeVar, cast

from lazygrad.arguments import UNFIT, Kind, fact_of, is_tensor, kinds_of, shown
from lazygrad.errors import (
    ArgumentError,
    AxisError,
    DeviceMismatchError,
    ShapeError,
    ValueRangeError,
)

F = TypeVar("F", bound=Callable[..., Any])

# Errors that are about what a function was given.
ARGUMENT_ERRORS = (ShapeError, ArgumentError, AxisError, ValueRangeError, DeviceMismatchError)
GIVEN = "; given "  # what comes after it is ours
ANYTHING = ("Any", Parameter.empty)  # annotations that are not checked
NAMED_BY_CLASS = ("__init__", "forward")


def public(function: F, label: str | None = None) -> F:
    """``function`` as users call it; ``label`` is its name in messages."""
    contract = Contract(function, label or _name_of(function))
    positional, by_name = contract.positional, contract.by_name

    @wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        try:
            for value, types in zip(args, positional, strict=False):
                if types is not None and type(value) not in types:
                    args, kwargs = contract.fitted(args, kwargs)
                    break
            else:
                for name in kwargs:
                    types = by_name.get(name)
                    if types is not None and type(kwargs[name]) not in types:
                        args, kwargs = contract.fitted(args, kwargs)
                        break
            return function(*args, **kwargs)
        except ARGUMENT_ERRORS as error:
            told(error, contract.label, contract.named(args, kwargs))
            raise error.with_traceback(None) from None

    return cast(F, checked)


def _name_of(function: Callable[..., Any]) -> str:
    """Its own name; of what is called under the name of its class, that one."""
    *_, owner, name = ("", *function.__qualname__.split("."))
    return owner if name in NAMED_BY_CLASS else name


def told(error: Exception, label: str, given: Mapping[str, Any]) -> None:
    """Have ``error`` name ``label``, and every tensor among ``given`` that it does not describe."""
    text = re.sub(r"^\[[^]]*\]", f"[{label}]", str(error)).partition(GIVEN)[0]
    facts = {name: fact for name, value in given.items() if (fact := fact_of(value))}
    if any(word not in text for fact in facts.values() for word in fact.split(" ", 1)):
        text += GIVEN + ", ".join(f"{name}: {fact}" for name, fact in facts.items())
    error.args = (text,)


class Contract:
    """The annotations of a function, and which types of argument have been found to keep them.

    Attributes:
        positional: for each positional parameter the types that fit as they are; None where
            everything does.
        by_name: the same by name.
    """

    def __init__(self, function: Callable[..., Any], label: str) -> None:
        self.function, self.label = function, label
        self.parameters = signature(function).parameters
        self.by_name: dict[str, set[type] | None] = {
            name: None if name == "self" or parameter.annotation in ANYTHING else set()
            for name, parameter in self.parameters.items()
            if parameter.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
        }
        named = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
        self.positional = [self.by_name[n] for n, p in self.parameters.items() if p.kind in named]

    @cached_property
    def kinds(self) -> dict[str, tuple[Kind, ...]]:
        """What each parameter takes. Looked up late: annotations may name later classes."""
        hints = typing.get_type_hints(self.function)
        checked = [name for name, types in self.by_name.items() if types is not None]
        return {name: kinds_of(hints[name]) for name in checked}

    def named(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments by the names of their parameters."""
        names = [name for name, parameter in self.parameters.items()
                 if parameter.kind is not Parameter.KEYWORD_ONLY]  # fmt: skip
        return {**dict(zip(names, args, strict=False)), **kwargs}

    def fitted(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments as the function takes them: NumPy's numbers as Python's, arrays as Tensors.

        Raises:
            ArgumentError: for one of a kind that its parameter does not take.
        """
        device = next((v.device for v in (*args, *kwargs.values()) if is_tensor(v)), None)
        names = list(self.by_name)[: len(self.positional)]
        given = [self._fitted(n, v, device) for n, v in zip(names, args, strict=False)]
        rest = {name: self._fitted(name, value, device) for name, value in kwargs.items()}
        return (*given, *args[len(given) :]), rest

    def _fitted(self, name: str, value: Any, device: str | None) -> Any:
        types = self.by_name.get(name)
        if types is None or type(value) in types:
            return value
        kinds = self.kinds[name]
        for kind in kinds:
            fit = kind.fit(value, device)
            if fit is value and kind.by_type:
                types.add(type(value))
            if fit is not UNFIT:
                return fit
        *words, last = [kind.words for kind in kinds]
        wanted = f"{', '.join(words)} or {last}" if words else last
        convertible = isinstance(value, list | tuple) and "a Tensor" in (last, *words)
        way_out = "; convert it with Tensor(...)" if convertible else ""
        raise ArgumentError(f"[{self.label}] {name} must be {wanted}, got {shown(value)}{way_out}")
