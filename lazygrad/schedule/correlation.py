"""Correlations in the graph: sums of products in which a window of a few taps slides.

A convolution, the gradient to its input (a correlation of the result's gradient with the reversed
kernel) and that to its kernel are found alike: by the indices of their factors, whatever views made
these. With strides, what lies between two steps are phases, which are channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

from lazygrad import element_types as dt, ops
from lazygrad.graph import Node
from lazygrad.kernel import expr as ex
from lazygrad.kernel.index import Range
from lazygrad.lang.movement import flip, permute, reshape
from lazygrad.ops import Kind
from lazygrad.schedule.draft import is_constant
from lazygrad.schedule.factors import Ranges, Reading, factor
from lazygrad.schedule.lower import Lowering, whole
from lazygrad.schedule.simplify import base_of
from lazygrad.schedule.toom_cook import MOST_TAPS
from lazygrad.shape import Shape, inverse_permutation, strides_of

OF_A_PRODUCT = frozenset({ops.MUL, ex.LOAD, ex.GUARD})


@dataclass(frozen=True)
class Correlation:
    """``image[b, n, p + t + start, c] * other`` summed: over ``t`` and ``c`` with
    ``other[b, t, c, k]``, or, ``over_places``, over ``n`` and ``p`` with ``other[b, n, p, k]``.

    ``p`` and ``t`` are places and taps, along one dim or more; the image is zero outside. All but
    these dims are there once, of size 1 if the graph has none.

    Attributes:
        starts, places, taps: along each dim.
        phases: columns that stand beside the places of each dim; ``k`` are those of the first dim,
            those of the others, and the rest.
        strided: whether channels or columns lie between the steps of a stride.
        sizes: of the dims of the result, which are b, n, p and its phases, and the rest of k, or
            b, t, c, k, each as often as in the graph.
        order: where each dim of the sum is among these; what else it has is of size 1.
        reversed: those among them that are to be reversed.
    """

    image: Node
    other: Node
    over_places: bool
    starts: tuple[int, ...]
    places: tuple[int, ...]
    taps: tuple[int, ...]
    phases: tuple[int, ...]
    strided: bool
    sizes: Shape
    order: tuple[int, ...]
    reversed: tuple[int, ...]

    def result(self, value: Node, shape: Shape) -> Node:
        """The sum of this shape, of its dims in groups."""
        dims = reshape(value, self.sizes)
        turned = flip(dims, self.reversed) if self.reversed else dims
        return reshape(permute(turned, self.order), shape)


def inner_sums(total: Node) -> list[Node]:
    """``total``, a sum, and the sums that it adds up, with nothing but views between."""
    found = [total]
    while (below := base_of(found[-1].src[0])).op is ops.SUM:
        found.append(below)
    return found


def find(total: Node) -> Correlation | None:
    """The correlation that ``total`` is, a sum of products of float32, maybe of sums of them.

    Not so what is float32 for the sum only: halves are summed as exactly as they always were.
    """
    sums = inner_sums(total)
    product = base_of(sums[-1].src[0])
    if product.op is not ops.MUL or product.dtype is not dt.float32 or not _slides(sums, product):
        return None
    first, second = (base_of(factor) for factor in product.src)
    if first is second or any(is_constant(x) or x.op is ops.CAST for x in (first, second)):
        return None
    reading = _reading(total, (first, second))
    if reading is not None and not reading.is_affine:
        seen = _below_windows(product.src[0]), _below_windows(product.src[1])
        reading = _reading(total, seen)
    if reading is None or not reading.is_guarded_by_factors():
        return None
    return _found(reading, 0) or _found(reading, 1)


def _below_windows(factor: Node) -> Node:
    """What windows slide over, or else the base: an image that is a view itself, each pixel of a
    smaller one four times, say."""
    value, found = factor, base_of(factor)
    while value.op.kind is Kind.MOVEMENT:
        below = value.src[0]
        if value.op is ops.SHEAR:  # of what is the same for all taps
            found = below.src[0] if below.op is ops.EXPAND else below
        value = below
    return found


def _reading(total: Node, bases: tuple[Node, Node]) -> Reading | None:
    """Where a sum of products reads these factors, with ranges apart."""
    first, second = bases
    lowering = Lowering(lambda x: (0, strides_of(x.shape)) if x in bases else None)
    ranges, point = whole(total.shape)
    value = lowering.lower(total, point, from_memory=False)
    if value.op is not ex.REDUCE:
        return None
    inside = ex.toposort(value.src)
    if any(e.op not in OF_A_PRODUCT for e in inside):
        return None
    places = [place for place in lowering.values if place[0] in bases]
    if len(places) != len(bases):  # one of them is read at several places
        return None
    at = dict(places)
    return Reading(
        bases,
        (at[first], at[second]),
        results=tuple(r for r in ranges if r.size != 1),
        summed=value.arg.ranges,
        guards=tuple(bound for e in inside for bound in ex.guard_of(e)),
    ).apart()


def _slides(sums: Sequence[Node], product: Node) -> bool:
    """Whether views around a product, and sums of it, make a window that slides."""
    for view in (*product.src, *(one.src[0] for one in sums)):
        while view.op.kind is Kind.MOVEMENT:
            if view.op is ops.SHEAR:
                return True
            view = view.src[0]
    return False


def _found(reading: Reading, number: int) -> Correlation | None:
    """With factor ``number`` as the image."""
    results, summed = set(reading.results), set(reading.summed)
    pairs = [sorted(pair, key=summed.__contains__) for pair in reading.windows(number)]
    if not pairs or any(first in summed or second in results for first, second in pairs):
        return None
    ends = [tuple(ranges) for ranges in zip(*pairs, strict=True)]
    over_places = _points(ends[0]) < _points(ends[1])
    places, taps = ends[::-1] if over_places else ends
    if any(tap.size > MOST_TAPS for tap in taps):
        return None
    image, other = (
        factor(reading.bases[i], reading.at[i], reading.guards, places)
        for i in (number, 1 - number)
    )
    if image is None or other is None or other.slides or image.repeats or other.repeats:
        return None
    moving, slid = frozenset(places if over_places else taps), frozenset((*places, *taps))
    mine, its = image.ranges - slid, other.ranges - moving
    if other.ranges & slid != moving or mine | its | slid != results | summed:
        return None
    if (mine ^ its) & summed:
        return None
    batch, own, columns = (_in_order(r & results) for r in (mine & its, mine - its, its - mine))
    both = _in_order(mine & its & summed)
    rows, channels = (both, own) if over_places else (own, both)
    channels, columns = _longest_last(channels), _longest_last(columns)
    beside = [() if over_places else _after(place, reading.results, columns) for place in places]
    rest = tuple(r for r in columns if (r,) not in beside)
    columns = tuple(r for phase in (*beside, rest) for r in phase)
    windows = [image.window(place) for place in places]
    backwards = {w.ranges[1] for w in windows if w.backwards}
    between = image.between(slid) | other.between(slid)
    at_places = batch, rows, *((p,) for p in places)
    if over_places:
        groups = *at_places, columns
        order = (*batch, *channels, *taps, *columns)
    else:
        groups = batch, *((t,) for t in taps), channels, columns
        along = (r for place, phase in zip(places, beside, strict=True) for r in (place, *phase))
        order = (*batch, *rows, *along, *rest)
    return Correlation(
        image=image.arranged((*at_places, channels)),
        other=other.arranged(groups, backwards=() if over_places else backwards),
        over_places=over_places,
        starts=tuple(w.start for w in windows),
        places=tuple(p.size for p in places),
        taps=tuple(t.size for t in taps),
        phases=tuple(_points(phase) for phase in beside),
        strided=not between.isdisjoint((*channels, *columns)),
        sizes=tuple(r.size for r in order),
        order=inverse_permutation(tuple(reading.results.index(r) for r in order)),
        reversed=tuple(i for i, r in enumerate(order) if over_places and r in backwards),
    )


def _in_order(ranges: Iterable[Range]) -> Ranges:
    return tuple(sorted(ranges, key=str))


def _after(place: Range, results: Ranges, columns: Ranges) -> Ranges:
    """The column that stands beside a place, and is shorter: what lies between two steps."""
    following = results[results.index(place) + 1 :][:1]
    return tuple(r for r in following if r in columns and r != columns[-1])


def _longest_last(ranges: Ranges) -> Ranges:
    """Phases in front: the last range is what vectors hold."""
    return tuple(sorted(ranges, key=lambda r: r.size))


def _points(ranges: Iterable[Range]) -> int:
    return prod(r.size for r in ranges)
