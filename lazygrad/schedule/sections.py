"""Kernels that follow each other in sections: what one writes and the next one reads is never all
there at once.

Where a range runs through several kernels, and along it each reads of the others only what belongs
to the same element (the samples of a batch, say), they run section by section: for a few elements
all of them, one after the other, then for the next few. What passes between them needs memory for a
section only, which stays in a cache. A loop does that, whose steps do not depend on each other
(Wolf and Lam, "A data locality optimizing algorithm", 1991: tiles across loops; what becomes
smaller are arrays, "contracted").
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from math import gcd

from lazygrad import units
from lazygrad.graph import Node
from lazygrad.kernel.kernel import BufferSpec, Kernel
from lazygrad.kernel.plan import (
    INPUT,
    OUTPUT,
    TEMPORARY,
    LoopCall,
    Place,
    Plan,
    Reach,
    Step,
    Turns,
)
from lazygrad.kernel.target import Target
from lazygrad.schedule import cuts, memory
from lazygrad.schedule.blocks import Block, Blocks, in_blocks
from lazygrad.schedule.build import Built
from lazygrad.schedule.calls import BuiltCall
from lazygrad.schedule.cuts import Cut
from lazygrad.schedule.draft import nbytes

AHEAD = 16  # steps in which the next kernel is looked for
FEWEST, SECTIONS = 2, 16  # for each worker
EVEN = 1.2  # times as long as if all workers had as much to do
SMALL = 4  # what is smaller than such a part of a cache passes quickly anyway

Steps = Sequence[Built | BuiltCall]


def in_sections(built: Steps, wanted: Collection[Node], target: Target) -> list[Built | BuiltCall]:
    """``built`` with those kernels put together that gain by it; what is ``wanted`` of the values
    is needed as a whole."""
    if not target.workers:
        return list(built)
    use = _Use(built, frozenset(wanted))
    found: dict[int, _Chain] = {}  # by the position of the last kernel
    for start in range(len(built)):
        if start not in use.taken and use.writes(start) >= target.cache // SMALL:
            chain = _grown(use, start, target.workers)
            if chain is not None and chain.pays(target):
                use.taken.update(chain.cuts)
                found[max(chain.cuts)] = chain
    steps: list[Built | BuiltCall] = []
    for number, step in enumerate(built):
        if number in found:
            chain = found[number]
            steps.append(_Layout(chain, target).call())
        elif number not in use.taken:
            steps.append(step)
    return steps


@dataclass
class _Use:
    """Who writes and who reads what."""

    built: Steps
    wanted: frozenset[Node]
    taken: set[int] = field(default_factory=set)  # by chains
    by_kernel: dict[int, Cut | None] = field(default_factory=dict)
    blocks: dict[tuple[int, int, int, frozenset[int]], Blocks | None] = field(default_factory=dict)

    @cached_property
    def writers(self) -> dict[Node, set[int]]:
        return self._by_value(written=True)

    @cached_property
    def readers(self) -> dict[Node, set[int]]:
        return self._by_value(written=False)

    def _by_value(self, written: bool) -> dict[Node, set[int]]:
        found: dict[Node, set[int]] = {}
        for number, step in enumerate(self.built):
            count = len(step.kernel.written)
            for value in step.buffers[:count] if written else step.buffers[count:]:
                found.setdefault(value, set()).add(number)
        return found

    def writes(self, number: int) -> int:
        """The bytes that a step writes."""
        return sum(map(nbytes, self.written(number)))

    def written(self, number: int) -> tuple[Node, ...]:
        """The values that a step writes."""
        step = self.built[number]
        return step.buffers[: len(step.kernel.written)]

    def writers_of(self, values: Iterable[Node]) -> set[int]:
        return set[int]().union(*(self.writers[value] for value in values))

    def cut(self, number: int) -> Cut | None:
        kernel = self.built[number].kernel
        if not isinstance(kernel, Kernel) or kernel.collected is not None:
            return None
        if id(kernel) not in self.by_kernel:
            self.by_kernel[id(kernel)] = cuts.cut(kernel)
        return self.by_kernel[id(kernel)]

    def in_blocks(
        self, cut: Cut, sections: int, count: int, apart: frozenset[int]
    ) -> Blocks | None:
        key = id(cut), sections, count, apart
        if key not in self.blocks:
            self.blocks[key] = in_blocks(cut, sections, count, apart)
        return self.blocks[key]


def _grown(use: _Use, start: int, fewest: int) -> _Chain | None:
    """The chain from the kernel at ``start`` on, which later ones join as long as they may, in not
    less than the ``fewest`` sections."""
    first = use.cut(start)
    if first is None:
        return None
    chain = _Chain(use)
    chain.add(start, first)
    for number in range(start + 1, min(start + AHEAD, len(use.built))):
        if chain.passed.keys().isdisjoint(use.built[number].buffers):
            continue
        cut = use.cut(number)
        if cut is None or chain.common(cut) < fewest or not chain.fits(number, cut):
            break  # it needs what is written as a whole, and so needs it before
        chain.add(number, cut)
        chain.add_sources(number, fewest)
    return chain


@dataclass
class _Chain:
    """Kernels by their positions, and how they are cut, in so many sections at ``most``; what they
    write, and how many elements of it all sections have."""

    use: _Use
    cuts: dict[int, Cut] = field(default_factory=dict)
    most: int = 0
    passed: dict[Node, int] = field(default_factory=dict)

    def add(self, number: int, cut: Cut) -> None:
        self.cuts[number] = cut
        self.most = self.common(cut)
        self.passed.update((v, cut.reach(slot)) for slot, v in enumerate(self.use.written(number)))

    def common(self, cut: Cut) -> int:
        """In how many sections one more kernel could run with the others."""
        return gcd(self.most, cut.along.size)

    def add_sources(self, reader: int, fewest: int) -> None:
        """The kernels that write for ``reader`` alone, which run in the same sections then."""
        use, cut = self.use, self.cuts[reader]
        for slot, value in enumerate(use.built[reader].buffers):
            writers = use.writers.get(value, set()) - self.cuts.keys() - use.taken
            if slot not in cut.apart or len(writers) != 1:
                continue
            (number,) = writers
            source = use.cut(number)
            if source is None or self.common(source) < fewest:
                continue
            written = use.written(number)
            alone = all(self._is_local(each, (number, reader)) for each in written)
            if alone and source.reach(written.index(value)) == cut.reach(slot):
                self.add(number, source)
                self.add_sources(number, fewest)

    def read(self) -> Iterator[tuple[Node, int]]:
        """What they read, and how many elements of it all sections have."""
        for number, cut in self.cuts.items():
            buffers = self.use.built[number].buffers
            for slot in range(len(cut.kernel.written), len(buffers)):
                yield buffers[slot], cut.reach(slot)

    def fits(self, number: int, cut: Cut) -> bool:
        """Whether the kernel at ``number``, cut like this, reads and writes of what the others
        write only what is of the same section; and something that nobody else reads."""
        alone = False
        for slot, value in enumerate(self.use.built[number].buffers):
            if value not in self.passed:
                continue
            if slot not in cut.apart or cut.reach(slot) != self.passed[value]:
                return False
            alone = alone or self._is_local(value, {*self.cuts, number})
        return alone

    def _is_local(self, value: Node, members: Collection[int]) -> bool:
        use = self.use
        users = use.writers[value] | use.readers.get(value, set())
        return value not in use.wanted and users <= set(members)

    # -- what it gains --------------------------------------------------------------------------

    @cached_property
    def local(self) -> list[Node]:
        """What passes between the kernels only."""
        read = {value for value, _ in self.read()}
        return [v for v in self.passed if v in read and self._is_local(v, self.cuts)]

    def saved(self) -> int:
        """Bytes that need not be there at once."""
        return sum(map(nbytes, self.local))

    def sections(self, target: Target) -> int:
        """In how many to run: as few as leave to each what a cache holds, since loops are better
        long."""
        most = min(self.most, SECTIONS * target.workers)
        possible = [n for n in range(1, most + 1) if self.most % n == 0]
        enough = max(self.saved() // target.cache, FEWEST * target.workers)
        return next((n for n in possible if n >= enough), possible[-1])

    def blocks(self, target: Target) -> int:
        """In how many blocks to run each section, where these hold more than a cache: as many as
        some kernels have beside the sections, as these are one range to them."""
        if self.sections(target) < self.most or self.saved() <= self.most * target.cache:
            return 1
        longer = [cut.along.size for cut in self.cuts.values() if cut.along.size > self.most]
        count = reduce(gcd, longer, 0) // self.most
        return count if count > 1 and self.in_blocks(self.most, count) else 1

    def in_blocks(self, sections: int, count: int) -> dict[int, Blocks] | None:
        """Its kernels in blocks, by their positions, if each reads of the others only what belongs
        to the same block."""
        read = {value for value, _ in self.read()}
        found: dict[int, Blocks] = {}
        for number, cut in self.cuts.items():
            buffers = self.use.built[number].buffers
            apart = (n for n, v in enumerate(buffers) if v in self.passed and v in read)
            blocks = self.use.in_blocks(cut, sections, count, frozenset(apart))
            if blocks is None:
                return None
            found[number] = blocks
        return found

    def pays(self, target: Target) -> bool:
        """Whether it saves more than caches hold, and than reading again in each section what
        sections have in common; all that it writes, it writes whole, and every worker has about as
        much to do."""
        saved, members = self.saved(), self.cuts.keys()
        sections = self.sections(target) * self.blocks(target)
        if saved < target.cache * target.units or not self.use.writers_of(self.passed) <= members:
            return False
        turns = -(-sections // target.workers)
        if turns * target.workers > EVEN * sections:
            return False
        read = {value for value, reach in self.read() if not reach}
        return sum(map(nbytes, read)) * (sections - 1) <= saved


class _Layout:
    """The memory of a chain's loop. Its slots: what it writes for others, what it reads of others,
    what passes between its kernels."""

    def __init__(self, chain: _Chain, target: Target) -> None:
        self.chain, self.target = chain, target
        sections, self.row = chain.sections(target), chain.blocks(target)
        self.length = sections * self.row
        self.blocks = chain.in_blocks(sections, self.row) or {}
        self.numbers = sorted(chain.cuts)
        self.local = frozenset(chain.local)
        self.results = [value for value in chain.passed if value not in self.local]
        read = [value for value, _ in chain.read()]
        self.operands = [v for v in dict.fromkeys(read) if v not in chain.passed]
        self.slots = {value: i for i, value in enumerate((*self.results, *self.operands))}
        self.inputs: dict[tuple[Node, Reach], int] = {}  # the body's: a value, and where it is
        self.outputs: dict[Node, tuple[Reach, int]] = {}
        self.lifetimes: dict[Node, memory.Lifetime] = {}

    def call(self) -> BuiltCall:
        kernels = [each for number in self.numbers for each in self._kernels(number)]
        order = [*self.lifetimes]  # as they are first written
        pieces, arenas = memory.assign([self.lifetimes[value] for value in order], self.target)
        place_of = {value: Place(TEMPORARY, i) for i, value in enumerate(order)}
        place_of |= {value: Place(OUTPUT, i) for i, value in enumerate(self.results)}
        steps = tuple(
            Step(block.kernel, tuple(
                place_of.get(value) or Place(INPUT, self.inputs[value, reach])
                for value, reach in moving
            ))
            for block, moving in kernels
        )  # fmt: skip
        outputs = [self.outputs[value] for value in self.results]
        turns = tuple(Turns(block.first, block.end, self.row) for block, _ in kernels)
        body = Plan(
            steps=steps,
            results=tuple(Place(OUTPUT, i) for i in range(len(outputs))),
            outputs=tuple(nbytes for _, nbytes in outputs),
            arenas=tuple(arenas),
            temporaries=tuple(pieces),
        )
        first = self.chain.use.built[self.numbers[-1]].kernel
        members = [self.chain.use.built[number].kernel for number in self.numbers]
        call = LoopCall(
            name=f"sections_of_{first.name}",
            length=self.length,
            body=body,
            results=tuple(map(_spec, self.results)),
            operands=tuple(map(_spec, self.operands)),
            inputs=tuple(reach for _, reach in self.inputs),
            outputs=tuple(reach for reach, _ in outputs),
            arenas=tuple(Reach((len(self.slots) + i,)) for i in range(len(arenas))),
            before=(), each=(), after=(),
            workers=self.target.workers,
            turns=turns if len({*turns}) > 1 else (),
            origins=tuple(dict.fromkeys(o for kernel in members for o in kernel.origins)),
            reasons=(self._reason(sum(arenas) * self.target.workers),),
        )  # fmt: skip
        buffers = (*self.results, *self.operands)
        return BuiltCall(call, buffers, tuple(nbytes * self.target.workers for nbytes in arenas))

    def _reason(self, held: int) -> str:
        saved, left = units.size(self.chain.saved()), units.size(held)
        return (
            f"{len(self.numbers)} kernels run in {self.length} sections, all for one before the "
            f"next: of {saved} between them {left} are there at a time"
        )

    def _kernels(self, number: int) -> Iterator[tuple[Block, list[tuple[Node, Reach]]]]:
        """A kernel of the first section, or those of its blocks, and the values in its slots with
        where they are."""
        step, blocks = self.chain.use.built[number], self.blocks[number]
        position = self.numbers.index(number)
        for block in blocks.kernels:
            moving = []
            for slot, value in enumerate(step.buffers):
                of_section, of_block, start = (
                    moves * value.dtype.itemsize
                    for moves in (blocks.section[slot], blocks.block[slot], block.starts[slot])
                )
                beyond = of_section - of_block * self.row
                at = self.slots.get(value, 0)
                reach = Reach((at,), start, of_block, row=self.row if beyond else 1, beyond=beyond)
                moving.append((value, reach))
                if value in self.local:
                    before = self.lifetimes.get(value)
                    first = position if before is None else before.first
                    self.lifetimes[value] = memory.Lifetime(of_block, first, position)
                elif slot in block.kernel.written:
                    _, most = self.outputs.get(value, (reach, 0))
                    self.outputs[value] = reach, max(most, block.kernel.buffers[slot].nbytes)
                elif value not in self.chain.passed:
                    self.inputs.setdefault((value, reach), len(self.inputs))
            yield block, moving


def _spec(value: Node) -> BufferSpec:
    return BufferSpec(value.dtype, value.size)
