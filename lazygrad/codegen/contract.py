"""Schedules of contractions: register tiles.

One factor is loaded as vectors (columns), the other one a scalar at a time (rows), and every
product of the two is added to an accumulator that stays in a register.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from lazygrad import ops
from lazygrad.codegen import lanes as ln
from lazygrad.codegen.normal import flatten, substitute
from lazygrad.codegen.schedule import Schedule, Walk
from lazygrad.kernel import contraction
from lazygrad.kernel import expr as ex
from lazygrad.kernel.contraction import Contraction
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import Range
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.target import Target

ACCUMULATORS = 12  # vectors; with 2 columns and a row they fill the 16 registers of most machines
MOST_ROWS = 8


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
    return Schedule(
        kernel, (*others, sides.over, *inner), (*others, *inner, sides.over), walks, wide=wide,
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
            near = tuple(sorted(others, key=lambda x, rows=rows: -_stride(rows, x)))
            options.append(Sides(r, columns, rows, near, each + stores / points))
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
    order = tuple(sorted(found.k, key=lambda r: -_stride(sides.rows, r)))
    product = ex.elementwise(ops.MUL, (sides.rows, sides.columns), found.reduce.dtype)
    total = ex.reduce(ops.SUM, product, order)
    kernel = substitute(kernel, {}, {}, lambda e: total if e is found.reduce else e)
    return flatten(kernel, sides.row_ranges)


def _stride(factor: Expr, r: Range) -> int:
    """The smallest step in memory along ``r``; large where there is none, so that what does not
    move is an outer loop."""
    steps = [abs(e.arg.index.coefficient(r)) for e in ex.toposort([factor]) if e.op is ex.LOAD]
    return min((step for step in steps if step), default=1 << 62)


def _tile(over: Range, rows: Range | None, lanes: int, target: Target) -> dict[Range, Walk]:
    width = min(lanes, 1 << (over.size.bit_length() - 1))
    columns = 1 if target.is_gpu else max(1, min(2, over.size // width))
    if over.size < 2 * lanes:
        tile = over.size  # one step, its last vector narrower
        columns = over.size // width + (over.size % width).bit_count()
    else:
        tile = width * columns
    walks = {over: Walk(tile, width, whole_tail=True)}
    if rows is not None:
        walks[rows] = Walk(_rows(rows.size, columns))
    return walks


def _rows(size: int, columns: int) -> int:
    """Rows of a tile: as many as there are registers for, unless fewer leave less over."""
    most = max(1, min(MOST_ROWS, ACCUMULATORS // columns, size))
    return min(range(1, most + 1), key=lambda tile: _time(size, tile, columns))


def _time(size: int, tile: int, columns: int) -> float:
    """Of all tiles of ``tile`` rows and those left over one by one; a step loads its columns and
    rows as well."""
    steps, rest = divmod(size, tile)
    return steps * (tile * columns + columns + tile / 2) + rest * (2.5 * columns + 1)
