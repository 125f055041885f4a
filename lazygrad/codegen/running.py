"""Schedules of running reductions: along a row, each result is the one before and one element more.

A row is one chain of additions, so neighbouring rows are walked side by side: in vectors where they
lie side by side in memory, a few at a time otherwise.
"""

from __future__ import annotations

from dataclasses import replace

from lazygrad.codegen import edges, lanes as ln
from lazygrad.codegen.schedule import Schedule, Walk
from lazygrad.kernel import index as ix, running
from lazygrad.kernel.index import Range
from lazygrad.kernel.kernel import Kernel, loads
from lazygrad.kernel.ranges import substitute
from lazygrad.kernel.running import Running
from lazygrad.kernel.target import Target

CHAINS = 8  # accumulators: until the first can be added to again
VECTORS = 4


def schedule(kernel: Kernel, target: Target, lanes: int, wide: bool) -> Schedule | None:
    """Rows walked from their first result to the last; None if other reductions are among them."""
    found = _runs(kernel)
    if not found:
        return None
    if found[0].backwards:
        kernel = _turned(kernel, found)
        found = _runs(kernel)
    along = found[0].along
    others = [r for r in kernel.ranges if r != along]
    walks = _walks(kernel, found, others, lanes, target)
    order = (*(r for r in others if walks.get(r, _ONE).lanes == 1), *_vectors(walks), along)
    numbering = tuple(r for r in order if r != along)
    notes = (f"running along {along.name}",)
    return Schedule(
        kernel, order, numbering, walks, wide=wide, running=tuple(found), notes=notes
    )  # fmt: skip


_ONE = Walk()


def _runs(kernel: Kernel) -> list[Running]:
    """What all reductions of ``kernel`` are, if they run the same way; else nothing."""
    found = [run for e in kernel.reductions() if (run := running.find(e)) is not None]
    alike = len({(run.along, run.backwards) for run in found}) == 1
    if not alike or len(found) != len(kernel.reductions()):
        return []
    inside = any(run.reduce in other.source.src for run in found for other in found)
    return [] if inside or found[0].along not in kernel.ranges else found


def _turned(kernel: Kernel, found: list[Running]) -> Kernel:
    """Every row counted from its end."""
    turned = [found[0].along, *(r for run in found for r in run.reduce.arg.ranges)]
    return substitute(kernel, {r: ix.of(r) * -1 + (r.size - 1) for r in turned}, {})


def _walks(
    kernel: Kernel, found: list[Running], others: list[Range], lanes: int, target: Target
) -> dict[Range, Walk]:
    def price(r: Range) -> float:
        read = loads(run.source for run in found)
        each = [ln.element_cost(e.arg.index, e.arg.guard, r, lanes) for e in read]
        return max([*each, *(ln.element_cost(o.index, (), r, lanes) for o in kernel.outputs)])

    wide = [r for r in others if lanes > 1 and r.size >= lanes and price(r) < 1]
    walks: dict[Range, Walk] = {}
    if wide:
        over = min(wide, key=price)
        walks[over] = Walk(
            lanes * (1 if target.is_gpu else min(VECTORS, over.size // lanes)), lanes
        )
    elif others and not target.is_gpu:
        longest = max(others, key=lambda r: r.size)
        walks[longest] = Walk(min(CHAINS, longest.size))
    _, edge = edges.without(kernel)
    for r, walk in edge.items() if not target.is_gpu else ():
        if walks.get(r, _ONE).lanes == 1:
            walks[r] = replace(walks.get(r, _ONE), cuts=walk.cuts)
    return walks


def _vectors(walks: dict[Range, Walk]) -> list[Range]:
    return [r for r, walk in walks.items() if walk.lanes > 1]
