"""Scope: the blocks that are open while a nest is written, and what each of them knows.

A variable belongs to a depth, the block in which it was defined. Asking for the same thing twice
gives the same variable, so every subexpression is computed once, in the outermost block that can.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager

from lazygrad.codegen.nest import Statement
from lazygrad.kernel.index import Index, Range


class Block:
    """The body of a loop while it is being written."""

    __slots__ = ("known", "statements")

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self.known: dict[Hashable, object] = {}


class Scope:
    """The open blocks, outermost first."""

    def __init__(self) -> None:
        self.stack = [Block()]
        self.depth_of: dict[str, int] = {}
        self.counters: set[str] = set()  # of the loops that are open, and of work-items
        self._used: dict[str, int] = {}

    @property
    def depth(self) -> int:
        """Depth of the innermost open block."""
        return len(self.stack) - 1

    def fresh(self, prefix: str) -> str:
        """A name that nothing has yet: sum_0, sum_1, ..."""
        number = self._used.get(prefix, 0)
        self._used[prefix] = number + 1
        return f"{prefix}_{number}"

    def counter(self, axis: str) -> str:
        """A name for what counts along an axis: its own, if no loop around has it."""
        name = self.fresh(f"{axis}_again") if axis in self.counters else axis
        self.counters.add(name)
        return name

    def define(self, name: str, depth: int) -> str:
        self.depth_of[name] = depth
        return name

    def add(self, statement: Statement, depth: int | None = None) -> None:
        """Appends to the innermost block, or to the one at ``depth``: there it stands before the
        loops that are still open below."""
        self.stack[-1 if depth is None else depth].statements.append(statement)

    def once(
        self,
        key: Hashable,
        depth: int,
        prefix: str,
        make: Callable[[str], Statement],
        named: Callable[[str], str] | None = None,
    ) -> str:
        """The variable that ``make`` defines, made on the first request only, and ``named``."""
        known = self.stack[depth].known
        found = known.get(key)
        if isinstance(found, str):
            return found
        name = self.define((named or self.fresh)(prefix), depth)
        self.stack[depth].statements.append(make(name))
        known[key] = name
        return name

    @contextmanager
    def block(self) -> Iterator[Block]:
        """Opens a block inside the innermost one; the caller appends the loop around it."""
        opened = Block()
        self.stack.append(opened)
        try:
            yield opened
        finally:
            self.stack.pop()

    @contextmanager
    def at(self, depth: int) -> Iterator[None]:
        """Closes, for a while, what is deeper than ``depth``: what is written goes before it."""
        inner = self.stack[depth + 1 :]
        del self.stack[depth + 1 :]
        try:
            yield
        finally:
            self.stack.extend(inner)


class Point:
    """Where an expression is evaluated: an index over the nest's variables for each range."""

    __slots__ = ("_keys", "depths", "indices", "lanes")

    def __init__(
        self,
        indices: Mapping[Range, Index] | None = None,
        depths: Mapping[Range, int] | None = None,
        lanes: Mapping[Range, int] | None = None,
    ) -> None:
        self.indices: Mapping[Range, Index] = indices or {}
        self.depths: Mapping[Range, int] = depths or {}
        self.lanes: Mapping[Range, int] = lanes or {}
        self._keys: dict[frozenset[Range], tuple[tuple[Index, ...], int]] = {}

    def bind(self, r: Range, index: Index, depth: int, lanes: int = 1) -> Point:
        """A point with one more range bound; ``lanes`` tells that the index is a vector."""
        wider = self.lanes if lanes == 1 else {**self.lanes, r: lanes}
        return Point({**self.indices, r: index}, {**self.depths, r: depth}, wider)

    def key(self, ranges: frozenset[Range]) -> tuple[tuple[Index, ...], int]:
        """What the value of an expression over ``ranges`` depends on here, and its depth."""
        found = self._keys.get(ranges)
        if found is None:
            ordered = sorted(ranges, key=lambda r: r.name)
            depth = max((self.depths[r] for r in ordered), default=0)
            found = tuple(self.indices[r] for r in ordered), depth
            self._keys[ranges] = found
        return found

    def width(self, ranges: frozenset[Range]) -> int:
        """Lanes of a value that depends on ``ranges``."""
        return max((lanes for r, lanes in self.lanes.items() if r in ranges), default=1)

    def binds(self, ranges: frozenset[Range]) -> bool:
        """Every one of ``ranges`` has its index."""
        return all(r in self.indices for r in ranges)
