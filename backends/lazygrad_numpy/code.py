"""Generated code as data: nested blocks of lines, the arrays they name, and the scratch memory
that those arrays share.

A program has two functions. ``prepare(scratch)`` names arrays in scratch memory and computes
constants, once a thread; ``bind`` gets what it returned and the memory of the kernel's buffers, and
returns the function that does the work, any number of times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lazygrad.plugin import Range

ALIGNMENT = 64


@dataclass(frozen=True)
class Loop:
    """A range that is walked in blocks; the last block is shorter where ``block`` does not
    divide its size."""

    range: Range
    block: int

    @property
    def is_ragged(self) -> bool:
        return self.range.size % self.block != 0

    @property
    def end(self) -> str:
        if self.is_ragged:
            return f"{self.range.name}_end"
        return f"{self.range.name} + {self.block}"


@dataclass(eq=False)
class Region:
    """A piece of scratch memory, alive from its first to its last line. Regions that are never
    alive together share memory. ``pinned``: alive during the whole launch."""

    nbytes: int
    pinned: bool = False
    offset: int = -1
    first: int = -1
    last: int = -1
    overlaid: list[Region] = field(default_factory=list)  # may start where these end


@dataclass(eq=False)
class Array:
    """An array that the code can name, in any grouping of its ranges into dims.

    Attributes:
        label: what its names start with.
        dtype: of its elements.
        strides: of each range it varies along, in elements.
        extents: how far it reaches along each range: the block's length where it holds one block.
        home: its scratch region, the slot of its buffer, or None for what ``prepare`` computes.
        offset: of its first element, in elements.
        absolute: looped ranges that are cut at the loop's position, not from 0.
        scope: where it gets its value.
    """

    label: str
    dtype: np.dtype[Any]
    strides: Mapping[Range, int]
    extents: Mapping[Range, int]
    home: Region | int | None
    scope: Scope
    offset: int = 0
    absolute: frozenset[Range] = frozenset()

    @property
    def ranges(self) -> frozenset[Range]:
        return frozenset(self.strides)


@dataclass(frozen=True)
class Line:
    """One statement, and the scratch regions that it reads or writes."""

    text: str
    touches: tuple[Region, ...] = ()


@dataclass(eq=False)
class Scope:
    """A block of code: the body of a function or of a loop.

    Attributes:
        parent: the block around it.
        loop: what it is the body of, None for a function.
        shared: the loop's blocks are shared by threads.
        totals: what a loop adds up, by the ufunc that combines parts of it.
        after: lines that follow a loop, once all of it is done.
        head: lines before the others: slices for this step of the loop.
        items: lines and inner loops.
        names: arrays as they are called in here, by (array, dims).
        values: what has been computed in here.
    """

    parent: Scope | None = None
    loop: Loop | None = None
    shared: bool = False
    totals: list[tuple[str, Array]] = field(default_factory=list)
    after: list[Line] = field(default_factory=list)
    head: list[Line] = field(default_factory=list)
    items: list[Line | Scope] = field(default_factory=list)
    names: dict[tuple[Array, Any], str] = field(default_factory=dict)
    values: dict[Any, Any] = field(default_factory=dict)

    def add(self, text: str, *arrays: Array) -> None:
        """Appends a statement that reads or writes ``arrays``."""
        self.items.append(Line(text, regions_of(arrays)))

    def chain(self) -> list[Scope]:
        """This block and those around it, innermost first."""
        found: list[Scope] = []
        current: Scope | None = self
        while current is not None:
            found.append(current)
            current = current.parent
        return found

    def loops(self) -> dict[Range, Loop]:
        """The loops around it, by range."""
        return {s.loop.range: s.loop for s in self.chain() if s.loop is not None}


def regions_of(arrays: Iterable[Array]) -> tuple[Region, ...]:
    """The scratch regions of ``arrays``."""
    return tuple(a.home for a in arrays if isinstance(a.home, Region))


# -- scratch memory ---------------------------------------------------------------------------


def place_regions(body: Scope) -> int:
    """Gives every region in ``body`` an offset; returns the bytes of scratch that are needed."""
    regions = _lifetimes(body)
    placed: list[Region] = []
    for region in sorted(regions, key=lambda r: (r.first, -r.nbytes)):
        alive = [other for other in placed if other.last >= region.first]
        region.offset = _overlay(region, alive)
        if region.offset < 0:
            taken = sorted((o.offset, _rounded(o.offset + o.nbytes)) for o in alive)
            region.offset = _first_gap(taken, region.nbytes)
        placed.append(region)
    return max((_rounded(r.offset + r.nbytes) for r in regions), default=0)


def _overlay(region: Region, alive: Sequence[Region]) -> int:
    """The offset of an operand that dies where ``region`` is written element by element, -1 if
    there is none."""
    for other in region.overlaid:
        if other.last == region.first and other.nbytes == region.nbytes:
            start, end = other.offset, _rounded(other.offset + other.nbytes)
            beside = (o for o in alive if o is not other)
            if all(o.offset >= end or _rounded(o.offset + o.nbytes) <= start for o in beside):
                return start
    return -1


def _lifetimes(body: Scope) -> list[Region]:
    """Sets first and last line of each region; one touched by a loop that did not begin in it
    lives to the end of the loop."""
    found: dict[Region, None] = {}
    position = 0

    def touch(region: Region, at: int) -> None:
        if region not in found:
            found[region] = None
            region.first = at
        region.last = max(region.last, at)

    def walk(scope: Scope) -> None:
        nonlocal position
        start = position
        inside: list[Region] = []
        for item in [*scope.head, *scope.items]:
            if isinstance(item, Scope):
                walk(item)
                continue
            position += 1
            for region in item.touches:
                touch(region, position)
                inside.append(region)
        position += 1
        if scope.loop is not None:
            for region in found:
                if region.first <= start < region.last:
                    region.last = position

    walk(body)
    for region in found:
        if region.pinned:
            region.first, region.last = 0, position + 1
    return list(found)


def _first_gap(taken: Sequence[tuple[int, int]], nbytes: int) -> int:
    offset = 0
    for start, end in taken:
        if start - offset >= nbytes:
            return offset
        offset = max(offset, end)
    return offset


def _rounded(nbytes: int) -> int:
    return -(-nbytes // ALIGNMENT) * ALIGNMENT


# -- text -------------------------------------------------------------------------------------


def render(scope: Scope, depth: int = 1) -> list[str]:
    """The lines of a block, indented."""
    indent = "    " * depth
    lines = [indent + line.text for line in scope.head]
    for item in scope.items:
        if isinstance(item, Line):
            lines.append(indent + item.text)
        else:
            lines.extend(_render_loop(item, depth))
    return lines


def _render_loop(body: Scope, depth: int) -> list[str]:
    loop = body.loop
    assert loop is not None
    indent, name, size = "    " * depth, loop.range.name, loop.range.size
    steps = f"range(0, {size}, {loop.block})"
    lines = [f"{indent}for {name} in {steps}:"]
    if body.shared:
        lines = [f"{indent}for {name} in team.blocks():  # of {steps}"]
    if loop.is_ragged:
        lines.append(f"{indent}    {name}_end = min({name} + {loop.block}, {size})")
    inside = render(body, depth + 1)
    return lines + (inside or [f"{indent}    pass"])
