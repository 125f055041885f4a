"""Convolutions with fewer multiplications: windows of three over two dims are taken in tiles, whose
transforms are multiplied instead (``toom_cook`` has the mathematics).

A tile of m results needs (m + 2)² products of each pair of channels, where m² windows of nine need
9 m²: 2.25 times as many for m = 2, 4 times for m = 4. What is multiplied are matrices, one for each
of the (m + 2)² points; around them transforms write and read (m + 2)² / m² of the data. What that
costs decides.

Only float32 is computed like this. Rounding errors are about twice those of the sums. A NaN or an
infinity reaches all results of its tile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product as pairs
from math import prod

from lazygrad import element_types as dt, ops
from lazygrad.graph import Node, node, set_origin, toposort
from lazygrad.kernel.target import Target
from lazygrad.lang.linalg import matmul
from lazygrad.lang.movement import (
    narrow,
    pad,
    permute,
    reshape,
    shrink,
    squeeze,
    transpose,
    unflatten,
    unsqueeze,
)  # fmt: skip
from lazygrad.rewrite import with_sources
from lazygrad.schedule import correlation
from lazygrad.schedule.combinations import product
from lazygrad.schedule.correlation import Correlation
from lazygrad.schedule.toom_cook import POINTS, TAPS, Matrix, filtering, transposed

LAUNCHES = 3  # more than the sum by itself takes
PASSED = 2  # times that an element of a transform passes memory: it is written and read
ACROSS = 2  # times as long for what a kernel becomes: its channels lie far apart in memory
ROWS = 64  # of a matrix that is multiplied
ADDITIONS = 4  # for an element of a transform

Tiles = tuple[int, ...]  # results of a tile along both dims


def with_tiles(roots: Sequence[Node], target: Target) -> list[Node]:
    """``roots`` with the correlations in tiles for which that takes less time."""
    if target.blas or target.is_gpu:  # libraries are too fast for it; on GPUs nobody measured
        return list(roots)
    order = toposort(roots)
    chosen: set[Node] = set()
    inner: set[Node] = set()
    for value in reversed(order):  # a sum of sums from outside
        if value.op is ops.SUM and value not in inner and _best(value, target) is not None:
            chosen.add(value)
            inner.update(correlation.inner_sums(value)[1:])
    if not chosen:
        return list(roots)
    made: dict[Node, Node] = {}
    for value in order:
        made[value] = with_sources(value, tuple([made[operand] for operand in value.src]))
        way = _best(made[value], target) if value in chosen else None
        if way is not None:
            made[value] = way.found.result(way.result(), value.shape)
            if value.origin is not None:
                set_origin(made[value], value.origin)
    return [made[root] for root in roots]


def _best(total: Node, target: Target) -> Way | None:
    """How to take a sum in tiles, if it can be and that pays."""
    found = correlation.find(total)
    if found is None:
        return None
    ways = [Way(found, tiles) for tiles in pairs(POINTS, repeat=correlation.DIMS)]
    best = min(ways, key=lambda way: way.seconds(target))
    return best if best.seconds(target) < best.products / target.throughput else None


@dataclass(frozen=True)
class Way:
    """A correlation in tiles of so many results."""

    found: Correlation
    tiles: Tiles

    # -- what it costs --------------------------------------------------------------------------

    @property
    def counts(self) -> tuple[int, ...]:
        """Tiles along both dims."""
        along = zip(self.found.places, self.tiles, strict=True)
        return tuple(-(-places // m) for places, m in along)

    @property
    def points(self) -> int:
        return prod(m + TAPS - 1 for m in self.tiles)

    @property
    def _dims(self) -> tuple[int, int, int, int]:
        """How many there are of batch, rows, channels and columns."""
        batch, rows, *_, channels = self.found.image.shape
        return batch, rows, channels, self.found.other.shape[-1]

    @property
    def products(self) -> int:
        """What the sum by itself multiplies."""
        return prod(self._dims) * prod(self.found.places) * TAPS**correlation.DIMS

    def seconds(self, target: Target) -> float:
        """What the transforms move, and what is multiplied; more than the sum that reads its
        factors and writes its result."""
        batch, rows, channels, columns = self._dims
        tiles = batch * rows * prod(self.counts)
        kernel = batch * channels * columns  # or the gradient to it
        elements = self.points * (tiles * (channels + columns) + ACROSS * kernel)
        moved = PASSED * elements * dt.float32.itemsize
        work = self.points * tiles * channels * columns + ADDITIONS * elements
        return LAUNCHES * target.launch + moved / target.bandwidth + work / target.throughput

    # -- what it is -----------------------------------------------------------------------------

    @property
    def parts(self) -> int:
        """In how many parts the rows are taken: as few tiles a part as rows of a matrix are worth
        multiplying, unless reading what the kernel becomes for each part takes longer than to pass
        all parts at once through memory. Over places there is one sum of all."""
        _, rows, channels, columns = self._dims
        if self.found.over_places:
            return 1
        tiles = prod(self.counts)
        most = rows * tiles * (channels + columns) // (channels * columns)
        found = (n for n in range(1, rows + 1) if rows % n == 0 and rows // n * tiles >= ROWS)
        return max((n for n in found if n <= most), default=1)

    def result(self) -> Node:
        """The sum, of its dims in groups."""
        first, second = (filtering(m) for m in self.tiles)
        batch, _, channels, columns = self._dims
        over_places = self.found.over_places
        data = first.data, second.data
        image = self._of_tiles(self.found.image, data, TAPS - 1, over_places)
        image = reshape(image, (self.parts, self.points, batch, -1, channels))
        if over_places:
            back = transposed(first.back), transposed(second.back)
            other = self._of_tiles(self.found.other, back, 0, over_places)
            other = reshape(other, (1, self.points, batch, -1, columns))
            return self._taps(squeeze(matmul(transpose(image, 3, 4), other), 0))
        other = _stacked(product(first.taps, _apart(self.found.other, 1)), 0)
        other = _stacked(product(second.taps, _apart(other, 2)), 0)
        other = reshape(other, (1, self.points, batch, channels, columns))
        return self._back(matmul(image, other))

    def _of_tiles(
        self, value: Node, matrices: Sequence[Matrix], overlap: int, turned: bool
    ) -> Node:
        """``value``, (b, n, h, w, c), at the points of tiles that reach so far into the next ones:
        (parts, points.., b, n, tiles.., c), those of the second dim first; or ``turned``, those of
        the first: a gradient has a value of its own, or that of the convolution would be kept for
        it all the time between."""
        starts = self.found.starts if overlap else (0, 0)
        value = transpose(unflatten(value, 1, (self.parts, -1)), 0, 1)
        along = [*zip((3, 4), matrices, self.counts, self.tiles, starts, strict=True)]
        for done, (dim, matrix, count, m, start) in enumerate(along[::-1] if turned else along):
            axis = dim + done
            tiles = count + (overlap > 0)
            edge = -start, tiles * m + start - value.shape[axis]
            padded = pad(value, [edge if dim == axis else (0, 0) for dim in range(value.ndim)])
            split = unflatten(padded, axis, (tiles, m))
            parts = [
                narrow(part, axis, later, count)
                for later in range(tiles - count + 1)
                for part in _apart(split, axis + 1)
            ]
            value = _stacked(product(matrix, parts[: m + overlap]), 1)
        return value

    def _back(self, products: Node) -> Node:
        """(b, n, p.., k) of what was multiplied."""
        first, second = (filtering(m) for m in self.tiles)
        batch, rows, _, columns = self._dims
        each = self.parts, *self._points, batch, rows // self.parts, *self.counts, columns
        value = reshape(products, each)
        value = _stacked(product(second.back, _apart(value, 1)), 6)
        value = _stacked(product(first.back, _apart(value, 1)), 4)
        value = transpose(value, 0, 1)
        whole = (count * m for count, m in zip(self.counts, self.tiles, strict=True))
        value = reshape(value, (batch, rows, *whole, columns))
        return shrink(value, [(0, n) for n in (batch, rows, *self.found.places, columns)])

    def _taps(self, products: Node) -> Node:
        """(b, c, t.., k) of what was multiplied, in memory (b, k, c, t..)."""
        first, second = (filtering(m) for m in self.tiles)
        value = reshape(products, (*self._points[::-1], *products.shape[1:]))
        value = _stacked(product(transposed(first.taps), _apart(value, 0)), 0)
        taps = product(transposed(second.taps), _apart(value, 1))
        value = _stacked([permute(x, (1, 3, 2, 0)) for x in taps], 4)
        return permute(value, (0, 2, 3, 4, 1))

    @property
    def _points(self) -> tuple[int, ...]:
        """Along both dims, the second one first."""
        return tuple(m + TAPS - 1 for m in reversed(self.tiles))


def _apart(value: Node, axis: int) -> list[Node]:
    """The values along a dim."""
    return [squeeze(narrow(value, axis, i, 1), axis) for i in range(value.shape[axis])]


def _stacked(values: Sequence[Node], axis: int) -> Node:
    """Values side by side in memory, as a new dim."""
    return node(ops.JOIN, tuple(unsqueeze(value, axis) for value in values), axis)
