"""Kernel -> the source of its two functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import prod
from typing import Any

import numpy as np

from lazygrad.plugin import Expr, Kernel, Output, contraction, dtype as dt, expr as ex, ops
from lazygrad_numpy import collecting, elementwise, loading, product, reductions, running
from lazygrad_numpy.arrays import Names
from lazygrad_numpy.code import Array, Line, Loop, Scope, place_regions, render
from lazygrad_numpy.indexing import TAKE_ROWS, with_fixed_atoms, with_takes
from lazygrad_numpy.loops import (
    LEAST_SHARED_WORK,
    axis_order,
    choose_loops,
    with_long_last,
    work,
)
from lazygrad_numpy.lower import Lowering, Rule
from lazygrad_numpy.ranges import reductions_prepared, short_written_out, simplified
from lazygrad_numpy.rewriting import with_guards_once, with_numpy_calls
from lazygrad_numpy.running import RUNNING, with_running
from lazygrad_numpy.windows import with_positions

RULES: dict[Any, Rule] = (
    elementwise.RULES | loading.RULES | reductions.RULES | running.RULES | collecting.RULES
)
DIRECT = frozenset((*elementwise.UFUNCS, ops.DIV, ops.WHERE, *ex.BINDING, TAKE_ROWS, RUNNING))


@dataclass(frozen=True)
class Source:
    """Generated code.

    Attributes:
        text: of the functions ``prepare`` and ``bind``.
        constants: what it names c0, c1, ...
        scratch_bytes: what ``prepare`` may hand out.
        shared: size and block of the range whose blocks threads share, None if one thread runs it.
        sums: each thread has blocks of its own, of which one thread makes a whole.
        nest: the loops, for people.
        starts: the bytes at which buffers begin; none where all begin with their memory.
    """

    text: str
    constants: dict[str, np.ndarray[Any, Any]]
    scratch_bytes: int
    shared: Loop | None
    sums: bool
    nest: str
    starts: tuple[int, ...] = ()


def generate(kernel: Kernel, units: int = 1, scale: float = 1.0) -> Source:
    """The code of ``kernel``, for ``units`` threads; ``scale`` makes blocks larger or smaller."""
    shaped = with_running(simplified(kernel))
    if contraction.find(shaped) is None:
        shaped = short_written_out(shaped)  # before loads: at constant offsets they walk in strides
    shaped = with_guards_once(product.with_factors(with_fixed_atoms(shaped)))
    shaped = with_numpy_calls(with_takes(shaped))
    order = axis_order(shaped, by_outputs=True)
    planned = product.plan(shaped, order)
    products: dict[Expr, Any] = {}
    if shaped.collected is not None:
        loops = collecting.choose_loops(shaped, units)
    elif planned is None:
        shaped = reductions_prepared(shaped)
        order = with_long_last(axis_order(shaped))
        loops = choose_loops(shaped, order, units, scale)
    else:
        loops = product.choose_loops(shaped, *planned, order, units, scale)
        products = dict([planned])
    found = [w for p in products.values() for w in p.windows]
    names = Names(with_positions(order, found), loops)
    besides = tuple(w.value for w in found)
    lowering = Lowering(shaped, names, RULES, DIRECT, products, besides)
    _emit(lowering)
    shared = _shared_loop(lowering) if units > 1 else None
    scratch_bytes = place_regions(names.launch)
    return Source(
        text=_text(kernel, names),
        constants=names.constants,
        scratch_bytes=scratch_bytes,
        shared=shared.loop if shared else None,
        sums=bool(shared and (shared.totals or shared.after)),
        nest=_nest(shaped, names),
    )


# -- threads ----------------------------------------------------------------------------------


def _shared_loop(lo: Lowering) -> Scope | None:
    """The loop whose blocks threads can share, marked as shared: the only one in ``launch``, and
    worth it. Each thread runs what stands before it; only the last one what follows all of it."""
    items = lo.names.launch.items
    loops = [(i, item) for i, item in enumerate(items) if isinstance(item, Scope)]
    if len(loops) != 1 or work(lo.kernel, lo.products) < LEAST_SHARED_WORK:
        return None
    position, body = loops[0]
    if body.totals or body.after:
        totals = [f"({step}, {lo.names.of(a, lo.names.launch)})" for step, a in body.totals]
        line = Line(f"if not team.merge({', '.join(totals)}):")
        items[position + 1 : position + 1] = [line, Line("    return")]
    elif position != len(items) - 1:
        return None
    body.shared = True
    return body


# -- outputs ----------------------------------------------------------------------------------


def _emit(lo: Lowering) -> None:
    tile = [lo.names.launch]
    for loop in lo.loops_of(lo.kernel.ranges):
        tile.append(Scope(parent=tile[-1], loop=loop))

    def inner_loops(output: Output) -> tuple[Loop, ...]:
        return lo.loops_of(set(output.ranges) - set(lo.kernel.ranges))

    by_loops = sorted(lo.kernel.outputs, key=lambda o: [x.range.name for x in inner_loops(o)])
    for loops, group in groupby(by_loops, key=inner_loops):
        bodies = [tile[-1]]
        for loop in loops:
            bodies.append(Scope(parent=bodies[-1], loop=loop))
        _store(lo, list(group), bodies[-1])
        _close(bodies)
    _close(tile)


def _close(bodies: Sequence[Scope]) -> None:
    """Puts each loop into the block around it, once that holds what the loop needs."""
    for i in range(len(bodies) - 1, 0, -1):
        bodies[i - 1].items += [bodies[i], *bodies[i].after]


def _store(lo: Lowering, outputs: Sequence[Output], scope: Scope) -> None:
    """First everything that outputs need, then the writes: an output may be the memory of an
    input that is read at the same place."""
    writes: list[tuple[Output, Array, Array | None]] = []
    for position, output in enumerate(outputs):
        target = _target(lo, output)
        root = output.value
        if root.op is ops.CAST and root.dtype in dt.HALVES:
            root = root.src[0]  # storing rounds
        hazard = _reads_written(lo, root, outputs[:position])
        if lo.writes_directly(root, target) and lo.available(root, scope) is None and not hazard:
            if root not in lo.products:
                for operand in root.src if not _is_chunked(lo, root) else ():
                    lo.need(operand, scope)
            writes.append((output, target, None))
            continue
        value = lo.need(root, scope)
        if hazard and root.op is ex.LOAD:
            kept = lo.names.scratch(value.ranges, value.dtype, scope)
            lo.copy(value, kept, scope)
            value = kept
        writes.append((output, target, value))
    for output, target, computed in writes:
        if computed is None:
            lo.compute(output.value, scope, target)
        else:
            lo.store(computed, output, target, scope)


def _is_chunked(lo: Lowering, root: Expr) -> bool:
    return root.op is ex.REDUCE and bool(lo.loops_of(root.arg.ranges))


def _target(lo: Lowering, output: Output) -> Array:
    """The output's memory, along its ranges."""
    strides = {r: output.index.coefficient(r) for r in output.ranges}
    extents = {r: r.size for r in output.ranges}
    looped = frozenset(r for r in output.ranges if r in lo.names.loops)
    label = lo.names.fresh(f"y{output.slot}")
    dtype = lo.kernel.buffers[output.slot].dtype.numpy
    return Array(
        label, dtype, strides, extents, output.slot, lo.names.launch, output.index.const, looped
    )


def _reads_written(lo: Lowering, root: Expr, written: Iterable[Output]) -> bool:
    """Whether ``root`` reads, straight from memory, what may be the memory of an output that is
    written before it."""
    reads = [e for e in (root, *root.src) if e.op is ex.LOAD]
    return any(
        e.arg.index == output.index
        and lo.kernel.buffers[e.arg.slot].nbytes == lo.kernel.buffers[output.slot].nbytes
        for e in reads
        for output in written
    )


# -- text -------------------------------------------------------------------------------------


def _text(kernel: Kernel, names: Names) -> str:
    lines = [f"# {kernel.name}"]
    written = {output.slot for output in kernel.outputs}
    for slot, spec in enumerate(kernel.buffers):
        use = "written" if slot in written else "read"
        lines.append(f"# b{slot}: {spec.size} x {spec.dtype.name}, {use}")
    if names.order:
        lines.append("# axes: " + ", ".join(f"{r.name} = {r.size}" for r in names.order))
    lines += [f"# {name} = {c.dtype.name} {c}" for name, c in names.constants.items()]
    lines += ["", "", "def prepare(scratch):"]
    body = [f"    {declared.text()}" for declared in names.declared]
    body += render(names.prepare)
    kept = ", ".join(names.kept)
    comma = "," if len(names.kept) == 1 else ""
    lines += [*body, f"    return {kept or '()'}{comma}", "", ""]
    buffers = "".join(f", b{slot}" for slot in range(len(kernel.buffers)))
    lines.append(f"def bind(prepared{buffers}):")
    lines += [f"    {kept}{comma} = prepared"] if kept else []
    lines += [f"    {line.text}" for line in names.launch.head]
    inside = render(Scope(items=names.launch.items), depth=2) or ["        pass"]
    team = "team" if _is_shared(names.launch) else ""
    lines += ["", f"    def run({team}):", *inside, "", "    return run"]
    return "\n".join(lines) + "\n"


def _is_shared(launch: Scope) -> bool:
    return any(isinstance(item, Scope) and item.shared for item in launch.items)


def _nest(kernel: Kernel, names: Names) -> str:
    """The ranges, how they are walked, and what is stored."""
    lines = []
    for r in names.order:
        loop = names.loops.get(r)
        lines.append(f"{r.name}: {r.size}" + (f" in blocks of {loop.block}" if loop else ""))
    for output in kernel.outputs:
        points = prod(r.size for r in output.ranges)
        lines.append(f"b{output.slot}[{output.index}] = {output.value}  # {points} times")
    return "\n".join(lines)
