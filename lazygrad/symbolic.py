"""Numbers of Python that a function is traced with and that differ from call to call.

A symbolic number is computed with like any other: its sums, products and powers are symbolic too,
and remember how they come about, so that the graph which reads them can be given the numbers of
another call. Whoever looks at its value, as ``if``, ``int()`` or an index does, is told it, and
noted: then the function is not the same for all values.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from lazygrad.element_types import DType

if TYPE_CHECKING:
    from lazygrad.graph import Node

Numbers = Sequence[float]  # of a call
Method = Callable[..., Any]


class Recorder(Protocol):
    """Who traces a function with symbolic numbers.

    Attributes:
        looked_at: the numbers of the call whose values somebody has looked at, by their turns.
    """

    looked_at: set[int]

    def number(self, symbol: Symbolic, dtype: DType, device: str) -> Node | None:
        """The leaf that holds it, of no dims; None where this graph cannot have one."""


def leaf_of(value: Any, dtype: DType, device: str) -> Node | None:
    """Where a graph reads a number that is symbolic; None for others."""
    if type(value) is Symbolic and dtype.is_floating_point:
        return value.recorder.number(value, dtype, device)
    return None


def seen(value: Any) -> Any:
    """The value of a number, for somebody whose doings depend on it; anything else as it is."""
    if type(value) is not Symbolic:
        return value
    value.recorder.looked_at |= value.turns
    return value.value


def _computed(function: Method) -> Method:
    """An operation on numbers, of which the result is one again."""

    def method(*operands: Any) -> Any:
        if not all(isinstance(each, float | int) for each in operands):  # a Symbolic passes for one
            return NotImplemented

        def compute(numbers: Numbers) -> Any:
            return function(*(
                each.compute(numbers) if type(each) is Symbolic else each for each in operands
            ))  # fmt: skip

        value = function(*(each.value if type(each) is Symbolic else each for each in operands))
        if not isinstance(value, float | int):  # a power may be complex
            return function(*map(seen, operands))
        own = [each for each in operands if type(each) is Symbolic]
        return Symbolic(value, compute, frozenset().union(*(o.turns for o in own)), own[0].recorder)

    return method


def _both(function: Method) -> tuple[Method, Method]:
    """An operator, and that of a number on the left."""
    return _computed(function), _computed(lambda right, left: function(left, right))


def _compared(function: Method) -> Method:
    def method(self: Any, other: Any) -> Any:
        if not isinstance(other, float | int):
            return NotImplemented
        return function(seen(self), seen(other))

    return method


def _looking(function: Method) -> Method:
    return lambda self, *more: function(seen(self), *more)


class Symbolic:
    """A float or an int. Type checkers never see one: who is given it takes it for a number.

    Attributes:
        value: what it is in the call that is traced.
        compute: what it is in a call with these numbers.
        turns: which of these numbers it hangs on.
        recorder: who traces.
    """

    __slots__ = ("compute", "recorder", "turns", "value")
    __array_ufunc__ = None  # NumPy's numbers leave operations to it

    def __init__(
        self,
        value: float,
        compute: Callable[[Numbers], float],
        turns: frozenset[int],
        recorder: Recorder,
    ) -> None:
        self.value, self.compute, self.turns, self.recorder = value, compute, turns, recorder

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # whoever asks isinstance is told of the number
        return type(self.value)

    def __getattr__(self, name: str) -> Any:
        return getattr(seen(self), name)

    __add__, __radd__ = _both(operator.add)
    __sub__, __rsub__ = _both(operator.sub)
    __mul__, __rmul__ = _both(operator.mul)
    __truediv__, __rtruediv__ = _both(operator.truediv)
    __floordiv__, __rfloordiv__ = _both(operator.floordiv)
    __mod__, __rmod__ = _both(operator.mod)
    __pow__, __rpow__ = _both(operator.pow)
    __neg__, __pos__ = _computed(operator.neg), _computed(operator.pos)
    __abs__ = _computed(operator.abs)

    __eq__, __ne__ = _compared(operator.eq), _compared(operator.ne)
    __lt__, __le__ = _compared(operator.lt), _compared(operator.le)
    __gt__, __ge__ = _compared(operator.gt), _compared(operator.ge)

    __bool__, __int__, __float__ = _looking(bool), _looking(int), _looking(float)
    __index__, __hash__ = _looking(operator.index), _looking(hash)
    __str__, __repr__, __format__ = _looking(str), _looking(repr), _looking(format)
    __round__, __trunc__ = _looking(round), _looking(math.trunc)
    __floor__, __ceil__ = _looking(math.floor), _looking(math.ceil)
    __divmod__, __rdivmod__ = _looking(divmod), _looking(lambda own, left: divmod(left, own))
