"""Functions and operators of Tensors that are a function of nodes and nothing more.

Operators tell errors themselves and not through ``public``: nothing is as hot.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from lazygrad.bridge import operand, read, required, wrap
from lazygrad.casting import HALF, casting
from lazygrad.errors import ArgumentError
from lazygrad.functional.arguments import Operand
from lazygrad.graph import Node
from lazygrad.handle import Handle
from lazygrad.lang.linalg import matmul
from lazygrad.public import ARGUMENT_ERRORS, public, told

if TYPE_CHECKING:
    from lazygrad.tensor_class import Tensor

T = TypeVar("T")


def unary(function: Callable[[Node], Node], call: str, gives: str) -> Callable[[Tensor], Tensor]:
    """The public function that applies ``function``, under its name; its example is a call and
    what that gives."""
    label = function.__name__

    def applied(input: Tensor) -> Tensor:
        return wrap(function(read(input)), label)

    return _public(applied, function, call, gives)


def binary(
    function: Callable[[Any, Any], Node], call: str, gives: str
) -> Callable[[Tensor, Operand], Tensor]:
    """The public function that applies ``function`` to a tensor and another operand."""
    label = function.__name__

    def applied(input: Tensor, other: Operand) -> Tensor:
        return wrap(function(read(input), required(label, other, input)), label)

    return _public(applied, function, call, gives)


def either(
    function: Callable[[Any, Any], Node], call: str, gives: str
) -> Callable[[Operand, Operand], Tensor]:
    """The public function that applies ``function`` to two operands, of which one is a tensor."""
    label = function.__name__

    def applied(input: Operand, other: Operand) -> Tensor:
        like = tensor_among(label, input, other)
        return wrap(function(operand(input, like), operand(other, like)), label)

    return _public(applied, function, call, gives)


def tensor_among(op: str, *operands: Operand) -> Tensor:
    """The first tensor of several operands.

    Raises:
        ArgumentError: if there is none.
    """
    for given in operands:
        if isinstance(given, Handle):
            return given
    raise ArgumentError(f"[{op}] needs a Tensor among its operands, got {operands!r}")


def several(kind: Callable[..., T], made: Iterable[Node], label: str) -> T:
    """``kind`` of new handles: what a function of several results, called ``label``, returns."""
    return kind(*[wrap(node, label) for node in made])


def operator(function: Callable[[Any, Any], Node]) -> Callable[[Tensor, Any], Tensor]:
    """The infix operator of ``function``, which leaves operands that it does not know to them."""
    label = function.__name__

    def method(self: Tensor, other: Any) -> Tensor:
        try:
            second = operand(other, self)
            if second is NotImplemented:
                return NotImplemented
            return wrap(function(read(self), second), label)
        except ARGUMENT_ERRORS as error:
            told(error, label, {"self": self, "other": other})
            raise error.with_traceback(None) from None

    return _named(method, function)


def infix(
    function: Callable[[Any, Any], Node],
) -> tuple[Callable[[Tensor, Any], Tensor], Callable[[Tensor, Any], Tensor]]:
    """The operator of ``function``, and that of an operand on the left that is no Tensor."""

    def reflected(own: Any, other: Any) -> Node:
        return function(other, own)

    return operator(function), operator(_named(reflected, function))


def product(reverse: bool) -> Callable[[Tensor, Any], Tensor]:
    """The operator @, which has no meaning for numbers."""

    def method(self: Tensor, other: Any) -> Tensor:
        if casting.now is not None:
            (self, other), _ = casting.now.cast(HALF, (self, other), {})
        second = operand(other, self)
        if not isinstance(second, Node):
            return NotImplemented
        own = read(self)
        left, right = (second, own) if reverse else (own, second)
        try:
            return wrap(matmul(left, right), "matmul")
        except ARGUMENT_ERRORS as error:
            sides = ("other", "self") if reverse else ("self", "other")
            told(error, "matmul", dict.fromkeys(sides) | {"self": self, "other": other})
            raise error.with_traceback(None) from None

    return _named(method, matmul)


def _public(made: Callable[..., Any], function: Callable[..., Node], call: str, gives: str) -> Any:
    """A function of the family whose module asks for it."""
    titled(made, function.__name__, exemplified(function.__doc__, call, gives))
    made.__module__ = sys._getframe(2).f_globals["__name__"]
    return public(made)


def _named(made: Callable[..., Any], function: Callable[..., Node]) -> Callable[..., Any]:
    return titled(made, function.__name__, function.__doc__)


def titled(made: Callable[..., Any], name: str, doc: str | None) -> Callable[..., Any]:
    """A function made by another one, under its own name."""
    made.__name__ = made.__qualname__ = name
    made.__doc__ = doc
    return made


def exemplified(text: str | None, call: str, gives: str) -> str:
    """A docstring that ends with an example: what the expression ``call`` gives."""
    return f"{(text or '').rstrip()}\n\n    >>> {call}\n    {gives}\n    "
