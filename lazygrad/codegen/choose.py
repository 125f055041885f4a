"""Chooses a schedule: how a kernel is walked on a device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod

from lazygrad.codegen import (
    blocks,
    collect,
    contract,
    edges,
    groups,
    lanes as ln,
    rows,
    running,
    seams,
)
from lazygrad.codegen.emit import emit
from lazygrad.codegen.nest import LoopNest
from lazygrad.codegen.normal import normal
from lazygrad.codegen.schedule import Schedule, Walk, segments, vector_steps
from lazygrad.codegen.tuning import NONE, Tuning
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import Index, Range
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.target import Target

WINDOW = 9  # reductions up to this long are written out
LARGE_BODY = 40  # expressions; what is larger is not repeated
REPEATED = 4  # vectors in a step of a reduction, with an accumulator each
LONG_ROW = 1 << 8  # elements
WIDE_ROW = 1 << 10  # for each unit
STREAM_BYTES = 32  # of a vector: two of them a cache line come faster from memory than one
COLUMNS = 8  # vectors in a step of a kernel with reductions in loops
INT_LIMIT = (1 << 31) - 1

ITEMS_PER_UNIT = 4, 8, 16  # work-items for each core
WORK_OF_ITEM = 1 << 13  # instructions that are worth a work-item of their own
ITEM = 3 << 10  # to take a work-item, and to begin to read elsewhere: about a microsecond
COPIED = 8  # instructions for a vector that comes from memory far away to a panel
IDLE = 0.5  # of a work-item, that a core waits for the others in the end
GPU_GROUP = 128


def loop_nest(kernel: Kernel, target: Target, tuning: Tuning = NONE) -> LoopNest | None:
    """``kernel`` as a loop nest for a device; None if there is nothing to compute."""
    form = normal(kernel)
    if not form.outputs:
        return None
    return emit(kernel, schedule(form, target, tuning))


def schedule(kernel: Kernel, target: Target, tuning: Tuning = NONE) -> Schedule:
    """How to walk a kernel in normal form."""
    wide = _needs_wide(kernel)
    if kernel.collected is not None:
        return collect.schedule(kernel, target, wide)
    lanes = ln.vector_width(kernel, target, wide)
    if target.is_gpu:
        in_blocks = blocks.schedule(kernel, target, lanes, wide)
        if in_blocks is not None:
            return in_blocks
    chosen = contract.schedule(kernel, target, lanes, wide, tuning) if lanes > 1 else None
    if chosen is None:
        chosen = running.schedule(kernel, target, lanes, wide)
    if chosen is None and target.is_gpu:
        chosen = groups.schedule(kernel, target, wide)
    if chosen is None:
        chosen = _general(kernel, target, lanes, wide, tuning)
    if target.is_gpu:
        return _gpu_items(chosen, target)
    return _cpu_items(chosen, target, lanes, (tuning.items,) if tuning.items else ITEMS_PER_UNIT)


def _needs_wide(kernel: Kernel) -> bool:
    """Whether an index or an element number does not fit 32 bits."""
    if any(spec.size > INT_LIMIT for spec in kernel.buffers):
        return True
    found: list[Index] = [o.index for o in kernel.outputs]
    for value in ex.toposort(kernel.values):
        found += ex.indices(value)
    return any(max(-i.interval[0], i.interval[1]) > INT_LIMIT for i in found)


# -- kernels that are no contraction ------------------------------------------------------------


def _general(kernel: Kernel, target: Target, lanes: int, wide: bool, tuning: Tuning) -> Schedule:
    inside, edge = (kernel, {}) if target.is_gpu else edges.without(kernel)
    found = seams.find(kernel, target)
    between = seams.without(inside, found)
    over = ln.choose(between, lanes)
    if not over.isdisjoint(edge):
        edge = {}
        between = seams.without(kernel, found)
        over = ln.choose(between, lanes)
    cut = {r: found[r] for r in over if r in found}
    lanes = ln.narrowed(between if cut else kernel, over, lanes)
    columns = COLUMNS
    if _streams(kernel, over, target):
        narrow = min(lanes, STREAM_BYTES // kernel.reductions()[0].dtype.itemsize)
        lanes, columns = narrow, COLUMNS * lanes // narrow  # a step of as many elements
    walks: dict[Range, Walk] = dict(edge)
    for e in kernel.reductions():
        walks.update(_reduction_walks(e, over, lanes, tuning.vectors))
    outer = [r for r in kernel.ranges if r in over]
    loops = any(r not in walks for e in kernel.reductions() for r in e.arg.ranges)
    many = _columns(kernel, columns) if loops and not target.is_gpu else 1
    many = tuning.vectors or many
    for r in outer:
        walks[r] = vector_steps(r, lanes, many)
        if r in cut:
            walks[r] = replace(walks[r], cuts=cut[r], whole_tail=True)
    for output in kernel.outputs:
        for r in output.ranges:
            if r in over and r not in kernel.ranges:
                walks[r] = vector_steps(r, lanes, 1)
    order = _order(kernel, outer)
    names = " and ".join(sorted(r.name for r in over))
    notes = (f"vectors of {names}",) if over else ("no vectors",)
    kept = () if target.is_gpu else rows.find(kernel, walks)
    shared = tuple(r for r in order if r not in cut)
    return Schedule(kernel, order, shared, walks, wide=wide, rows=kept, notes=notes)


def _streams(kernel: Kernel, over: frozenset[Range], target: Target) -> bool:
    """Whether it reads much memory once to keep few numbers, along long rows or down many columns:
    then it is the memory that counts."""
    reductions = kernel.reductions()
    own = any(r not in kernel.ranges for o in kernel.outputs for r in o.ranges)
    if own or len(reductions) != 1 or len(ex.toposort(reductions[0].src)) > LARGE_BODY // 4:
        return False
    if all(r in over and r.size >= LONG_ROW for r in reductions[0].arg.ranges):
        return True
    wide = WIDE_ROW * target.units
    return any(r in over and r.size >= wide for r in reductions[0].ranges)


def _columns(kernel: Kernel, most: int) -> int:
    """Vectors in a step of a kernel whose reductions are loops: each has its accumulators."""
    body = len(ex.toposort(kernel.values))
    return max(1, min(most // len(kernel.reductions()), 2 * LARGE_BODY // body))


def _reduction_walks(
    e: Expr, over: frozenset[Range], lanes: int, vectors: int
) -> dict[Range, Walk]:
    ranges = e.arg.ranges
    body = len(ex.toposort(e.src))
    if not any(r in over for r in ranges):
        small = prod(r.size for r in ranges) <= WINDOW and body <= LARGE_BODY
        return {r: Walk(r.size) for r in ranges} if small else {}
    many = vectors or (REPEATED if body <= LARGE_BODY // 4 else 1)
    return {r: vector_steps(r, lanes, many) for r in ranges if r in over}


def _order(kernel: Kernel, lanes: list[Range]) -> tuple[Range, ...]:
    """Loops in the order of the first output's memory, the lanes innermost; only a range along
    which what the lanes gather is contiguous goes further in, to use the lines they fetch."""
    output = kernel.outputs[0]
    order = sorted(kernel.ranges, key=lambda r: -abs(output.index.coefficient(r)))
    order = [*(r for r in order if r not in lanes), *lanes]
    if not lanes:
        return tuple(order)
    for value in ex.toposort(kernel.values):
        if value.op is not ex.LOAD or abs(value.arg.index.coefficient(lanes[0])) <= 1:
            continue
        along = [r for r in order if value.arg.index.coefficient(r) == 1 and r not in lanes]
        if along:
            return (*(r for r in order if r != along[0]), along[0])
    return tuple(order)


# -- work-items ---------------------------------------------------------------------------------


def _cpu_items(chosen: Schedule, target: Target, lanes: int, per_unit: tuple[int, ...]) -> Schedule:
    """Few work-items, a block each: enough that all cores end together, but each costs something,
    most of all where several copy the same panel."""
    work = ln.cost(chosen.kernel, (), 1) / max(lanes, 1)
    most = int(work // WORK_OF_ITEM)

    def time(items: Mapping[Range, int]) -> float:
        steps = {r: -(-_steps(chosen, r) // items.get(r, 1)) for r in chosen.order}
        longest = work * prod(n / _steps(chosen, r) for r, n in steps.items())
        for panel in chosen.panels:
            copied = COPIED * panel.elements(chosen.walk) / max(lanes, 1)
            longest += copied * prod(n for r, n in steps.items() if r != panel.rows)
        rest = max(r.size / chosen.walk(r).tile / steps[r] - n for r, n in items.items())
        turns = -(-prod(items.values()) // target.units)
        return (turns + IDLE + max(0.0, rest)) * (ITEM + longest)

    wanted = {min(n * target.units, most) for n in per_unit} | {most // target.units * target.units}
    options = [_divided(chosen, n) for n in sorted(wanted) if n <= max(per_unit) * target.units]
    return _with_items(chosen, min(options, key=time) if options[0] else {})


def _divided(chosen: Schedule, wanted: int) -> dict[Range, int]:
    """About as many work-items as ``wanted``, along the outermost ranges that suffice."""
    items: dict[Range, int] = {}
    for r in chosen.numbering:
        steps = _steps(chosen, r)
        count = steps if steps <= 2 * wanted else wanted
        if count <= 1 or wanted <= 1:
            continue
        chunk = -(-steps // count)
        items[r] = -(-steps // chunk)
        wanted = -(-wanted // items[r]) if items[r] < wanted else 1
    return items


def _steps(chosen: Schedule, r: Range) -> int:
    return segments(r.size, chosen.walk(r))[0].steps


def _gpu_items(chosen: Schedule, target: Target) -> Schedule:
    """A work-item a step, in groups of a few warps."""
    items = {r: segments(r.size, chosen.walk(r))[0].steps for r in chosen.numbering}
    if chosen.together:  # a group an element of the outer ranges
        return _with_items(chosen, items)
    total = prod(items.values())
    group = min(GPU_GROUP, target.max_group)
    while group > 1 and group // 2 >= total:
        group //= 2
    return replace(_with_items(chosen, items), group=group)


def _with_items(chosen: Schedule, items: Mapping[Range, int]) -> Schedule:
    walks = dict(chosen.walks)
    for r, count in items.items():
        walks[r] = replace(chosen.walk(r), items=count)
    return replace(chosen, walks=walks)
