"""What a public function promises when it is called wrongly.

``public`` wraps one: arguments are held against its annotations, and an error from below names the
function that the user called and every tensor that it was given, whatever raised it. A call that is
right costs a look at each argument's type and no call of Python.
"""

from __future__ import annotations

import math
import re
import typing
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, wraps
from inspect import Parameter, signature
from types import NoneType, UnionType
from typing import Any, NamedTuple, TypeVar, Union, cast

import numpy as np

from lazygrad.errors import (
    ArgumentError,
    AxisError,
    DeviceMismatchError,
    ShapeError,
    ValueRangeError,
)
from lazygrad.shape import whole

F = TypeVar("F", bound=Callable[..., Any])

# Errors that are about what a function was given.
ARGUMENT_ERRORS = (ShapeError, ArgumentError, AxisError, ValueRangeError, DeviceMismatchError)
UNFIT = object()  # what a kind answers to a value that it does not take
GIVEN = "; given "  # what comes after it is ours
SHOWN = 60  # characters of a value in a message
LISTED = 4  # tensors of a list in a message
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
    facts = {name: fact for name, value in given.items() if (fact := _fact(value))}
    if any(word not in text for fact in facts.values() for word in fact.split(" ", 1)):
        text += GIVEN + ", ".join(f"{name}: {fact}" for name, fact in facts.items())
    error.args = (text,)


def is_tensor(value: Any) -> bool:
    """Whether it is a Tensor, and not one whose constructor is still running."""
    return hasattr(type(value), "from_numpy") and hasattr(value, "dtype")


def _fact(value: Any) -> str:
    """The dtype and shape of a tensor or array, or of the tensors in a list; else nothing."""
    if is_tensor(value) or isinstance(value, np.ndarray):
        return f"{value.dtype.name} {value.shape}"
    if isinstance(value, list | tuple) and value and all(map(is_tensor, value)):
        rest = [] if len(value) <= LISTED else [f"... {len(value)} in all"]
        return ", ".join([*map(_fact, value[:LISTED]), *rest])
    return ""


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
        return {name: _kinds(hints[name]) for name in checked}

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
            if fit is value:
                types.add(type(value))
            if fit is not UNFIT:
                return fit
        *words, last = [kind.words for kind in kinds]
        wanted = f"{', '.join(words)} or {last}" if words else last
        convertible = isinstance(value, list | tuple) and "a Tensor" in (last, *words)
        way_out = "; convert it with Tensor(...)" if convertible else ""
        raise ArgumentError(f"[{self.label}] {name} must be {wanted}, got {shown(value)}{way_out}")


def shown(value: Any) -> str:
    """A value in a message: short, with its type."""
    if fact := _fact(value):
        what = "an array" if isinstance(value, np.ndarray) else "Tensors"
        return f"a Tensor ({fact})" if is_tensor(value) else f"{what} ({fact})"
    if value is None:
        return "None"
    text = repr(value)
    text = text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
    return f"{text} ({type(value).__name__})"


def require_range(op: str, low: float = -math.inf, high: float = math.inf, **values: Any) -> None:
    """Finite numbers from ``low`` to ``high``, by the names of their arguments.

    Raises:
        ArgumentError: for what is no number.
        ValueRangeError: for another number.
    """
    for name, value in values.items():
        if not isinstance(value, int | float):
            raise ArgumentError(f"[{op}] {name} must be a number, got {shown(value)}")
        if not (low <= value <= high and abs(value) < math.inf):
            least = f"at least {low}" if low > -math.inf else "finite"
            wanted = least if high == math.inf else f"from {low} to {high}"
            raise ValueRangeError(f"[{op}] {name} must be {wanted}, got {value}")


# -- kinds of argument -----------------------------------------------------------------------------


class Kind(NamedTuple):
    """One kind of argument: its name in words, and what it makes of a value, or UNFIT."""

    words: str
    fit: Callable[[Any, str | None], Any]


def _whole(value: Any, device: str | None) -> Any:
    try:
        return whole(value)
    except (TypeError, ShapeError):  # a tensor of several elements
        return UNFIT


def _number(value: Any, device: str | None) -> Any:
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        return value.item()
    return value if isinstance(value, int | float) else UNFIT


def _truth(value: Any, device: str | None) -> Any:
    if isinstance(value, np.bool_):
        return bool(value)
    return value if isinstance(value, bool) else UNFIT


def _sequence(value: Any, device: str | None) -> Any:
    """Anything to iterate over; what it holds is for the function to check."""
    alone = isinstance(value, str | bytes | Mapping) or is_tensor(value)
    return value if isinstance(value, Iterable) and not alone else UNFIT


def _sequence_of(item: Kind) -> Callable[[Any, str | None], Any]:
    """Sequences of such items, as a tuple: a new one, because no type says what is in it."""

    def fit(value: Any, device: str | None) -> Any:
        if _sequence(value, device) is UNFIT:
            return UNFIT
        items = [item.fit(held, device) for held in value]
        return UNFIT if UNFIT in items else tuple(items)

    return fit


def _instance(kind: type) -> Kind:
    """Instances of a class; NumPy arrays too, where the class can be made from them."""

    def fit(value: Any, device: str | None) -> Any:
        if isinstance(value, np.ndarray) and hasattr(kind, "from_numpy"):
            value = kind.from_numpy(value, device)
        return value if isinstance(value, kind) else UNFIT

    article = "an" if kind.__name__[0] in "AEIOUaeiou" else "a"
    return Kind(f"{article} {kind.__name__}", fit)


ANYTHING = ("Any", Parameter.empty)  # annotations that are not checked
KINDS = {
    int: Kind("an integer", _whole),
    float: Kind("a number", _number),
    bool: Kind("True or False", _truth),
    str: Kind("a string", lambda value, device: value if isinstance(value, str) else UNFIT),
    NoneType: Kind("None", lambda value, device: value if value is None else UNFIT),
}
ITEMS = {int: "integers", float: "numbers", str: "strings"}


def _kinds(hint: Any) -> tuple[Kind, ...]:
    """The kinds that an annotation allows, in its order."""
    origin = typing.get_origin(hint)
    if origin in (Union, UnionType):
        members = typing.get_args(hint)
        if float in members:  # which takes bools and integers as well
            members = tuple(member for member in members if member not in (bool, int))
        found = {kind.words: kind for member in members for kind in _kinds(member)}
        return tuple(found.values())
    if hint is Any:
        return (Kind("anything", lambda value, device: value),)
    if hint in KINDS:
        return (KINDS[hint],)
    if origin is None:
        return (_instance(hint),)
    if issubclass(origin, Mapping):
        return (_instance(origin)._replace(words="a mapping"),)
    if not issubclass(origin, Iterable):
        return (_instance(origin)._replace(words="a function"),)
    item = typing.get_args(hint)[0]
    if item in KINDS:
        return (Kind(f"a sequence of {ITEMS[item]}", _sequence_of(KINDS[item])),)
    return (Kind(f"a sequence of {_plural(item)}", _sequence),)


def _plural(item: Any) -> str:
    members = typing.get_args(item) if isinstance(item, UnionType) else (item,)
    return " or ".join("None" if m is NoneType else f"{m.__name__}s" for m in members)
