"""Schedule: how the ranges of a kernel are walked, as plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, pairwise
from math import prod

from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import Index, Range
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.running import Running


@dataclass(frozen=True)
class Walk:
    """How one range is walked.

    Attributes:
        tile: elements of a step; all of them are written out.
        lanes: in vectors of this many.
        items: work-items that share the steps (outer ranges only).
        whole_tail: what is left over is one more, smaller step; otherwise a loop of vectors and
            one of scalars.
        together: the work-items of a group share the steps, each takes every group-th.
        cuts: where to go from one loop to the next: between borders, where guards must be checked,
            and the inside.
    """

    tile: int = 1
    lanes: int = 1
    items: int = 1
    whole_tail: bool = False
    cuts: tuple[int, ...] = ()
    together: bool = False

    def __str__(self) -> str:
        parts = [f"{self.items} items"] if self.items > 1 else []
        if self.tile > 1 or not parts:
            parts.append(f"steps of {self.tile}")
        if self.lanes > 1:
            parts.append(f"vectors of {self.lanes}")
        if self.together:
            parts.append("shared by a group")
        if self.cuts:
            parts.append(f"cut at {' and '.join(map(str, self.cuts))}")
        return ", ".join(parts)


def vector_steps(r: Range, lanes: int, many: int) -> Walk:
    """Steps of ``many`` vectors, or fewer if that is all there is."""
    if r.size < 2 * lanes:
        return Walk(r.size, min(lanes, 1 << (r.size.bit_length() - 1)))
    return Walk(lanes * min(many, r.size // lanes), lanes)


@dataclass(frozen=True)
class Segment:
    """``steps`` steps of ``tile`` elements from ``start``."""

    start: int
    steps: int
    tile: int
    lanes: int

    def pieces(self) -> Iterator[tuple[int, int]]:
        """The vectors of a step: offset and lanes; the last ones may be narrower."""
        offset, lanes = 0, self.lanes
        while offset < self.tile:
            while lanes > self.tile - offset:
                lanes //= 2
            yield offset, lanes
            offset += lanes


def segments(size: int, walk: Walk) -> list[Segment]:
    """The steps that together visit 0 ... size - 1 once; without cuts, the first segment is
    the main one."""
    borders = pairwise((0, *walk.cuts, size))
    return [segment for a, b in borders if a < b for segment in _between(a, b, walk)]


def _between(start: int, stop: int, walk: Walk) -> Iterator[Segment]:
    steps, rest = divmod(stop - start, walk.tile)
    if steps or not rest:
        yield Segment(start, steps, walk.tile, walk.lanes)
    start += steps * walk.tile
    if not rest:
        return
    if walk.whole_tail:
        yield Segment(start, 1, rest, walk.lanes)
        return
    vectors = rest // walk.lanes if walk.lanes > 1 else 0
    if vectors:
        yield Segment(start, vectors, walk.lanes, walk.lanes)
    start += vectors * walk.lanes
    if start < stop:
        yield Segment(start, stop - start, 1, 1)


@dataclass(frozen=True)
class Panel:
    """A factor to be copied before it is used again and again: the values of ``factor`` for a step
    of the columns and all of ``summed``, side by side, before the loop over ``rows``."""

    factor: Expr
    rows: Range
    summed: tuple[Range, ...]

    def elements(self, walk: Callable[[Range], Walk]) -> int:
        """How many are copied at a time."""
        columns = self.factor.ranges - {*self.summed}
        return prod(r.size for r in self.summed) * prod(walk(r).tile for r in columns)


@dataclass(frozen=True)
class Row:
    """A costly value that a reduction computes along ``r`` (``inside``) and an output needs along
    ``again`` (``outside``), both in vectors of ``lanes``: to be kept in between."""

    inside: Expr
    r: Range
    outside: Expr
    again: Range
    lanes: int


@dataclass(frozen=True)
class Ahead:
    """What is fetched while the sum of a tile runs: the buffers and indices of ``accesses``, along
    ``rows``, and whether they are written."""

    rows: Range
    accesses: tuple[tuple[int, Index, bool], ...]


PADDING = 4  # elements


@dataclass(frozen=True)
class Side:
    """One side of the block of results that a group computes: ``steps`` vectors of ``lanes`` along
    ``r`` for each of ``members`` work-items."""

    r: Range
    members: int
    steps: int
    lanes: int = 1

    @property
    def size(self) -> int:
        return self.members * self.steps * self.lanes

    @property
    def count(self) -> int:
        """Blocks along ``r``."""
        return -(-self.r.size // self.size)


@dataclass(frozen=True)
class Blocks:
    """A contraction in blocks of ``rows`` by ``columns``, a group each. Step by step, the group
    copies ``depth`` elements along ``summed`` of all factors to memory that it shares.

    Attributes:
        pairs: the factors of the sum, those of the rows first.
        along: the factors whose neighbours in memory are those along ``summed``.
    """

    rows: Side
    columns: Side
    summed: Range
    depth: int
    pairs: tuple[tuple[Expr, Expr], ...]
    along: frozenset[Expr]

    @property
    def group(self) -> int:
        return self.rows.members * self.columns.members

    @property
    def steps(self) -> int:
        """Along the sum."""
        return -(-self.summed.size // self.depth)

    @property
    def factors(self) -> tuple[tuple[Expr, Side], ...]:
        """Every factor that is copied, once, and its side."""
        sided = [((a, self.rows), (b, self.columns)) for a, b in self.pairs]
        return tuple(dict.fromkeys(chain.from_iterable(sided)))

    def pitch(self, factor: Expr, side: Side) -> int:
        """Elements in shared memory from one element of the sum to the next. Neighbours that write
        along the sum are kept out of each other's memory bank."""
        return side.size + (max(PADDING, side.lanes) if factor in self.along else 0)

    def held(self, factor: Expr, side: Side) -> int:
        """Elements in shared memory: those that are summed, and those that are copied meanwhile."""
        return 2 * self.depth * self.pitch(factor, side)

    @property
    def nbytes(self) -> int:
        """Shared memory of a group."""
        itemsize = max(4, *(factor.dtype.itemsize for factor, _ in self.factors))
        return itemsize * sum(self.held(*each) for each in self.factors)

    def __str__(self) -> str:
        rows, columns = self.rows, self.columns
        return (
            f"contraction: blocks of {rows.size} x {columns.size} and {self.depth} of the sum, "
            f"{rows.steps} x {columns.steps * columns.lanes} each for "
            f"{rows.members} x {columns.members} work-items"
        )


@dataclass(frozen=True)
class Schedule:
    """Everything that was decided about a kernel.

    Attributes:
        kernel: in normal form (see ``normal``).
        order: the kernel's ranges, outermost loop first.
        numbering: the same ranges, and the places of what is collected; the last one changes
            fastest from one work-item to the next.
        walks: of every range of the kernel, its outputs and its reductions.
        group: work-items a group.
        wide: integers need 64 bits.
        panels: of a contraction whose columns lie far apart in memory.
        rows: that are kept from a reduction to the outputs.
        ahead: of a contraction whose results go to memory far apart.
        blocks: of a contraction that groups compute.
        running: reductions that are carried along the innermost range.
    """

    kernel: Kernel
    order: tuple[Range, ...]
    numbering: tuple[Range, ...]
    walks: Mapping[Range, Walk]
    group: int = 1
    wide: bool = False
    panels: tuple[Panel, ...] = ()
    rows: tuple[Row, ...] = ()
    ahead: Ahead | None = None
    blocks: Blocks | None = None
    running: tuple[Running, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def walk(self, r: Range) -> Walk:
        return self.walks.get(r, _PLAIN)

    @property
    def together(self) -> bool:
        """Whether the work-items of a group share the work of one."""
        return self.blocks is not None or any(walk.together for walk in self.walks.values())


_PLAIN = Walk()
