"""Convolutions with fewer multiplications: windows of a few taps are taken in tiles, whose
transforms are multiplied instead (``toom_cook`` has the mathematics).

Along a dim, a tile of m results of t taps needs m + t - 1 products of each pair of channels, where
windows need m t: for 3 x 3 taps and tiles of 2 x 2 these are 2.25 times as many, for 4 x 4 4 times.
What is multiplied are matrices, one for each of the (m + t - 1) x .. points of a tile; around them
transforms write and read as much more than the data. What that costs decides.

Only float32 is computed like this. Rounding errors are about twice those of the sums. A NaN or an
infinity reaches all results of its tile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product as combinations
from math import prod

from lazygrad import element_types as dt, ops
from lazygrad.graph import Node, node, set_origin, toposort
from lazygrad.kernel.target import Target
from lazygrad.lang.linalg import matmul
from lazygrad.lang.movement import (
    flatten,
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
from lazygrad.lang.reduce import sum as summed
from lazygrad.rewrite import replaced, with_sources
from lazygrad.schedule import correlation
from lazygrad.schedule.combinations import product
from lazygrad.schedule.correlation import Correlation
from lazygrad.schedule.pieces import side_by_side
from lazygrad.schedule.toom_cook import Filtering, Matrix, filtering, results_of, transposed

# What fits the times of 30 shapes, of 8 to 256 channels and 1 to 64 samples: those that it takes in
# tiles ran in 0.44 to 0.98 of the time of the sums.
LAUNCHES = 8  # more than the sum by itself takes, each waiting for the one before
ACROSS = 2  # times as long for what a kernel becomes: its channels lie far apart in memory
BETWEEN = 2  # times as long for channels between the steps of a stride, which are not side by side
ROWS = 64  # of a matrix that is multiplied
ADDITIONS = 4  # for an element of a transform

Tiles = tuple[int, ...]  # results of a tile along each dim
Simple = Callable[[Node], Node]  # the simplest form of a value


def ways_of(roots: Sequence[Node], target: Target) -> dict[Node, Way]:
    """The correlations below ``roots`` for which it takes less time in tiles, and in which."""
    chosen: dict[Node, Way] = {}
    if target.blas or target.is_gpu:  # libraries are too fast for it; on GPUs nobody measured
        return chosen
    inner: set[Node] = set()
    for value in reversed(toposort(roots)):  # a sum of sums from outside
        if value.op is not ops.SUM or value in inner:
            continue
        found = correlation.find(value)
        if found is not None:
            inner.update(correlation.inner_sums(value)[1:])
            if (way := _best(found, target)) is not None:
                chosen[value] = way
    return chosen


def with_tiles(roots: Sequence[Node], ways: Mapping[Node, Way], simple: Simple) -> list[Node]:
    """``roots`` with these correlations in tiles, each value ``simple`` as it is made, so that all
    of it is made once."""
    made: dict[Node, Node] = {}
    for value in toposort(roots):
        way = ways.get(value)
        if way is None:
            now = with_sources(value, tuple([made[operand] for operand in value.src]))
        else:
            image, other = map(simple, replaced((way.found.image, way.found.other), made))
            found = replace(way.found, image=image, other=other)
            now = found.result(replace(way, found=found).result(simple), value.shape)
            if value.origin is not None:
                set_origin(now, value.origin)
        made[value] = simple(now)
    return [made[root] for root in roots]


def _best(found: Correlation, target: Target) -> Way | None:
    """How to take a sum in tiles, if that pays."""
    ways = [
        Way(found, tiles, target.workers, target.cache)
        for tiles in combinations(*map(results_of, found.taps))
    ]
    best = min(ways, key=lambda way: way.seconds(target))
    return best if best.seconds(target) < best.products / target.throughput else None


@dataclass(frozen=True)
class Way:
    """A correlation in tiles of so many results, by so many ``workers`` that take sections, which
    have a ``cache`` of so many bytes each."""

    found: Correlation
    tiles: Tiles
    workers: int = 0
    cache: int = 0

    # -- what it costs --------------------------------------------------------------------------

    @property
    def counts(self) -> tuple[int, ...]:
        """Tiles along each dim."""
        along = zip(self.found.places, self.tiles, strict=True)
        return tuple(-(-places // m) for places, m in along)

    @property
    def points(self) -> tuple[int, ...]:
        """Along each dim."""
        along = zip(self.tiles, self.found.taps, strict=True)
        return tuple(m + taps - 1 for m, taps in along)

    @property
    def _dims(self) -> tuple[int, int, int, int]:
        """How many there are of batch, rows, channels and columns."""
        batch, rows, *_, channels = self.found.image.shape
        return batch, rows, channels, self.found.other.shape[-1]

    @property
    def products(self) -> int:
        """What the sum by itself multiplies."""
        return prod(self._dims) * prod(self.found.places) * prod(self.found.taps)

    def seconds(self, target: Target) -> float:
        """What the transforms move, and what is multiplied; more than the sum that reads its
        factors and writes its result."""
        batch, rows, channels, columns = self._dims
        tiles, points = batch * rows * prod(self.counts), prod(self.points)
        kernel = batch * channels * columns  # or the gradient to it
        apart = BETWEEN if self.found.strided else 1
        elements = points * (apart * tiles * (channels + columns) + ACROSS * kernel)
        moved = elements * dt.float32.itemsize  # written, and read while a cache holds it
        work = points * tiles * channels * columns + ADDITIONS * elements
        return LAUNCHES * target.launch + moved / target.bandwidth + work / target.throughput

    # -- what it is -----------------------------------------------------------------------------

    @property
    def parts(self) -> int:
        """In how many parts the rows are taken, by kernels that run in sections of them: as few
        tiles a part as rows of a matrix are worth multiplying, unless reading what the kernel
        becomes for each part takes longer than to pass all parts at once through memory. Over
        places, where each part has a sum of its own, as many as need the least memory."""
        _, rows, channels, columns = self._dims
        tiles = prod(self.counts)
        found = [n for n in range(1, rows + 1) if rows % n == 0 and rows // n * tiles >= ROWS]
        if not self.workers or not found:
            return 1
        kernel, data = channels * columns, rows * tiles * (channels + columns)
        if self.found.over_places:
            return min(found, key=lambda n: data * min(1, self.workers / n) + kernel * n)
        return max(n for n in found if n == 1 or n * kernel <= data)

    @property
    def blocks(self) -> int:
        """In how many blocks of tiles along the first dim each part is taken that is one row: as
        few as leave to each what a cache holds, as long as reading the kernel for each takes less
        than writing and reading all tiles."""
        count, *others = self.counts
        _, rows, channels, columns = self._dims
        if self.parts < rows or not self.workers or self.found.over_places:
            return 1
        row = prod(others) * (channels + columns)  # of tiles, at each point
        held = prod(self.points) * row * dt.float32.itemsize
        possible = [n for n in range(1, count + 1) if count % n == 0]
        possible = [n for n in possible if n * channels * columns <= 2 * count * row]
        enough = (n for n in possible if count // n * held <= self.cache)
        return next(enough, max(possible, default=1))

    @property
    def _filters(self) -> list[Filtering]:
        return [*map(filtering, self.tiles, self.found.taps)]

    def result(self, simple: Simple) -> Node:
        """The sum, of its dims in groups; what a transform reads is made ``simple`` before."""
        filters, points = self._filters, prod(self.points)
        batch, _, channels, columns = self._dims
        over_places = self.found.over_places
        data = [f.data for f in filters]
        overlaps = [taps - 1 for taps in self.found.taps]
        image = self._of_tiles(self.found.image, data, overlaps, simple)
        sections = self.parts * self.blocks
        image = reshape(image, (sections, points, batch, -1, channels))
        if over_places:
            back = [transposed(f.back) for f in filters]
            other = self._of_tiles(self.found.other, back, [0] * len(back), simple)
            other = reshape(other, (sections, points, batch, -1, columns))
            products = matmul(transpose(image, 3, 4), other)
            if self.parts > 1:  # written, or all would be one sum again
                return self._taps(summed(node(ops.CONTIGUOUS, (products,)), 0), simple)
            return self._taps(squeeze(products, 0), simple)
        other = self.found.other
        for dim, f in enumerate(filters):
            other = _stacked(product(f.taps, _apart(simple(other), 1 + dim)), 0)
        other = reshape(other, (1, points, batch, channels, columns))
        return self._back(matmul(simple(image), simple(other)), simple)

    def _of_tiles(
        self, value: Node, matrices: Sequence[Matrix], overlaps: Sequence[int], simple: Simple
    ) -> Node:
        """``value``, (b, n, places.., c), at the points of tiles that reach so far into the next
        ones: (parts, points.., b, n, tiles.., c), those of the last dim first; or over places,
        those of the first: a gradient has a value of its own, or that of the convolution would be
        kept for it all the time between."""
        starts = self.found.starts if any(overlaps) else [0] * len(overlaps)
        value = transpose(unflatten(value, 1, (self.parts, -1)), 0, 1)
        dims = range(3, 3 + len(matrices))
        along = [*zip(dims, matrices, self.counts, self.tiles, overlaps, starts, strict=True)]
        for done, (dim, matrix, count, m, overlap, start) in enumerate(
            along[::-1] if self.found.over_places else along
        ):
            axis = dim + done
            tiles = count + -(-overlap // m)
            edge = -start, tiles * m + start - value.shape[axis]
            value = simple(value)
            padded = pad(value, [edge if dim == axis else (0, 0) for dim in range(value.ndim)])
            split = unflatten(padded, axis, (tiles, m))
            parts = [
                narrow(part, axis, later, count)
                for later in range(tiles - count + 1)
                for part in _apart(split, axis + 1)
            ]
            made = product(matrix, parts[: m + overlap])
            if not done and self.blocks > 1:
                made = [self._in_blocks(value) for value in made]
            value = _stacked(made, 1)
        return value

    def _in_blocks(self, value: Node) -> Node:
        """(parts, b, n, tiles.., c) with the blocks of each part as parts."""
        split = unflatten(value, 3, (self.blocks, -1))
        return flatten(permute(split, (0, 3, 1, 2, *range(4, split.ndim))), 0, 1)

    def _back(self, products: Node, simple: Simple) -> Node:
        """(b, n, p, its phases, .., k) of what was multiplied."""
        batch, rows, *_ = self._dims
        phases = self.found.phases
        first, *others = self.counts
        counts = first // self.blocks, *others
        sections = self.parts * self.blocks
        each = sections, *self.points[::-1], batch, rows // self.parts, *counts, -1
        value = reshape(products, each)
        (_, outermost), *inner = enumerate(self._filters)
        for dim, f in reversed(inner):
            value = _stacked(product(f.back, _apart(simple(value), 1)), 4 + 2 * dim)
        parts = product(outermost.back, _apart(simple(value), 1))
        value = _stacked([self._beside_places(part) for part in parts], 4)
        value = transpose(value, 0, 1)
        along = zip(self.counts, self.tiles, phases, strict=True)
        wide = (n for count, m, phase in along for n in (count * m, phase))
        value = reshape(value, (batch, rows, *wide, -1))
        kept = (n for pair in zip(self.found.places, phases, strict=True) for n in pair)
        return shrink(value, [(0, n) for n in (batch, rows, *kept, value.shape[-1])])

    def _beside_places(self, value: Node) -> Node:
        """(parts, b, n, tiles of the first dim, tiles and results of others, k), phases beside
        places."""
        last, phases = value.ndim - 1, self.found.phases
        split = unflatten(value, last, (*phases, -1))
        others = [
            n for dim in range(1, len(phases)) for n in (2 * dim + 2, 2 * dim + 3, last + dim)
        ]
        return permute(split, (0, 1, 2, 3, last, *others, last + len(phases)))

    def _taps(self, products: Node, simple: Simple) -> Node:
        """(b, c, t.., k) of what was multiplied, in memory (b, k, c, t..)."""
        value = reshape(products, (*self.points, *products.shape[1:]))
        *before, last = [transposed(f.taps) for f in self._filters]
        for dim, matrix in enumerate(before):
            value = _stacked(product(matrix, _apart(simple(value), dim)), dim)
        dims = len(before)
        order = (dims, dims + 2, dims + 1, *range(dims))
        taps = [permute(x, order) for x in product(last, _apart(simple(value), dims))]
        value = _stacked(taps, 3 + dims)
        return permute(value, (0, *range(2, 4 + dims), 1))


def _apart(value: Node, axis: int) -> list[Node]:
    """The values along a dim."""
    return [squeeze(narrow(value, axis, i, 1), axis) for i in range(value.shape[axis])]


def _stacked(values: Sequence[Node], axis: int) -> Node:
    """Values side by side in memory, as a new dim."""
    return side_by_side([unsqueeze(value, axis) for value in values], axis)
