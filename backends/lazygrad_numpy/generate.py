"""Kernel -> the source of its two functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import prod
from textwrap import fill
from typing import Any, NamedTuple

import numpy as np

from lazygrad.plugin import (
    Expr,
    Kernel,
    Output,
    buffer_names,
    composed,
    contraction,
    dtype as dt,
    expr as ex,
    named,
    ops,
)
from lazygrad_numpy import (
    channelwise,
    collecting,
    early,
    elementwise,
    loading,
    product,
    reductions,
    running,
)
from lazygrad_numpy.arrays import Names
from lazygrad_numpy.code import Array, Line, Loop, Scope, place_regions, regions_of, render
from lazygrad_numpy.indexing import TAKE_ROWS, taken_whole, with_fixed_atoms, with_takes
from lazygrad_numpy.loops import (
    LEAST_SHARED_WORK,
    axis_order,
    choose_loops,
    with_long_last,
    work,
)
from lazygrad_numpy.lower import Lowering, Rule
from lazygrad_numpy.ranges import (
    LONGEST_UNROLLED,
    MOST_STATEMENTS,
    reductions_prepared,
    short_written_out,
    simplified,
)
from lazygrad_numpy.repeating import with_long_runs
from lazygrad_numpy.rewriting import with_guards_once, with_numpy_calls
from lazygrad_numpy.running import RUNNING, along, with_running
from lazygrad_numpy.windows import with_positions

RULES: dict[Any, Rule] = (
    elementwise.RULES | loading.RULES | reductions.RULES | running.RULES | collecting.RULES
)
FLOATS = dt.float32, dt.float64
LONGEST_LINE = 92  # indented once, or twice
Write = tuple[Output, Array, Array | None]  # the memory of an output; its value, if it is computed
DIRECT = frozenset((*elementwise.UFUNCS, ops.DIV, ops.WHERE, *ex.BINDING, TAKE_ROWS, RUNNING))


@dataclass(frozen=True)
class Source:
    """Generated code.

    Attributes:
        text: of the function ``prepare``.
        constants: numbers, by the names that it has for them.
        scratch_bytes: what ``prepare`` may hand out.
        shared: the loops whose blocks threads share, in turn; none if one thread runs it.
        sums: each thread has blocks of its own, of which a whole is made after each loop.
        starts: the bytes at which buffers begin; none where all begin with their memory.
    """

    text: str
    constants: dict[str, np.ndarray[Any, Any]]
    scratch_bytes: int
    shared: tuple[Loop, ...]
    sums: bool
    starts: tuple[int, ...] = ()


class Generated(NamedTuple):
    """The code of a kernel, and what it was made of."""

    source: Source
    shaped: Kernel
    names: Names

    @property
    def nest(self) -> str:
        """The ranges of the kernel, how they are walked, and what is stored."""
        return _nest(self.shaped, self.names)


def generate(kernel: Kernel, units: int = 1, scale: float = 1.0) -> Source:
    """The code of ``kernel``, for ``units`` threads; ``scale`` makes blocks larger or smaller."""
    return generated(kernel, units, scale).source


def generated(kernel: Kernel, units: int = 1, scale: float = 1.0) -> Generated:
    """As ``generate``, with what it was made of."""
    shaped = with_running(simplified(composed.with_calls(kernel, FLOATS)))
    found = contraction.find_product(shaped)
    if found is None or not product.pays(found):  # before loads, that they walk in strides
        rows = found is not None and channelwise.is_channelwise(found)
        shaped = short_written_out(shaped, MOST_STATEMENTS if rows else LONGEST_UNROLLED)
    shaped = with_guards_once(product.with_factors(with_fixed_atoms(shaped)))
    shaped = with_numpy_calls(with_takes(shaped))
    order = axis_order(shaped, by_outputs=True)
    planned = None if channelwise.plan(shaped) else product.plan(shaped, order)
    products: dict[Expr, Any] = {}
    apart: dict[Expr, Any] = {}
    if shaped.collected is not None:
        loops = collecting.choose_loops(shaped, units)
    elif planned is None:
        shaped = reductions_prepared(shaped)
        whole = along(shaped) | taken_whole(shaped)
        shaped = with_long_runs(shaped, with_long_last(axis_order(shaped)), whole)
        order = with_long_last(axis_order(shaped))
        apart = channelwise.plan(shaped)
        results = {e: how.results for e, how in apart.items()}
        loops = choose_loops(shaped, order, units, scale, results)
    else:
        loops = product.choose_loops(shaped, *planned, order, units, scale)
        products = dict([planned])
    windows = [w for how in (*products.values(), *apart.values()) for w in how.windows]
    names = Names(with_positions(order, windows), loops, buffer_names(kernel))
    besides = tuple(w.value for w in windows)
    lowering = Lowering(shaped, names, RULES, DIRECT, products, apart, besides)
    _emit(lowering)
    shared = _shared_loops(lowering) if units > 1 else ()
    scratch_bytes = place_regions(names.launch)
    source = Source(
        text=_text(kernel, names),
        constants=names.constants,
        scratch_bytes=scratch_bytes,
        shared=tuple(body.loop for body in shared if body.loop is not None),
        sums=any(body.totals or body.after for body in shared),
    )
    return Generated(source, shaped, names)


# -- threads ----------------------------------------------------------------------------------


def _shared_loops(lo: Lowering) -> list[Scope]:
    """The loops whose blocks threads share, marked as shared: all in ``launch``, if they are worth
    it. Each thread runs what stands before the last one, and waits for the others behind each
    loop but that; what follows all of them, stores among it, is left to the last thread."""
    items = lo.names.launch.items
    loops = [item for item in items if isinstance(item, Scope)]
    if not loops or work(lo.kernel, lo.products) < LEAST_SHARED_WORK * len(loops):
        return []
    for body in loops:
        body.shared = True
        position = items.index(body) + 1
        totals = regions_of(array for _, array in body.totals)
        if body is not loops[-1]:
            items.insert(position, Line(f"team.meet({_merged(lo, body)})", totals))
        elif position < len(items):
            last = Line(f"if not team.merge({_merged(lo, body)}):", totals)
            items[position:position] = [last, Line("    return")]
    return loops


def _merged(lo: Lowering, body: Scope) -> str:
    return ", ".join(f"({step}, {lo.names.of(a, lo.names.launch)})" for step, a in body.totals)


# -- outputs ----------------------------------------------------------------------------------


def _emit(lo: Lowering) -> None:
    tile = [lo.names.launch]
    for loop in lo.loops_of(lo.kernel.ranges):
        tile.append(Scope(parent=tile[-1], loop=loop))

    def inner_loops(output: Output) -> tuple[Loop, ...]:
        return lo.loops_of(set(output.ranges) - set(lo.kernel.ranges))

    by_loops = sorted(lo.kernel.outputs, key=lambda o: [x.range.name for x in inner_loops(o)])
    last: list[Write] = []  # after all loops, where one thread can store for all
    for loops, group in groupby(by_loops, key=inner_loops):
        outputs = list(group)
        if not loops:
            last = _needed(lo, outputs, tile[-1], [o for o in by_loops if o not in outputs])
            continue
        bodies = [tile[-1]]
        for loop in loops:
            bodies.append(Scope(parent=bodies[-1], loop=loop))
        _store(lo, _needed(lo, outputs, bodies[-1]), bodies[-1])
        _close(bodies)
    _store(lo, last, tile[-1])
    _close(tile)


def _close(bodies: Sequence[Scope]) -> None:
    """Puts each loop into the block around it, once that holds what the loop needs."""
    for i in range(len(bodies) - 1, 0, -1):
        bodies[i - 1].items += [bodies[i], *bodies[i].after]


def _needed(
    lo: Lowering, outputs: Sequence[Output], scope: Scope, before: Iterable[Output] = ()
) -> list[Write]:
    """Computes everything that outputs need, to be written once all of it is there, and after
    those ``before``: an output may be the memory of an input that is read at the same place."""
    writes: list[Write] = []
    written = [*before]
    for output in outputs:
        target = _target(lo, output)
        root = output.value
        if root.op is ops.CAST and root.dtype in dt.HALVES:
            root = root.src[0]  # storing rounds
        hazard = _reads_written(lo, root, written)
        written.append(output)
        directly = lo.writes_directly(root, target) and not _is_chunked(lo, root)
        if directly and lo.available(root, scope) is None and not hazard:
            if root not in lo.products and root not in lo.channelwise:
                early.begin(lo, root, target, scope)
                for operand in root.src:
                    lo.need(operand, scope)
            writes.append((output, target, None))
            continue
        value = lo.need(root, scope)
        if hazard and root.op is ex.LOAD:
            kept = lo.names.scratch(value.ranges, value.dtype, scope, label="kept")
            lo.copy(value, kept, scope)
            value = kept
        writes.append((output, target, value))
    return writes


def _store(lo: Lowering, writes: Iterable[Write], scope: Scope) -> None:
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
    label = lo.names.fresh(lo.names.buffers[output.slot])
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
    """One function in another: what is prepared once a thread, what is bound to buffers, what
    runs."""
    lines = [f"# {kernel.name}"]
    if names.order:
        axes = ", ".join(f"{r.name} = {r.size}" for r in names.order)
        lines.append(f"# axes of arrays, 1 where one does not vary: {axes}")
    lines += ["", "", "def prepare(scratch):"]
    lines += [f"    {line}" for line in _declared(names)]
    lines += render(names.prepare)
    lines += ["", *_bind_head([f"{name}_bytes" for name in names.buffers])]
    lines += [f"        {line.text}" for line in names.launch.head]
    inside = render(Scope(items=names.launch.items), depth=3) or ["            pass"]
    team = "team" if _is_shared(names.launch) else ""
    lines += ["", f"        def run({team}):", *inside, "", "        return run", ""]
    return "\n".join([*lines, "    return bind"]) + "\n"


def _bind_head(buffers: Sequence[str]) -> list[str]:
    line = f"    def bind({', '.join(buffers)}):"
    if len(line) <= LONGEST_LINE:
        return [line]
    listed = fill(", ".join(buffers), LONGEST_LINE - 8).splitlines()
    return ["    def bind(", *(f"        {each}" for each in listed), "    ):"]


def _declared(names: Names) -> Iterator[str]:
    """Scratch memory: names of one after the other for the same are given together."""
    alike: dict[str, list[str]] = {}
    for declaration in names.declared:
        alike.setdefault(declaration.text(), []).append(declaration.name)
    for text, called in alike.items():
        first = called[0]
        yield from _in_lines(called, text, first)


def _in_lines(called: Sequence[str], text: str, first: str) -> Iterator[str]:
    """``a = b = text``; in several lines if that is long, all but one of them ``... = first``."""
    line = " = ".join([*called, text])
    if len(line) <= LONGEST_LINE or len(called) == 1:
        yield line
        return
    count = 1
    while len(" = ".join([*called[: count + 1], text])) <= LONGEST_LINE:
        count += 1
    yield " = ".join([*called[:count], text])
    yield from _in_lines(called[count:], first, first)


def _is_shared(launch: Scope) -> bool:
    return any(isinstance(item, Scope) and item.shared for item in launch.items)


def _nest(kernel: Kernel, names: Names) -> str:
    lines = []
    for r in names.order:
        loop = names.loops.get(r)
        lines.append(f"{r.name}: {r.size}" + (f" in blocks of {loop.block}" if loop else ""))
    for output in kernel.outputs:
        points = prod(r.size for r in output.ranges)
        lines.append(f"b{output.slot}[{output.index}] = {output.value}  # {points} times")
    return named(kernel, "\n".join(lines))
