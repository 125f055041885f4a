"""Which values are written where they are used, and get no variable: what is used once, by a
statement of the same block, as long as the line stays short.

What is read from memory keeps its place, since a store may come in between. So do products of
floats: in one expression with a sum, compilers round both at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from lazygrad.plugin import nest, ops

LONGEST = 60  # characters of an expression that is part of another one
SHORT = 30  # where it is repeated

CALL = re.compile(r"\w+(?=\()")
REPEATING = ops.DIV, ops.MOD, ops.CAST  # of integers: their spelling may repeat an operand
PURE = nest.Let, nest.FromInt, nest.Keep

_USED: Mapping[type, Callable[[Any], Sequence[nest.Value]]] = {
    nest.Let: lambda s: s.operands,
    nest.Accumulate: lambda s: s.operands,
    nest.Keep: lambda s: (s.operand,),
    nest.Fold: lambda s: (s.operand, s.operand),  # its halves
    nest.Combine: lambda s: (s.operand,),
    nest.Move: lambda s: (s.operand,) * s.lanes,
    nest.ToInt: lambda s: (s.value,),
    nest.Put: lambda s: (s.value,),
    nest.Store: lambda s: (s.value,) * (1 if s.stride == 1 and not s.index else s.lanes),
}


class Inlining:
    """Decides for the values of a nest."""

    def __init__(self, body: tuple[nest.Statement, ...]) -> None:
        self._uses: dict[str, int] = {}
        self._user: dict[str, nest.Statement] = {}  # the last one
        self._made: dict[str, int] = {}  # where: the identity of the block
        self._used: dict[str, int] = {}
        self._changing: set[str] = set()  # accumulators, and what is written in terms of them
        for block in _blocks(body):
            self._read(block)

    def _read(self, block: tuple[nest.Statement, ...]) -> None:
        here, uses, user, used = id(block), self._uses, self._user, self._used
        for statement in block:
            kind = type(statement)
            if kind in PURE:
                self._made[statement.name] = here  # type: ignore[union-attr]
            elif kind is nest.Declare:
                self._changing.add(statement.name)  # type: ignore[union-attr]
            find = _USED.get(kind)
            for value in find(statement) if find is not None else ():
                name = value.name
                if name:
                    uses[name] = uses.get(name, 0) + 1
                    user[name] = statement
                    used[name] = here

    def operands(self, s: nest.Statement) -> Sequence[nest.Value]:
        """What ``s`` may write in its line."""
        return _USED.get(type(s), _nothing)(s)

    def allows(self, s: Any, text: str) -> bool:
        """Whether the value that ``s`` computes as ``text`` is written where it is used."""
        name = s.name
        if self._uses.get(name) != 1 or self._made[name] != self._used[name]:
            return False
        product = type(s) is nest.Let and s.op is ops.MUL and s.dtype.is_floating_point
        if product and s.operands[1].literal != -1:
            return False
        if any(operand.name in self._changing for operand in self.operands(s)):
            return False
        return len(text) <= _room(self._user[name])


def _nothing(statement: Any) -> Sequence[nest.Value]:
    return ()


def _room(user: nest.Statement) -> int:
    """Characters that an operand may have where ``user`` writes it."""
    if not isinstance(user, nest.Let):
        return LONGEST
    if user.op is ops.MAX:
        return SHORT
    if user.op in REPEATING and user.dtype.is_integer:
        return 0
    return LONGEST


def _blocks(body: tuple[nest.Statement, ...]) -> Iterator[tuple[nest.Statement, ...]]:
    yield body
    for statement in body:
        if isinstance(statement, nest.BLOCKS):
            yield from _blocks(statement.body)


def needs_brackets(text: str) -> bool:
    """Whether an expression is to be kept together in another one: it is no name, and no call."""
    start = CALL.match(text)
    return start is None or start.end() + _closing(text[start.end() :]) != len(text) - 1


def bare(text: str) -> str:
    """Without brackets around all of it."""
    while text.startswith("(") and _closing(text) == len(text) - 1:
        text = text[1:-1]
    return text


def _closing(text: str) -> int:
    """Where the first bracket is closed."""
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if not depth:
            return position
    return -1
