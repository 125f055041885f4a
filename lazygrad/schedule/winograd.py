"""Convolutions with fewer multiplications: windows of three over two dims in tiles, whose transforms
are multiplied instead (``toom_cook`` has the mathematics).

A tile of m results needs (m + 2)² products of each pair of channels, where m² windows of nine need
9 m²: 2.25 times as many for m = 2, 4 times for m = 4. What is multiplied are matrices, one for each
of the (m + 2)² points; around them transforms write and read (m + 2)² / m² of the data. What that
costs decides.

Only float32 is computed like this. A NaN or an infinity reaches the other results of its tile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from lazygrad import ops
from lazygrad.graph import Node, node, set_origin, toposort
from lazygrad.kernel.target import Target
from lazygrad.lang.linalg import matmul
from lazygrad.lang.movement import pad, permute, reshape, shrink
from lazygrad.rewrite import with_sources
from lazygrad.schedule import correlation
from lazygrad.schedule.combinations import Tile, in_both_dims
from lazygrad.schedule.correlation import Correlation
from lazygrad.schedule.toom_cook import POINTS, TAPS, Filtering, Matrix, filtering, transposed
from lazygrad.shape import Shape

LAUNCHES = 3  # more than the sum by itself takes
WEIGHED = 2  # times that what is transformed passes memory: it is written and read
ADDITIONS = 4  # for an element of a transform

Tiles = tuple[int, ...]  # results of a tile along both dims


def with_tiles(roots: Sequence[Node], target: Target) -> list[Node]:
    """``roots`` with the correlations in tiles for which that takes less time."""
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


def _best(total: Node, target: Target) -> _Way | None:
    """How to take a sum in tiles, if it can be and that pays."""
    found = correlation.find(total)
    if found is None:
        return None
    ways = [_Way(found, tiles) for tiles in product(POINTS, repeat=correlation.DIMS)]
    best = min(ways, key=lambda way: way.seconds(target))
    return best if best.seconds(target) < best.products / target.throughput else None


@dataclass(frozen=True)
class _Way:
    """A correlation in tiles of so many results."""

    found: Correlation
    tiles: Tiles

    # -- what it costs --------------------------------------------------------------------------

    @property
    def counts(self) -> tuple[int, ...]:
        """Tiles along both dims."""
        pairs = zip(self.found.places, self.tiles, strict=True)
        return tuple(-(-places // m) for places, m in pairs)

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
        count = batch * rows * prod(self.counts)
        image, other, result = count * channels, count * columns, batch * channels * columns
        if not self.found.over_places:
            other, result = result, other
        elements = self.points * (image + other + result)
        moved = 4 * WEIGHED * elements / target.bandwidth
        work = self.points * count * channels * columns + ADDITIONS * elements
        return LAUNCHES * target.launch + moved + work / target.throughput

    # -- what it is -----------------------------------------------------------------------------

    @property
    def _filtering(self) -> list[Filtering]:
        return [filtering(m) for m in self.tiles]

    def result(self) -> Node:
        """The sum, of its dims in groups."""
        batch, rows, channels, columns = self._dims
        seen = self._points([f.data for f in self._filtering], self._windows())
        left = reshape(seen, (self.points, batch, -1, channels))
        if self.found.over_places:
            other = self._points([transposed(f.back) for f in self._filtering], self._places())
            right = reshape(other, (self.points, batch, -1, columns))
            return self._taps(matmul(permute(left, (0, 1, 3, 2)), right))
        other = self._points([f.taps for f in self._filtering], self._kernel())
        return self._back(matmul(left, reshape(other, (self.points, batch, channels, columns))))

    def _points(self, matrices: Sequence[Matrix], tile: Tile) -> Node:
        """The values of a tile at all points, in memory of their own, the points outside."""
        at = in_both_dims((matrices[0], matrices[1]), tile)
        return _joined([[reshape(x, (1, 1, *x.shape)) for x in row] for row in at], 0, 1)

    def _windows(self) -> Tile:
        """The image by tiles, which overlap: (b, n, tiles.., c) for each place in a tile."""
        image = self.found.image
        edges = [(0, 0), (0, 0)]
        dims = zip(self.counts, self.tiles, self.found.starts, image.shape[2:4], strict=True)
        edges += [(-start, (count + 1) * m + start - size) for count, m, start, size in dims]
        return self._by_place(pad(image, [*edges, (0, 0)]), TAPS - 1)

    def _places(self) -> Tile:
        """What the image is multiplied by at all places, by tiles."""
        other = self.found.other
        dims = zip(self.counts, self.tiles, self.found.places, strict=True)
        edges = [(0, 0), (0, 0), *((0, count * m - size) for count, m, size in dims), (0, 0)]
        return self._by_place(pad(other, edges), 0)

    def _by_place(self, value: Node, overlap: int) -> Tile:
        (first, m), (second, n) = zip(self.counts, self.tiles, strict=True)
        batch, rows, _, _, last = value.shape
        split = reshape(value, (batch, rows, -1, m, value.shape[3] // n, n, last))

        def at(i: int, j: int) -> Node:
            (low, row), (left, column) = divmod(i, m), divmod(j, n)
            bounds = [(0, batch), (0, rows), (low, low + first), (row, row + 1)]
            bounds += [(left, left + second), (column, column + 1), (0, last)]
            return reshape(shrink(split, bounds), (batch, rows, first, second, last))

        return [[at(i, j) for j in range(n + overlap)] for i in range(m + overlap)]

    def _kernel(self) -> Tile:
        """(b, c, k) for each tap."""
        other = self.found.other
        batch, _, _, channels, columns = other.shape

        def at(i: int, j: int) -> Node:
            bounds = [(0, batch), (i, i + 1), (j, j + 1), (0, channels), (0, columns)]
            return reshape(shrink(other, bounds), (batch, channels, columns))

        return [[at(i, j) for j in range(TAPS)] for i in range(TAPS)]

    def _at_points(self, products: Node, shape: Shape) -> Tile:
        first, second = (m + TAPS - 1 for m in self.tiles)
        split = reshape(products, (first, second, *shape))
        rest = [(0, n) for n in shape]

        def at(i: int, j: int) -> Node:
            return reshape(shrink(split, [(i, i + 1), (j, j + 1), *rest]), shape)

        return [[at(i, j) for j in range(second)] for i in range(first)]

    def _back(self, products: Node) -> Node:
        """(b, n, p.., k) of what was multiplied."""
        batch, rows, _, columns = self._dims
        at = self._at_points(products, (batch, rows, *self.counts, columns))
        found = in_both_dims((self._filtering[0].back, self._filtering[1].back), at)
        first, second = self.counts
        piece = batch, rows, first, 1, second, 1, columns
        joined = _joined([[reshape(x, piece) for x in row] for row in found], 3, 5)
        (m, n), (height, width) = self.tiles, self.found.places
        whole = reshape(joined, (batch, rows, first * m, second * n, columns))
        return shrink(whole, [(0, batch), (0, rows), (0, height), (0, width), (0, columns)])

    def _taps(self, products: Node) -> Node:
        """(b, c, t.., k) of what was multiplied."""
        batch, _, channels, columns = self._dims
        at = self._at_points(products, (batch, channels, columns))
        matrices = [transposed(f.taps) for f in self._filtering]
        found = in_both_dims((matrices[0], matrices[1]), at)
        piece = batch, columns, channels, 1, 1
        turned = [[reshape(permute(x, (0, 2, 1)), piece) for x in row] for row in found]
        return permute(_joined(turned, 3, 4), (0, 2, 3, 4, 1))


def _joined(tile: Tile, first: int, second: int) -> Node:
    """A tile of values side by side along two dims."""
    rows = [node(ops.JOIN, tuple(row), second) for row in tile]
    return node(ops.JOIN, tuple(rows), first)
