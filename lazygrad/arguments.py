"""Arguments: what annotations allow, what a range allows, and how values look in messages."""

from __future__ import annotations

import math
import typing
from collections.abc import Callable, Iterable, Mapping
from types import NoneType, UnionType
from typing import Any, NamedTuple, Union

import numpy as np

from lazygrad.element_types import NUMBER_KINDS
from lazygrad.errors import ArgumentError, ShapeError, ValueRangeError
from lazygrad.shape import whole

UNFIT = object()  # what a kind answers to a value that it does not take
SHOWN = 60  # characters of a value in a message
LISTED = 4  # tensors of a list in a message

# Classes that annotations name before they are there, by name: Tensor enters itself.
CLASSES: dict[str, type] = {}


def is_tensor(value: Any) -> bool:
    """Whether it is a Tensor, and not one whose constructor is still running."""
    return hasattr(type(value), "from_numpy") and hasattr(value, "dtype")


def fact_of(value: Any) -> str:
    """The dtype and shape of a tensor or array, or of the tensors in a list; else nothing."""
    if is_tensor(value) or isinstance(value, np.ndarray):
        return f"{value.dtype.name} {value.shape}"
    if isinstance(value, list | tuple) and value and all(map(is_tensor, value)):
        rest = [] if len(value) <= LISTED else [f"... {len(value)} in all"]
        return ", ".join([*map(fact_of, value[:LISTED]), *rest])
    return ""


def shown(value: Any) -> str:
    """A value in a message: short, with its type."""
    if fact := fact_of(value):
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


def numbers(op: str, name: str, given: Any) -> np.ndarray[Any, Any]:
    """Numbers in nested sequences, an array or a Tensor, as float64.

    Raises:
        ArgumentError: for what is none.
    """
    try:
        return np.asarray(given, np.float64)
    except (TypeError, ValueError):
        raise ArgumentError(f"[{op}] {name} must be numbers, got {shown(given)}") from None


def pair(op: str, name: str, given: Any, low: float) -> tuple[Any, Any]:
    """Two numbers of at least ``low``; or one for both.

    Raises:
        ArgumentError: for anything else.
        ValueRangeError: for smaller ones.
    """
    both = (given, given) if isinstance(given, int | float) else given
    if not isinstance(both, list | tuple) or len(both) != 2:
        raise ArgumentError(f"[{op}] {name} must be a number or two, got {shown(given)}")
    for value in both:
        require_range(op, low, **{name: value})
    return both[0], both[1]


# -- kinds of argument -----------------------------------------------------------------------------


class Kind(NamedTuple):
    """One kind of argument.

    Attributes:
        words: its name.
        fit: what it makes of a value (and a device for what has to be made), or UNFIT.
        by_type: whether a value fits or not by its type alone.
    """

    words: str
    fit: Callable[[Any, str | None], Any]
    by_type: bool = True


def _whole(value: Any, device: str | None) -> Any:
    try:
        return whole(value)
    except (TypeError, ShapeError):  # a tensor of several elements
        return UNFIT


def _whole_number(value: Any, device: str | None) -> Any:
    """Where a tensor is allowed as well: one of one element is not read as a number."""
    return UNFIT if is_tensor(value) else _whole(value, device)


def _number(value: Any, device: str | None) -> Any:
    if isinstance(value, np.generic) and value.dtype.kind in NUMBER_KINDS:
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
    """Sequences of such items, as a tuple."""

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


def _tensors(or_none: bool) -> Callable[[Any, str | None], Any]:
    """Tensors to iterate over; None among them where the function has a use for it."""

    def fit(value: Any, device: str | None) -> Any:
        kinds = (CLASSES["Tensor"], NoneType) if or_none else (CLASSES["Tensor"],)
        held = value if isinstance(value, list | tuple) else ()
        fits = all(isinstance(item, kinds) for item in held)
        return _sequence(value, device) if fits else UNFIT

    return fit


KINDS = {
    int: Kind("an integer", _whole),
    float: Kind("a number", _number),
    bool: Kind("True or False", _truth),
    str: Kind("a string", lambda value, device: value if isinstance(value, str) else UNFIT),
    NoneType: Kind("None", lambda value, device: value if value is None else UNFIT),
}
ITEMS = {int: "integers", float: "numbers", str: "strings"}


def kinds_of(hint: Any) -> tuple[Kind, ...]:
    """The kinds that an annotation allows, in its order."""
    if isinstance(hint, typing.TypeVar):
        return kinds_of(hint.__bound__)
    origin = typing.get_origin(hint)
    if origin in (Union, UnionType):
        members = typing.get_args(hint)
        if float in members:  # which takes bools and integers as well
            members = tuple(member for member in members if member not in (bool, int))
        found = {kind.words: kind for member in members for kind in kinds_of(member)}
        if int in members and CLASSES.get("Tensor") in members:
            found[KINDS[int].words] = KINDS[int]._replace(fit=_whole_number)
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
        return (Kind(f"a sequence of {ITEMS[item]}", _sequence_of(KINDS[item]), by_type=False),)
    members = (item, *typing.get_args(item))
    if CLASSES["Tensor"] in members:
        fit = _tensors(NoneType in members)
        return (Kind(f"a sequence of {_plural(item)}", fit, by_type=False),)
    return (Kind(f"a sequence of {_plural(item)}", _sequence),)


def _plural(item: Any) -> str:
    members = typing.get_args(item) if isinstance(item, UnionType) else (item,)
    return " or ".join("None" if m is NoneType else f"{m.__name__}s" for m in members)
