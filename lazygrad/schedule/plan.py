"""From a graph to its plan: kernels in order, and the memory they work on."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from lazygrad import ops
from lazygrad.config import settings
from lazygrad.errors import InternalError
from lazygrad.graph import Node, node
from lazygrad.kernel.kernel import BufferSpec, Output
from lazygrad.kernel.plan import INPUT, OUTPUT, TEMPORARY, Place, Plan, Step
from lazygrad.kernel.target import Target
from lazygrad.kernel.verify import verify_kernel, verify_written
from lazygrad.ops import Kind
from lazygrad.rewrite import rewrite
from lazygrad.schedule import calls, fuse, joins, memory, pieces, products, winograd
from lazygrad.schedule.build import Builder, Built
from lazygrad.schedule.calls import BuiltCall
from lazygrad.schedule.layout import Order
from lazygrad.schedule.partition import Partition
from lazygrad.schedule.sections import in_sections
from lazygrad.schedule.simplify import simplify
from lazygrad.schedule.split import splitting
from lazygrad.schedule.winograd import Way
from lazygrad.verify import verify_graph, verify_same


def make_plan(
    requested: Sequence[Node],
    inputs: Sequence[Node],
    target: Target,
    *,
    fused: bool = True,
    lasting: Container[Node] = (),
    shared: bool = True,
) -> Plan:
    """Schedules ``requested``. ``inputs`` are the leaves (BUFFER nodes) in the caller's order. What
    is ``lasting`` among them stays the same from run to run: repacked, it is another input. Memory
    that is ``shared`` may hold temporaries before it holds a result."""
    number = {leaf: i for i, leaf in enumerate(inputs)}
    roots, wanted, _, built, repacked = stages(
        requested, number, target, fused=fused, lasting=lasting
    )
    if settings.verify:
        _verify(built)
    if settings.in_sections:
        built = in_sections(built, wanted, target)
    given = {**number, **{copy: i for i, copy in enumerate(repacked, len(inputs))}}
    places = _places(built, given, {root: i for i, root in enumerate(wanted)})
    lifetimes, values = _lifetimes(built, places)
    outputs = tuple(root.size * root.dtype.itemsize for root in wanted)
    rooms = _rooms(built, places, outputs) if shared else ()
    temporaries, arenas = memory.assign(lifetimes, target, rooms)
    places |= {value: Place(TEMPORARY, i) for i, value in enumerate(values)}
    scratch = iter(range(len(values), len(temporaries)))
    steps = tuple(Step(b.kernel, tuple(_slots(b, places, scratch))) for b in built)
    for i, root in enumerate(wanted):
        if root not in places and root.size:
            raise InternalError(f"[schedule] no kernel writes {root}")
        places.setdefault(root, Place(OUTPUT, i))
    return Plan(
        steps=steps,
        results=tuple(places[root] for root in roots),
        outputs=outputs,
        arenas=tuple(arenas),
        temporaries=tuple(temporaries),
        repacked=tuple((number[value], order) for value, order in repacked.values()),
    )


class Stages(NamedTuple):
    """What a graph becomes on its way to a plan.

    Attributes:
        roots: what is requested, simplified.
        wanted: those of them that are computed.
        cut: which kernel computes what.
        built: the steps of the plan, in order.
        repacked: copies that they read and that are made before: of what, and in which order.
    """

    roots: list[Node]
    wanted: list[Node]
    cut: Partition
    built: list[Built | BuiltCall]
    repacked: dict[Node, tuple[Node, Order]]


def stages(
    requested: Sequence[Node],
    inputs: Collection[Node],
    target: Target,
    *,
    fused: bool = True,
    lasting: Container[Node] = (),
) -> Stages:
    """All that ``make_plan`` does but for memory; also for those who look inside."""
    roots = _simplified(requested, target)
    wanted = [root for root in dict.fromkeys(roots) if root not in inputs]
    cut = fuse.partition(wanted, target, fuse=fused)
    of_body = partial(make_plan, target=target, fused=fused, shared=False)  # it lies elsewhere then
    builder = Builder(cut, target, of_body, lasting)
    built = [b for b in builder.build_all() if b.kernel.buffers[0].size]
    return Stages(roots, wanted, cut, built, builder.before)


def _simplified(requested: Sequence[Node], target: Target) -> list[Node]:
    """Simplified roots; a view asked for by itself is given memory of its own."""
    simple = simplify(requested)
    roots = [simple[root] for root in requested]
    if settings.verify:
        verify_graph(roots, "simplification")
        for before, after in zip(requested, roots, strict=True):
            verify_same(before, after, "simplification")
    stored = False
    if joins.concern(simple.values()):
        simple, roots = _again(joins.with_joins(roots), simple)
    if [value for value in simple.values() if value.op is ops.JOIN]:
        found, stored = pieces.with_stored_joins(roots, target)
        simple, roots = _again(found, simple)
    ways = winograd.ways_of(roots, target) if settings.in_tiles else {}
    parted = _parted(roots, ways, target)
    if [value for value in simple.values() if value.op.kind is Kind.CALL]:
        parted = calls.with_stored_operands(parted)
    parted = [_stored(root) for root in parted]
    return pieces.with_pieces(parted) if stored else parted


def _again(roots: list[Node], simple: dict[Node, Node]) -> tuple[dict[Node, Node], list[Node]]:
    """``roots`` simplified, of which ``simple`` was already, as all nodes and as roots."""
    found = simplify(roots, {value: value for value in simple.values()})
    return found, [found[root] for root in roots]


def _parted(roots: list[Node], ways: Mapping[Node, Way], target: Target) -> list[Node]:
    """``roots`` with correlations in tiles, long reductions in two and sums of several products
    apart; simplified in the same walk, which makes each value of a large graph once."""
    done: dict[Node, Node] = {}
    rules = products.rules if target.blas else splitting(target, done)
    if ways:
        return winograd.with_tiles(roots, ways, lambda value: rewrite([value], rules, done)[value])
    rewrite(roots, rules, done)
    return [done[root] for root in roots]


def _stored(root: Node) -> Node:
    """The node whose memory holds ``root``: a reshape is the same memory, other views and
    constants are written to memory of their own."""
    while root.op is ops.RESHAPE:
        root = root.src[0]
    unwritten = root.op.kind in (Kind.MOVEMENT, Kind.LEAF) and root.op is not ops.BUFFER
    return node(ops.CONTIGUOUS, (root,)) if unwritten else root


def _verify(built: Sequence[Built | BuiltCall]) -> None:
    """Each kernel, and that every buffer is written exactly once, by however many."""
    parts: dict[Node, tuple[BufferSpec, list[Output]]] = {}
    for b in built:
        if isinstance(b, BuiltCall):
            continue
        verify_kernel(b.kernel)
        for output in b.kernel.outputs:
            buffer = b.kernel.buffers[output.slot]
            parts.setdefault(b.buffers[output.slot], (buffer, []))[1].append(output)
    for buffer, outputs in parts.values():
        verify_written(buffer, outputs)


def _places(
    built: Sequence[Built | BuiltCall], number: dict[Node, int], wanted: dict[Node, int]
) -> dict[Node, Place]:
    places = {leaf: Place(INPUT, i) for leaf, i in number.items()}
    for b in built:
        for value in b.buffers:
            if value in wanted:
                places[value] = Place(OUTPUT, wanted[value])
    return places


def _lifetimes(
    built: Sequence[Built | BuiltCall], places: dict[Node, Place]
) -> tuple[list[memory.Lifetime], list[Node]]:
    spans: dict[Node, list[int]] = {}
    for step, b in enumerate(built):
        for value in b.buffers:
            if value not in places:
                spans.setdefault(value, [step, step])[1] = step
    lifetimes = [
        memory.Lifetime(v.size * v.dtype.itemsize, first, last)
        for v, (first, last) in spans.items()
    ]
    for step, b in enumerate(built):
        if isinstance(b, BuiltCall):
            lifetimes += [memory.Lifetime(nbytes, step, step) for nbytes in b.scratch]
    return lifetimes, list(spans)


def _rooms(
    built: Sequence[Built | BuiltCall], places: dict[Node, Place], outputs: Sequence[int]
) -> list[memory.Room]:
    """The memory of ``outputs``, until something is written there."""
    until = [0] * len(outputs)
    for step in reversed(range(len(built))):
        for value in built[step].buffers:
            place = places.get(value)
            if place is not None and place.role == OUTPUT:
                until[place.index] = step
    return [memory.Room(*room) for room in zip(outputs, until, strict=True)]


def _slots(
    b: Built | BuiltCall, places: dict[Node, Place], scratch: Iterator[int]
) -> Iterator[Place]:
    """The places of a step's buffers, and of what it needs besides: the next of ``scratch``."""
    yield from (places[value] for value in b.buffers)
    if isinstance(b, BuiltCall):
        yield from (Place(TEMPORARY, next(scratch)) for _ in b.scratch)
