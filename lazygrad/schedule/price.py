"""Prices: how long kernels take, as far as a decision changes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lazygrad import ops
from lazygrad.graph import Node
from lazygrad.kernel.target import Target
from lazygrad.ops import Kind
from lazygrad.schedule.draft import Draft, nbytes
from lazygrad.schedule.partition import Partition

FAR = 256  # values looked at below one; what is made of more is not worth computing twice
ARGUMENT = 1 / 8  # of the time of a launch, for a buffer more that it is given


@dataclass(frozen=True)
class Below:
    """What it takes to compute a value from memory.

    Attributes:
        work: additions in all.
        memory: the values that are read, and bytes of each.
        total: the reduction as large as the value that nothing needs but it: whoever writes the
            one could as well write the other.
        far: whether there is so much that nobody looked at all of it.
    """

    work: int
    memory: dict[Node, int]
    total: Node | None = None
    far: bool = False


def below(cut: Partition, *values: Node) -> Below:
    """Each value below ``values`` counted once, down to memory and to what will be there: what
    others need too is taken for it, until its own turn comes."""
    found = cut.looked_at.get(values)
    if found is None:
        found = cut.looked_at[values] = _below(cut, values)
    return found


def _below(cut: Partition, values: tuple[Node, ...]) -> Below:
    region = _region(cut, values)
    if len(region) > FAR:
        return Below(0, {}, far=True)
    several = region & cut.several  # what has one reader was reached from it
    shared = {value for value in several if not region.issuperset(cut.readers[value])}
    shared.difference_update(values)
    computed, memory = _computed(cut, values, shared)
    work = sum(cut.work[current] for current in computed)
    value = values[0]
    totals = [r for r in memory if r.op.kind is Kind.REDUCE and r.size == value.size]
    own = [r for r in totals if _only_for(cut, r, value, region)]
    return Below(work, memory, own[0] if len(own) == 1 else None)


def _region(cut: Partition, values: Sequence[Node]) -> set[Node]:
    """``values`` and all that they are computed from, down to memory; or more than is looked at."""
    region, left = set(values), list(values)
    for current in left:  # grows while it is walked
        for base in cut.unstored[current]:
            if base not in region:
                region.add(base)
                left.append(base)
        if len(left) > FAR:
            break
    return region


def _computed(
    cut: Partition, values: Sequence[Node], shared: Container[Node]
) -> tuple[list[Node], dict[Node, int]]:
    """What is computed for ``values``, they among it, and what that reads, with bytes of each, if
    ``shared`` is in memory."""
    computed, memory, seen = list(values), dict[Node, int](), set(values)
    for current in computed:  # grows while it is walked
        unstored = cut.unstored[current]
        for base in cut.sources[current]:
            if base in seen:
                continue
            seen.add(base)
            if base in unstored and base not in shared:
                computed.append(base)
            else:
                picks = current.op is ops.GATHER  # it reads no more than it returns
                memory[base] = min(nbytes(base), nbytes(current)) if picks else nbytes(base)
    return computed, memory


def in_place(cut: Partition, value: Node) -> tuple[set[Node], set[Node]]:
    """What ``value`` is computed from element by element, down to memory, and that memory."""
    computed = _region(cut, [value])
    reads = {base for current in computed for base in cut.sources[current]} - computed
    return computed - {value}, reads


def made_of(cut: Partition, value: Node) -> Iterable[Node]:
    """The memory below ``value``, and below the reduction that it ends."""
    found = below(cut, value)
    return found.memory if found.total is None else below(cut, found.total).memory


def _only_for(cut: Partition, total: Node, value: Node, computed: Container[Node]) -> bool:
    """Whether all that is made of ``total`` ends in ``value``, element by element."""
    found, left = {total}, [total]
    while left:
        current = left.pop()
        if current is value:
            continue
        for reader in cut.readers[current]:
            if reader not in computed:
                return False
            if reader not in found:
                found.add(reader)
                left.append(reader)
    return True


class Prices(NamedTuple):
    """Seconds that the kernels around a value take more: if each that needs it computes it, and if
    it is written."""

    repeated: float
    written: float


FAR_OFF = Prices(1.0, 0.0)  # those of what is made of so much that nobody looked at all of it


def prices(
    cut: Partition, value: Node, users: Sequence[Draft], keeper: Draft | None, target: Target
) -> Prices:
    """What the two ways to have ``value`` cost. ``keeper`` would write it besides what it does
    anyway; if there is none, it takes a kernel more."""
    together = _together(cut, value, users)
    needed = below(cut, *together)
    if needed.far:
        return FAR_OFF
    size, own = max(value.size, 1), sum(map(nbytes, together))
    unit = needed.work / size / target.throughput
    argument = target.launch * ARGUMENT * len(together)
    repeated = 0.0
    written = own / target.bandwidth + (target.launch if keeper is None else argument)
    for draft in users:
        evaluations = draft.evaluations(value)
        share = min(1.0, evaluations / size)
        traffic = sum(n for read, n in needed.memory.items() if read not in draft.at)
        compute = share * traffic / target.bandwidth + evaluations * unit
        repeated += compute
        written += compute if draft is keeper else share * own / target.bandwidth
    if keeper is None:
        written += sum(needed.memory.values()) / target.bandwidth + size * unit
    if needed.total is not None:  # which has to be written then
        repeated += nbytes(needed.total) / target.bandwidth + argument
    return Prices(repeated, written)


def _together(cut: Partition, value: Node, users: Sequence[Draft]) -> list[Node]:
    """``value``, and what else two of ``users`` need that is not placed yet: written alone, it
    would not spare them what all of it is made of."""
    if len(users) < 2:
        return [value]
    needed = Counter(base for draft in users for base in draft.reads)
    others = (base for base, count in needed.items() if count > 1 and base not in cut.stored)
    return list(dict.fromkeys((value, *others)))
