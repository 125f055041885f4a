"""Kernels cut along a range, in sections that write memory of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Expr, Guard
from lazygrad.kernel.index import Index, Range, of as index_of
from lazygrad.kernel.kernel import BufferSpec, Kernel
from lazygrad.kernel.ranges import substitute


@dataclass(frozen=True)
class Cut:
    """A kernel cut along one of its ranges: by how many elements each buffer moves from one element
    of the range to the next, 0 where all of it is read each time."""

    kernel: Kernel
    along: Range
    moves: Mapping[int, int]
    apart: frozenset[int]  # slots of which each element of the range has a part of its own

    def reach(self, slot: int) -> int:
        """How far a buffer moves in all of the range."""
        return self.moves[slot] * self.along.size

    def elements(self, first: int, count: int) -> Kernel:
        """The kernel for ``count`` elements of the range from the ``first`` on, on all buffers."""
        some = Range(self.along.name, count)
        place, left = (index_of(some), (some,)) if count > 1 else (Index(), ())
        return substitute(self.kernel, {self.along: place + first}, {self.along: left})

    def section(self, each: int) -> Kernel:
        """The kernel for the first ``each`` elements of the range, on what they need of buffers."""
        kernel = self.elements(0, each)
        behind = self.along.size - each
        buffers = tuple(
            BufferSpec(spec.dtype, spec.size - self.moves[slot] * behind)
            for slot, spec in enumerate(kernel.buffers)
        )
        base, _, shape = kernel.name.rpartition("_")
        return replace(kernel, name=f"{base}_section_{shape}", buffers=buffers)


def cut(kernel: Kernel) -> Cut | None:
    """Along the outermost range in memory of what it writes, the only one by which it can be cut in
    pieces that lie apart."""
    first = kernel.outputs[0].index
    along = max(kernel.ranges, key=first.coefficient, default=None)
    written = None if along is None else _moved(_written(kernel), along)
    if along is None or written is None or not all(apart for _, apart in written.values()):
        return None  # most end here, before all of their values are looked at
    values = ex.toposort(kernel.values)
    if any(along in bound.index.ranges for e in values for bound in ex.guard_of(e)):
        return None
    return _cut(kernel, values, along)


def cut_along(kernel: Kernel, along: Range) -> Cut | None:
    """Along this range, if each buffer moves with it in one way; guards may ask where it is."""
    return _cut(kernel, ex.toposort(kernel.values), along)


def _cut(kernel: Kernel, values: Sequence[Expr], along: Range) -> Cut | None:
    if any(e.op is ex.INDEX and along in e.arg.ranges for e in values):
        return None
    moved = _moved(_written(kernel) + _read(values), along)
    if moved is None:
        return None
    moves = {slot: step for slot, (step, _) in moved.items()}
    return Cut(kernel, along, moves, frozenset(n for n, (_, apart) in moved.items() if apart))


def accesses(kernel: Kernel) -> list[ex.Load]:
    """Where it writes, and where it reads."""
    return _written(kernel) + _read(ex.toposort(kernel.values))


def _written(kernel: Kernel) -> list[ex.Load]:
    return [ex.Load(output.slot, output.index, ()) for output in kernel.outputs]


def _read(values: Sequence[Expr]) -> list[ex.Load]:
    return [e.arg for e in values if e.op is ex.LOAD]


def _moved(accesses: Sequence[ex.Load], along: Range) -> dict[int, tuple[int, bool]] | None:
    """By slot: how far it moves with the range, and whether each element has a part of its own;
    None if that differs between accesses."""
    found: dict[int, tuple[int, bool]] = {}
    for slot, index, guard in accesses:
        step = index.coefficient(along)
        before, apart = found.get(slot, (step, True))
        if step < 0 or step != before or not index.affine_in(along):
            return None
        if apart and step:
            low, high = index.interval
            apart = low >= 0 and high < step * along.size
            if not apart and guard:
                low, high = _interval(index - index_of(along) * step, guard)
                apart = low >= 0 and high < step
        found[slot] = step, apart and step > 0
    return found


def _interval(index: Index, guard: Guard) -> tuple[int, int]:
    """Of an index where the guard holds."""
    low = high = 0
    for bound in guard:
        atom, size = bound.index.terms[0]
        times = index.coefficient(atom) // size
        beside = index - bound.index * times
        if times > 0 and not {a for a, _ in bound.index.terms} & {a for a, _ in beside.terms}:
            least, most = bound.index.interval
            low += times * max(least, bound.low)
            high += times * min(most, bound.high - 1)
            index = beside
    return low + index.interval[0], high + index.interval[1]
