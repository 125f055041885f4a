"""Prices: how long kernels take, as far as a decision changes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from lazygrad import ops
from lazygrad.graph import Node
from lazygrad.kernel.target import Target
from lazygrad.ops import Kind
from lazygrad.schedule.draft import Draft, Partition, work_of
from lazygrad.schedule.simplify import base_of

FAR = 256  # values looked at below one; what is made of more is not worth computing twice
FOREVER = 1.0  # seconds
ARGUMENT = 1 / 8  # of the time of a launch, for a buffer more that it is given


@dataclass(frozen=True)
class Below:
    """What it takes to compute a value from memory: additions in all, bytes read, and the
    reductions among what is read, which are in memory only if they are written."""

    work: int
    traffic: int
    reductions: tuple[Node, ...]
    far: bool = False


def below(cut: Partition, value: Node) -> Below:
    """Each value below counted once, down to memory and to what will be there."""
    work = traffic = 0
    reductions = []
    stack, seen = [value], {value}
    while stack:
        current = stack.pop()
        if len(seen) > FAR:
            return Below(work, traffic, (), far=True)
        if current is not value and _in_memory(cut, current):
            traffic += nbytes(current)
            if current.op.kind is Kind.REDUCE:
                reductions.append(current)
            continue
        work += work_of(current) * current.size
        for operand in current.src[: current.op.value_arity]:
            base = base_of(operand)
            if base not in seen and base.op is not ops.CONST and base.op is not ops.IOTA:
                seen.add(base)
                stack.append(base)
    return Below(work, traffic, tuple(reductions))


def _in_memory(cut: Partition, value: Node) -> bool:
    return value.op.kind is not Kind.ELEMENTWISE or value in cut.outputs or value in cut.owner


def nbytes(value: Node) -> int:
    return value.size * value.dtype.itemsize


class Prices(NamedTuple):
    """Seconds that the kernels around a value take more: if each that needs it computes it, and if
    it is written."""

    repeated: float
    written: float


def prices(
    cut: Partition, value: Node, users: Iterable[Draft], keeper: Draft | None, target: Target
) -> Prices:
    """What the two ways to have ``value`` cost. ``keeper`` would write it besides what it does
    anyway; if there is none, it takes a kernel more."""
    needed = below(cut, value)
    if needed.far:
        return Prices(FOREVER, 0.0)
    size, own = max(value.size, 1), nbytes(value)
    unit = needed.work / size / target.throughput
    repeated = 0.0
    written = own / target.bandwidth + target.launch * (1 if keeper is None else ARGUMENT)
    for draft in users:
        evaluations = draft.evaluations(value)
        share = min(1.0, evaluations / size)
        compute = share * needed.traffic / target.bandwidth + evaluations * unit
        repeated += compute
        written += compute if draft is keeper else share * own / target.bandwidth
    if keeper is None:
        written += needed.traffic / target.bandwidth + size * unit
    return Prices(repeated, written)
