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
from inspect import CO_VARARGS, signature, unwrap
from typing import Any, TypeVar, cast

from lazygrad.arguments import CLASSES, UNFIT, Kind, fact_of, is_tensor, kinds_of, shown
from lazygrad.casting import casting, role_of
from lazygrad.config import meant
from lazygrad.errors import (
    ArgumentError,
    AxisError,
    DeviceMismatchError,
    ShapeError,
    UnknownDeviceError,
    ValueRangeError,
    WriteError,
)

F = TypeVar("F", bound=Callable[..., Any])

# Errors that are about what a function was given.
ARGUMENT_ERRORS = (
    ShapeError, ArgumentError, AxisError, ValueRangeError, DeviceMismatchError, UnknownDeviceError,
    WriteError,
)  # fmt: skip
GIVEN = "; given "  # what comes after it is ours
ANYTHING = ("Any", Any)  # annotations that are not checked
# What NumPy's users write for names of ours, and PyTorch takes.
OTHER_NAMES = {
    "axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input", "x2": "other",
}  # fmt: skip
OLD_REDUCTION = ("size_average", "reduce")  # how losses were told their reduction before
UNKNOWN: set[type] = set()  # the types that fit under a name that is none of ours
NAMED_BY_CLASS = ("__init__", "forward")


def public(
    function: F, label: str | None = None, hint: Callable[[tuple[Any, ...]], str] | None = None
) -> F:
    """``function`` as users call it; ``label`` is its name in messages, and ``hint`` what they end
    with for these arguments."""
    # read at the first call: reading a thousand signatures takes longer than the rest of an import
    contract: Contract | None = None
    positional: list[set[type] | None] = []
    by_name: dict[str, set[type] | None] = {}
    role = role_of(function)

    @wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        nonlocal contract, positional, by_name
        if contract is None:
            contract = Contract(function, label or _name_of(function))
            positional, by_name = contract.positional, contract.by_name
        try:
            if role is not None and casting.now is not None:
                args, kwargs = casting.now.cast(role, args, kwargs)
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
        except (*ARGUMENT_ERRORS, TypeError, OverflowError) as raised:
            error = contract.refusal(raised, args, kwargs)
            if error is None:  # a TypeError of what is called below
                raise
            if hint is not None:
                error.args = (f"{error}{hint(args)}",)
            raise error.with_traceback(None) from None

    checked.__name__ = label or checked.__name__
    return cast(F, checked)


def alias(function: F, label: str) -> F:
    """A public function under another name, which its errors give."""
    return public(getattr(function, "__wrapped__", function), label)


def _name_of(function: Callable[..., Any]) -> str:
    """Its own name, that of an operator without its bars; of what is called under the name of its
    class, that one."""
    *_, owner, name = ("", *function.__qualname__.split("."))
    if name in NAMED_BY_CLASS:
        return owner
    return name[2:-2] if name.startswith("__") else name


def told(error: Exception, label: str, given: Mapping[str, Any]) -> None:
    """Have ``error`` name ``label``, and every tensor among ``given`` that it does not describe."""
    text = re.sub(r"^\[[^]]*\]", f"[{label}]", str(error)).partition(GIVEN)[0]
    facts = {name: fact for name, value in given.items() if (fact := fact_of(value))}
    if any(word not in text for fact in facts.values() for word in fact.split(" ", 1)):
        text += GIVEN + ", ".join(f"{name}: {fact}" for name, fact in facts.items())
    error.args = (text,)


def _reduce_as_before(given: dict[str, Any]) -> None:
    """Puts ``reduction`` in the place of the two arguments that it came for."""
    size_average, reduce = (given.pop(name, None) for name in OLD_REDUCTION)
    if reduce is not None or size_average is not None:
        summed = "sum" if size_average is False else "mean"
        given["reduction"] = "none" if reduce is False else summed


class Contract:
    """The annotations of a function, and which types of argument have been found to keep them.

    Attributes:
        names: of the positional parameters.
        positional: for each of them the types that fit as they are; None where everything does.
        by_name: the same by name, of all.
        listed: the name of what takes any number of arguments (``*dims``), if there is one. By
            that name they are given as one sequence.
    """

    def __init__(self, function: Callable[..., Any], label: str) -> None:
        self.function, self.label = function, label
        self.by_class = function.__name__ in NAMED_BY_CLASS
        plain = unwrap(function)  # its code says what inspect.signature would, at once
        code, hints = plain.__code__, plain.__annotations__
        count = code.co_argcount + code.co_kwonlyargcount
        self.by_name: dict[str, set[type] | None] = {
            name: None if name == "self" or hints.get(name, Any) in ANYTHING else set()
            for name in code.co_varnames[:count]
        }
        self.names = code.co_varnames[: code.co_argcount]
        self.positional = [self.by_name[name] for name in self.names]
        varied = code.co_varnames[count : count + bool(code.co_flags & CO_VARARGS)]
        self.listed = varied[0] if varied else None
        others = [other for other, ours in OTHER_NAMES.items() if ours in self.by_name]
        old = OLD_REDUCTION if "reduction" in self.by_name else ()
        for name in ("out", *varied, *others, *old):  # who names one of them is to be fitted
            self.by_name.setdefault(name, UNKNOWN)

    def refusal(
        self, raised: Exception, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Exception | None:
        """What to raise for an error in a call; None where it is none of the arguments."""
        error: Exception | None = raised
        if isinstance(raised, OverflowError):
            error = ValueRangeError(f"[{self.label}] a number does not fit 64 bits: {raised}")
        elif not isinstance(raised, ARGUMENT_ERRORS):
            error = self._unmet(args, kwargs)
        if error is not None:
            told(error, self.label_for(args), self.named(args, kwargs))
        return error

    def _unmet(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> ArgumentError | None:
        """The error for a call that the signature does not take; None if it does. A name that is
        unknown is told of before one that is missing, which it may stand for."""
        takes = signature(self.function)
        try:
            takes.bind(*args, **kwargs)
        except TypeError as raised:
            problem = str(raised)
        else:
            return None
        known = [name for name in takes.parameters if name != "self"]
        strange = [name for name in kwargs if name not in known]
        if strange and not any(p.kind is p.VAR_KEYWORD for p in takes.parameters.values()):
            others = [name for name in OTHER_NAMES if self.by_name.get(name) is UNKNOWN]
            near = meant(strange[0], [*known, *others])
            problem = f"got an unexpected keyword argument {strange[0]!r}{near}"
        return ArgumentError(f"[{self.label}] {problem}; it takes {', '.join(known)}")

    def label_for(self, args: tuple[Any, ...]) -> str:
        """What was called: for a constructor and for forward(), which classes share, the class."""
        return type(args[0]).__name__ if self.by_class and args else self.label

    @cached_property
    def kinds(self) -> dict[str, tuple[Kind, ...]]:
        """What each parameter takes. Looked up late: annotations may name later classes."""
        hints = typing.get_type_hints(self.function, localns=CLASSES)
        closed = {n: t for n, t in self.by_name.items() if t is not None and t is not UNKNOWN}
        return {name: kinds_of(hints[name]) for name in closed}

    def named(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments by the names of their parameters."""
        names = self.names if self.listed is None else (*self.names, self.listed)
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        rest = args[len(self.positional) :]
        return given if len(rest) < 2 else {**given, str(self.listed): rest}

    def fitted(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments as the function takes them: under its names, NumPy's numbers as Python's,
        arrays as Tensors.

        Raises:
            ArgumentError: for one of a kind that its parameter does not take.
        """
        args, kwargs = self._renamed(args, kwargs)
        device = next((v.device for v in (*args, *kwargs.values()) if is_tensor(v)), None)
        given = [self._fitted(n, v, device) for n, v in zip(self.names, args, strict=False)]
        rest = {name: self._fitted(name, value, device) for name, value in kwargs.items()}
        return (*given, *args[len(given) :]), rest

    def _renamed(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments under our names; those that are listed by name are positional ones."""
        found: dict[str, Any] = {}
        for name, value in kwargs.items():
            ours = OTHER_NAMES.get(name, name) if self.by_name.get(name) is UNKNOWN else name
            if ours in found:
                raise ArgumentError(f"[{self.label}] {ours} is given twice, as {name} as well")
            found[ours] = value
        if self.by_name["out"] is UNKNOWN and found.pop("out", None) is not None:
            raise ArgumentError(
                f"[{self.label}] out= is not supported; bind the result to a name, or write it "
                "to a tensor by copy_()"
            )
        if any(self.by_name.get(name) is UNKNOWN and name in found for name in OLD_REDUCTION):
            _reduce_as_before(found)
        before = self.names[len(args) :]
        if self.listed in found and all(name in found for name in before):
            args = (*args, *(found.pop(name) for name in before), found.pop(self.listed))
        return args, found

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
