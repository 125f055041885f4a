"""Schedules of contractions: register tiles.

One factor is loaded as vectors (columns), the other one a scalar at a time (rows), and every
product of the two is added to an accumulator that stays in a register.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from lazygrad import ops
from lazygrad.codegen import lanes as ln
from lazygrad.codegen.normal import flatten, substitute
from lazygrad.codegen.panels import nbytes
from lazygrad.codegen.schedule import Panel, Schedule, Walk
from lazygrad.kernel import contraction, expr as ex
from lazygrad.kernel.contraction import Contraction
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import Range
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.target import Target

ACCUMULATORS = 12  # vectors; with 2 columns and a row they fill the 16 registers of most machines
MOST_ROWS = 10  # each has a pointer of its own
MOST_COLUMNS = 2
REUSED = 8  # tiles of rows for which columns are worth copying
FAR = 2048  # bytes from one step of the sum to the next
LARGEST_PANEL = 1 << 18
LATENCY = 4.0  # cycles until an accumulator can be added to again


@dataclass(frozen=True)
class Sides:
    """Which factor is loaded as vectors: its range over lanes, and the ranges of the rows."""

    over: Range
    columns: Expr
    rows: Expr
    row_ranges: tuple[Range, ...]
    cost: float


def schedule(kernel: Kernel, target: Target, lanes: int, wide: bool) -> Schedule | None:
    """A register tile for ``kernel``, or None if it is no contraction or has no factor with
    contiguous lanes."""
    found = contraction.find(kernel)
    if found is None or not found.reduce.dtype.is_floating_point:
        return None
    sides = _sides(kernel, found, lanes)
    if sides is None:
        return None
    kernel, rows = _tiled_form(kernel, found, sides)
    walks = _tile(sides.over, rows, lanes, target)
    others = tuple(r for r in kernel.ranges if r not in (rows, sides.over))
    inner = () if rows is None else (rows,)
    panel = None if rows is None or target.is_gpu else _panel(kernel, walks, sides.over, rows)
    order = (*others, sides.over, *inner)
    numbering = order if panel is not None else (*others, *inner, sides.over)
    return Schedule(
        kernel, order, numbering, walks, wide=wide, panel=panel,
        notes=(f"contraction: vectors of {sides.over.name}, rows of {_names(sides.row_ranges)}",),
    )  # fmt: skip


def _names(ranges: tuple[Range, ...]) -> str:
    return " ".join(r.name for r in ranges) or "nothing"


def _sides(kernel: Kernel, found: Contraction, lanes: int) -> Sides | None:
    """The cheapest range to vectorise over, of those that are contiguous in their factor."""
    options = []
    for columns, rows, ranges, others in (
        (found.a, found.b, found.m, found.n), (found.b, found.a, found.n, found.m),
    ):  # fmt: skip
        for r in ranges:
            if not _contiguous(columns, r, lanes):
                continue
            stores = sum(ln.element_cost(o.index, (), r, lanes) for o in kernel.outputs)
            share = ln.step_count(r.size, lanes) / r.size
            points = prod(x.size for x in found.k)
            each = share * (1 + 1 / max(1, min(MOST_ROWS, prod(x.size for x in others))))
            options.append(Sides(r, columns, rows, _outward(rows, others), each + stores / points))
    return min(options, key=lambda sides: sides.cost, default=None)


def _contiguous(factor: Expr, r: Range, lanes: int) -> bool:
    loads = [e for e in ex.toposort([factor]) if e.op is ex.LOAD and r in e.ranges]
    return all(
        ln.element_cost(e.arg.index, e.arg.guard, r, lanes) < 1 or r.size == 1 for e in loads
    )


def _tiled_form(
    kernel: Kernel, found: Contraction, sides: Sides
) -> tuple[Kernel, Range | None]:
    """The kernel with its sum in the form SUM(MUL(rows, columns)), the loops of the sum ordered so
    that the innermost one walks along the memory of the rows, and the rows as one range."""
    order = _outward(sides.rows, found.k)
    product = ex.elementwise(ops.MUL, (sides.rows, sides.columns), found.reduce.dtype)
    total = ex.reduce(ops.SUM, product, order)
    kernel = substitute(kernel, {}, {}, lambda e: total if e is found.reduce else e)
    return flatten(kernel, sides.row_ranges)


def _outward(factor: Expr, ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    """Long steps through the factor's memory first."""
    return tuple(sorted(ranges, key=lambda r: -_stride(factor, r)))


def _stride(factor: Expr, r: Range) -> int:
    """The smallest step in memory along ``r``; large where there is none, so that what does not
    move is an outer loop."""
    steps = [abs(e.arg.index.coefficient(r)) for e in ex.toposort([factor]) if e.op is ex.LOAD]
    return min((step for step in steps if step), default=1 << 62)


def _panel(
    kernel: Kernel, walks: Mapping[Range, Walk], over: Range, rows: Range
) -> Panel | None:
    """The columns in memory of their own, if they are far apart and used by many rows."""
    (total,) = kernel.reductions()
    columns = total.src[0].src[1]
    if rows.size // walks[rows].tile < REUSED:
        return None
    loads = [e for e in ex.toposort([columns]) if e.op is ex.LOAD and over in e.ranges]
    innermost = total.arg.ranges[-1]
    far = any(
        abs(e.arg.index.coefficient(innermost)) * e.dtype.itemsize >= FAR for e in loads
    )
    panel = Panel(columns, rows, tuple(r for r in total.arg.ranges if r in columns.ranges))
    small = nbytes(panel, walks[over].tile) <= LARGEST_PANEL
    return panel if small and (far or columns.op is not ex.LOAD) else None


def _tile(over: Range, rows: Range | None, lanes: int, target: Target) -> dict[Range, Walk]:
    width = min(lanes, 1 << (over.size.bit_length() - 1))
    length = 1 if rows is None else rows.size
    if over.size < 2 * lanes:  # one step, its last vectors narrower
        columns = over.size // width + (over.size % width).bit_count()
        tile, count = over.size, _rows(length, columns, ACCUMULATORS)
    else:
        most = 1 if target.is_gpu else MOST_COLUMNS
        columns, count = _shape(over.size // width, length, most)
        tile = width * columns
    walks = {over: Walk(tile, width, whole_tail=True)}
    if rows is not None:
        walks[rows] = Walk(count)
    return walks


def _shape(vectors: int, length: int, most: int) -> tuple[int, int]:
    """Columns and rows of the tile that takes the least time for all of ``length`` rows."""
    shapes = [
        (columns, _rows(length, columns, ACCUMULATORS))
        for columns in range(1, min(most, vectors) + 1)
    ]
    return min(
        shapes, key=lambda shape: -(-vectors // shape[0]) * _time(length, shape[1], shape[0])
    )


def _rows(length: int, columns: int, accumulators: int) -> int:
    most = max(1, min(MOST_ROWS, accumulators // columns, length))
    return min(range(most, 0, -1), key=lambda tile: _time(length, tile, columns))


def _time(length: int, tile: int, columns: int) -> float:
    """Cycles of all tiles of ``tile`` rows and of those left over, one by one."""
    steps, rest = divmod(length, tile)
    return steps * _step_time(tile, columns) + rest * _step_time(1, columns)


def _step_time(rows: int, columns: int) -> float:
    """Cycles for one step of the sum, with two additions and two loads a cycle; few accumulators
    wait for each other. A little more for the loop around."""
    additions = rows * columns
    return max(additions / 2, (rows + columns) / 2, LATENCY) + 0.5
