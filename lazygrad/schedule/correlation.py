"""Correlations in the graph: sums of products in which a window of three slides over two dims.

A convolution, the gradient to its input (a correlation of the result's gradient with the reversed
kernel) and that to its kernel are found alike: by the indices of their factors, whatever views made
these.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from lazygrad import element_types as dt, ops
from lazygrad.graph import Node
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Guard
from lazygrad.kernel.index import Index, Range
from lazygrad.lang.movement import flip, permute, reshape, shrink
from lazygrad.ops import Kind
from lazygrad.schedule.draft import is_constant
from lazygrad.schedule.lower import Lowering, whole
from lazygrad.schedule.simplify import base_of
from lazygrad.schedule.toom_cook import TAPS
from lazygrad.schedule.views import Indices
from lazygrad.shape import Shape, inverse_permutation, numel, strides_of

DIMS = 2  # that the window slides over
OF_A_PRODUCT = frozenset({ops.MUL, ex.LOAD, ex.GUARD})

Ranges = tuple[Range, ...]


@dataclass(frozen=True)
class Correlation:
    """``image[b, n, p + t + start, c] * other`` summed: over ``t`` and ``c`` with
    ``other[b, t, c, k]``, or, ``over_places``, over ``n`` and ``p`` with ``other[b, n, p, k]``.

    ``p`` and ``t`` are places and taps, along two dims each; the image is zero outside. All but
    these dims are there once, of size 1 if the graph has none.

    Attributes:
        starts, places: along both dims.
        sizes: of the dims of the result, which are b, n, p, k or b, t, c, k, each as often as in
            the graph.
        order: where each dim of the sum is among these; what else it has is of size 1.
        reversed: those among them that are to be reversed.
    """

    image: Node
    other: Node
    over_places: bool
    starts: tuple[int, ...]
    places: tuple[int, ...]
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
    if product.op is not ops.MUL or product.dtype is not dt.float32:
        return None
    bases = [base_of(factor) for factor in product.src]
    if _slides(sums, product) < DIMS:
        return None
    if bases[0] is bases[1] or any(is_constant(x) or x.op is ops.CAST for x in bases):
        return None
    lowering = Lowering(lambda x: (0, strides_of(x.shape)) if x in bases else None)
    ranges, point = whole(total.shape)
    value = lowering.lower(total, point, from_memory=False)
    if value.op is not ex.REDUCE:
        return None
    inside = ex.toposort(value.src)
    if any(e.op not in OF_A_PRODUCT for e in inside):
        return None
    at = {base: index for base, index in lowering.values if base in bases}
    if len([None for base, _ in lowering.values if base in bases]) != len(bases):
        return None
    guards = tuple(bound for e in inside for bound in ex.guard_of(e))
    results = tuple(r for r in ranges if r.size != 1)
    first, second = (_Factor(base, at[base]) for base in bases)
    if first.ranges() | second.ranges() != {*results, *value.arg.ranges}:  # it is repeated
        return None
    for image, other in ((first, second), (second, first)):
        found = _found(image, other, results, guards)
        if found is not None:
            return found
    return None


def _slides(sums: Sequence[Node], product: Node) -> int:
    """How many views around a product, and sums of it, make windows that slide."""
    found = 0
    for view in (*product.src, *(one.src[0] for one in sums)):
        while view.op.kind is Kind.MOVEMENT:
            found += view.op is ops.SHEAR
            view = view.src[0]
    return found


@dataclass(frozen=True)
class _Window:
    """How a window slides over a dim of the image: index ``place + tap + start`` of the part
    ``low`` to ``high`` of the dim, which is ``flipped`` before; ``backwards`` if the tap counts
    down."""

    place: Range
    tap: Range
    start: int
    low: int
    high: int
    flipped: bool
    backwards: bool


NO_WINDOWS: Mapping[int, _Window] = {}


@dataclass(frozen=True)
class _Factor:
    """A factor of the product, and its index."""

    base: Node
    index: Indices

    def windows(self) -> list[int]:
        """The dims that two ranges move in."""
        return [dim for dim, index in enumerate(self.index) if len(index.terms) == 2]

    def ranges(self) -> frozenset[Range]:
        return frozenset[Range]().union(*(index.ranges for index in self.index))

    def is_plain(self, windows: Container[int] = ()) -> bool:
        """Whether a range moves in one dim only, and in each but ``windows`` no other one, from end
        to end of what is there."""
        dims = [
            (index, size)
            for dim, (index, size) in enumerate(zip(self.index, self.base.shape, strict=True))
            if dim not in windows
        ]
        moving = [atom for index in self.index for atom, _ in index.terms]
        steps = all(abs(c) == 1 for index in self.index for _, c in index.terms)
        inside = all(index.interval[0] >= 0 and index.interval[1] < n for index, n in dims)
        single = all(len(index.terms) <= 1 for index, _ in dims)
        return (
            inside
            and single
            and steps
            and len(set(moving)) == len(moving)
            and all(isinstance(atom, Range) for atom in moving)
        )

    def arranged(
        self,
        groups: Sequence[Ranges],
        windows: Mapping[int, _Window] = NO_WINDOWS,
        backwards: Container[Range] = (),
    ) -> Node:
        """The part of the base that is read, with a dim for each group of ranges, of which those of
        places stand for the dims that their windows slide over; ranges of ``backwards`` against the
        direction that they have by themselves."""
        bounds: list[tuple[int, int]] = []
        dim_of: dict[Range, int] = {}
        turned: list[int] = []
        for dim, (index, size) in enumerate(zip(self.index, self.base.shape, strict=True)):
            if dim in windows:
                low, high = windows[dim].low, windows[dim].high
                along, flipped = windows[dim].place, windows[dim].flipped
                bounds.append((size - high, size - low) if flipped else (low, high))
            else:
                low, high = index.interval
                bounds.append((low, high + 1))
                if not index.terms:
                    continue
                (along,) = index.ranges
                flipped = (index.coefficient(along) < 0) is not (along in backwards)
            dim_of[along] = dim
            turned += [dim] if flipped else []
        cut = shrink(self.base, bounds)
        cut = flip(cut, turned) if turned else cut
        return _grouped(cut, [[dim_of[r] for r in group] for group in groups])


def _grouped(value: Node, groups: Sequence[Sequence[int]]) -> Node:
    """``value`` with a dim for each group of its dims; the others are of size 1."""
    dims = [dim for group in groups for dim in group]
    rest = [dim for dim in range(value.ndim) if dim not in dims]
    shape = [numel([value.shape[dim] for dim in group]) for group in groups]
    return reshape(permute(value, (*rest, *dims)), shape)


def _window(factor: _Factor, dim: int, results: Ranges, guards: Guard) -> _Window | None:
    index, size = factor.index[dim], factor.base.shape[dim]
    outer = [r for r in index.ranges if r in results]
    inner = [r for r in index.ranges if r not in results]
    if len(outer) != 1 or len(inner) != 1:
        return None
    (place,), (tap,) = (outer, inner) if inner[0].size == TAPS else (inner, outer)
    low, high = 0, size
    for bound in guards:
        for sign in (1, -1):
            apart = bound.index - index * sign
            if not apart.terms:
                ends = (bound.low - apart.const) * sign, (bound.high - 1 - apart.const) * sign
                low, high = max(low, min(ends)), min(high, max(ends) + 1)
    start, flipped = index.const, index.coefficient(place) < 0
    if flipped:
        low, high, start = size - high, size - low, size - 1 - start
    backwards = (index.coefficient(tap) < 0) is not flipped
    start -= low + (TAPS - 1 if backwards else 0)
    return _Window(place, tap, start, low, high, flipped, backwards)


def _covered(guards: Guard, windows: Iterable[Index]) -> bool:
    """Whether nothing is checked but that the image is read inside."""
    return all(
        any(not (bound.index - index * sign).terms for index in windows for sign in (1, -1))
        for bound in guards
    )


def _found(image: _Factor, other: _Factor, results: Ranges, guards: Guard) -> Correlation | None:
    dims = image.windows()
    if len(dims) != DIMS or not image.is_plain(dims) or not other.is_plain():
        return None
    if not _covered(guards, [image.index[dim] for dim in dims]):
        return None
    windows = [w for dim in dims if (w := _window(image, dim, results, guards)) is not None]
    if len(windows) != DIMS or any(w.tap.size != TAPS or w.low >= w.high for w in windows):
        return None
    places, taps = tuple(w.place for w in windows), tuple(w.tap for w in windows)
    over_places = taps[0] in results
    if any((tap in results) is not over_places for tap in taps):
        return None
    mine, its = image.ranges().difference(places, taps), other.ranges()
    moving = set(places if over_places else taps)
    if its & {*places, *taps} != moving:
        return None
    its -= moving

    def kind(ranges: Iterable[Range], of_result: bool) -> Ranges:
        return tuple(sorted((r for r in ranges if (r in results) is of_result), key=str))

    batch, summed = kind(mine & its, True), kind(mine & its, False)
    own, columns = kind(mine - its, True), kind(its - mine, True)
    if kind(mine ^ its, False):
        return None
    rows, channels = (summed, own) if over_places else (own, summed)
    backwards = {w.tap for w in windows if w.backwards}
    at_places = batch, rows, *((p,) for p in places)
    slid_over = dict(zip(dims, windows, strict=True))
    if over_places:
        groups = *at_places, columns
        order = (*batch, *channels, *taps, *columns)
    else:
        groups = batch, *((t,) for t in taps), channels, columns
        order = (*batch, *rows, *places, *columns)
    return Correlation(
        image=image.arranged((*at_places, channels), slid_over),
        other=other.arranged(groups, backwards=() if over_places else backwards),
        over_places=over_places,
        starts=tuple(w.start for w in windows),
        places=tuple(p.size for p in places),
        sizes=tuple(r.size for r in order),
        order=inverse_permutation(tuple(results.index(r) for r in order)),
        reversed=tuple(i for i, r in enumerate(order) if over_places and r in backwards),
    )
