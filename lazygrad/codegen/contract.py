"""Schedules of contractions: register tiles.

One factor is loaded as vectors (columns), the other one a scalar at a time (rows), and every
product of the two is added to an accumulator that stays in a register.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod

from lazygrad.codegen import borders, edges, fetch, lanes as ln, products
from lazygrad.codegen.normal import flatten
from lazygrad.codegen.panels import nbytes
from lazygrad.codegen.schedule import Ahead, Panel, Schedule, Walk
from lazygrad.codegen.tuning import Tuning
from lazygrad.kernel import contraction, expr as ex, index as ix
from lazygrad.kernel.contraction import Contraction
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import Range
from lazygrad.kernel.kernel import Kernel, loads
from lazygrad.kernel.target import Target

MOST_ACCUMULATORS = 16  # vectors: more of them gain nothing, even where registers are left
MOST_OF_ALL_ROWS = 20  # unless they hold all rows, so that the columns are read once
MOST_ROWS = 10  # each has a pointer of its own
COLUMNS = {16: 2, 32: 4}  # of a tile, at most, by the number of vector registers
MOST_COLUMNS = 4
REUSED = 8  # tiles of rows for which columns are worth copying
MOVED = 2  # instructions for a vector that may lie at an edge
GATHERED = 32  # rows for which vectors are worth putting together
FAR = 2048  # bytes from one step of the sum to the next
LARGEST_PANEL = 1 << 18
HIDING = 8  # steps of the sum for each access that is fetched meanwhile
LATENCY = 4.0  # cycles until an accumulator can be added to again
LATE = 0.02  # cycles that a load costs beside additions


@dataclass(frozen=True)
class Sides:
    """Which factors are loaded as vectors: their range over lanes, and the ranges of the rows;
    ``gathered`` tells that the vectors must be put together from elements that lie apart."""

    over: Range
    columns: tuple[Expr, ...]
    rows: tuple[Expr, ...]
    row_ranges: tuple[Range, ...]
    gathered: bool
    cost: float


def schedule(
    kernel: Kernel, target: Target, lanes: int, wide: bool, tuning: Tuning
) -> Schedule | None:
    """A register tile for ``kernel``, or None if it is no contraction, or has no factor that can
    be loaded as vectors."""
    found = products.find(kernel)
    sides = None if found is None else _sides(kernel, found, lanes, not target.is_gpu)
    if found is None or sides is None:
        return None
    kernel, rows = _tiled_form(kernel, found, sides)
    window = {r: Walk(r.size) for r in found.window}
    each = prod(r.size for r in found.window)
    others = tuple(r for r in kernel.ranges if r not in (rows, sides.over))
    inside, edge = edges.without(kernel)
    if target.is_gpu or not edge.keys() <= {*others}:
        inside, edge = kernel, {}
    walks = _tile(sides.over, rows, each, lanes, target, tuning) | window | _cut(inside) | edge
    total = kernel.reductions()[0]
    walks |= borders.walks(total.src, sides.over, walks[sides.over], total.arg.ranges)
    inner = () if rows is None else (rows,)
    panels = () if rows is None or target.is_gpu else _panels(kernel, walks, sides, rows)
    order = (*others, sides.over, *inner)
    numbering = order if panels else (*others, *inner, sides.over)
    ahead = None if rows is None or target.is_gpu else _ahead(kernel, rows, sides.over)
    return Schedule(
        kernel, order, numbering, walks, wide=wide, panels=panels, ahead=ahead,
        notes=(f"contraction: vectors of {sides.over.name}, rows of {_names(sides.row_ranges)}",),
    )  # fmt: skip


def _names(ranges: tuple[Range, ...]) -> str:
    return " ".join(r.name for r in ranges) or "nothing"


def _sides(kernel: Kernel, found: Contraction, lanes: int, panels: bool) -> Sides | None:
    """The cheapest range to vectorise over: contiguous in its factors, or gathered once for so
    many rows that it does not matter."""
    first, second = found.sides
    beside = fetch.beside(kernel)
    options = []
    for columns, rows, ranges, others in (
        (first, second, found.m, found.n), (second, first, found.n, found.m),
    ):  # fmt: skip
        reuse = prod(r.size for r in others)
        windows = any(r in factor.ranges for factor in columns for r in found.window)
        for r in () if windows else ranges:
            loading = _loading(columns, r, products.outward(rows, found.k), lanes)
            gathered = loading >= 1
            if gathered and not (panels and reuse >= GATHERED and _fits(columns, found.k, lanes)):
                continue
            share = _vectors(r.size, lanes) / r.size
            each = share * (1 + 1 / max(1, min(MOST_ROWS, reuse))) + loading / reuse
            once = sum(ln.element_cost(load.index, load.guard, r, lanes) for load, _ in beside)
            cost = each + once / prod(x.size for x in found.k)
            near = products.outward(rows, others)
            options.append(Sides(r, columns, rows, near, gathered, cost))
    return min(options, key=lambda sides: sides.cost, default=None)


def _loading(factors: Iterable[Expr], r: Range, summed: tuple[Range, ...], lanes: int) -> float:
    """Instructions an element to load what moves with ``r``; at least 1 where lanes lie apart."""
    moving = [e for e in loads(factors) if r in e.ranges]
    costs = [
        MOVED * _vectors(r.size, lanes) / r.size
        if borders.are_known(e, r, summed)
        else ln.element_cost(e.arg.index, e.arg.guard, r, lanes)
        for e in moving
    ]
    return max(costs, default=0.0) if r.size > 1 else 0.0


def _vectors(size: int, lanes: int) -> int:
    """That cover ``size`` elements, the last ones narrower."""
    return size // lanes + (size % lanes).bit_count()


def _fits(factors: Iterable[Expr], summed: tuple[Range, ...], lanes: int) -> bool:
    each = (_panel(factor, summed[0], summed) for factor in factors)
    return sum(nbytes(panel, MOST_COLUMNS * lanes) for panel in each) <= LARGEST_PANEL


def _panel(factor: Expr, rows: Range, summed: tuple[Range, ...]) -> Panel:
    return Panel(factor, rows, tuple(r for r in summed if r in factor.ranges))


def _tiled_form(kernel: Kernel, found: Contraction, sides: Sides) -> tuple[Kernel, Range | None]:
    """The kernel with its sum in the form SUM(rows * columns + ...), the loops of the sum ordered
    so that the innermost one walks along the memory of the rows, and the rows as one range."""
    order = products.outward(sides.rows, found.k)
    pairs = list(zip(sides.rows, sides.columns, strict=True))
    kernel = products.formed(kernel, found, pairs, order)
    return flatten(kernel, sides.row_ranges) if sides.row_ranges else (kernel, None)


def _ahead(kernel: Kernel, rows: Range, columns: Range) -> Ahead | None:
    """What the results need, if their sums take long enough to fetch it. Only in sums of one loop:
    around several, another one cost 4 % of a transposed convolution."""
    found = fetch.accesses(kernel, rows, columns)
    first, *others = kernel.reductions()[0].arg.ranges
    return (
        Ahead(rows, found) if found and not others and first.size >= HIDING * len(found) else None
    )


def _cut(kernel: Kernel) -> dict[Range, Walk]:
    """The innermost loop of the sum cut where its guards begin and cease to hold for all rows."""
    total = kernel.reductions()[0]
    r = total.arg.ranges[-1]
    guards = [bound for e in loads(total.src) for bound in e.arg.guard]
    start, stop = 0, r.size
    for bound in guards:
        step = bound.index.coefficient(r)
        if r not in bound.index.ranges:
            continue
        if not bound.index.affine_in(r):
            return {}
        low, high = (bound.index - ix.of(r) * step).interval
        needed, allowed = bound.low - low, bound.high - 1 - high  # needed <= step * r <= allowed
        if step < 0:
            needed, allowed, step = -allowed, -needed, -step
        start, stop = max(start, -(-needed // step)), min(stop, allowed // step + 1)
    if (start, stop) == (0, r.size) or stop - start < r.size // 2:
        return {}
    return {r: Walk(cuts=(start, stop))}


def _panels(
    kernel: Kernel, walks: Mapping[Range, Walk], sides: Sides, rows: Range
) -> tuple[Panel, ...]:
    """The columns in memory of their own, if they are far apart and used by many rows."""
    total = kernel.reductions()[0]
    summed = total.arg.ranges
    pairs = contraction.factors(total.src[0]) or []
    factors = list(dict.fromkeys(columns for _, columns in pairs))
    panels = tuple(_panel(factor, rows, summed) for factor in factors)
    if sum(nbytes(panel, walks[sides.over].tile) for panel in panels) > LARGEST_PANEL:
        return ()
    if sides.gathered:
        return panels
    moving = [e for e in loads(factors) if sides.over in e.ranges]
    steps = [e.arg.index.coefficient(summed[-1]) * e.dtype.itemsize for e in moving]
    computed = any(factor.op is not ex.LOAD for factor in factors)
    far = computed or any(abs(step) >= FAR for step in steps)
    return panels if far and rows.size // walks[rows].tile >= REUSED else ()


def _tile(
    over: Range, rows: Range | None, window: int, lanes: int, target: Target, tuning: Tuning
) -> dict[Range, Walk]:
    """Steps of columns and of rows; each row has as many sums as there are in a ``window``."""
    width = min(lanes, 1 << (over.size.bit_length() - 1))
    length = 1 if rows is None else rows.size
    accumulators = min(MOST_ACCUMULATORS, target.registers * 3 // 4)  # the rest are operands
    if over.size < 2 * lanes:  # one step, its last vectors narrower
        columns = _vectors(over.size, width)
        tile, count = over.size, _rows(length, columns, window, accumulators)
    elif tuning.rows:
        columns, count = min(tuning.columns, over.size // width), min(tuning.rows, length)
        tile = width * columns
    else:
        most = 1 if target.is_gpu else COLUMNS[target.registers]
        columns, count = _shape(over.size // width, length, most, window, accumulators)
        tile = width * columns
    walks = {over: Walk(tile, width, whole_tail=True)}
    if rows is not None:
        walks[rows] = Walk(count)
    return walks


def _shape(vectors: int, length: int, most: int, window: int, accumulators: int) -> tuple[int, int]:
    """Columns and rows of the tile that takes the least time for all of ``length`` rows."""
    shapes = [
        (columns, _rows(length, columns, window, accumulators))
        for columns in range(1, min(most, vectors) + 1)
    ]

    def time(shape: tuple[int, int]) -> float:
        columns, rows = shape
        return -(-vectors // columns) * _time(length, rows, columns, window)

    return min(shapes, key=time)


def _rows(length: int, columns: int, window: int, accumulators: int) -> int:
    if MOST_ACCUMULATORS <= accumulators < length * window * columns <= MOST_OF_ALL_ROWS:
        accumulators = length * window * columns
    most = max(1, min(MOST_ROWS // window, accumulators // (columns * window), length))
    return min(range(most, 0, -1), key=lambda tile: _time(length, tile, columns, window))


def _time(length: int, tile: int, columns: int, window: int) -> float:
    """Cycles of all tiles of ``tile`` rows and of those left over, one by one."""
    steps, rest = divmod(length, tile)
    return steps * _step_time(tile * window, columns) + rest * _step_time(window, columns)


def _step_time(rows: int, columns: int) -> float:
    """Cycles for one step of the sum, with two additions and two loads a cycle; few accumulators
    wait for each other. A little more for the loop around, and for loads that come late."""
    additions, reads = rows * columns, rows + columns
    return max(additions / 2, reads / 2, LATENCY) + 0.5 + LATE * reads
