"""Sections of kernels cut once more, into blocks: those of an image into rows, say.

Other than sections, blocks need not be alike. What a kernel reads may reach into the block before
and the one behind, and ends with the first and the last one: there it is another kernel, whose
guards know which block it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from lazygrad.kernel.kernel import BufferSpec, Kernel
from lazygrad.kernel.starts import hulls, moved
from lazygrad.schedule import cuts
from lazygrad.schedule.cuts import Cut


@dataclass(frozen=True)
class Block:
    """The kernel for the blocks from ``first`` to before ``end`` of a section; by slot, how many
    elements before or behind where these begin it reads first."""

    kernel: Kernel
    first: int
    end: int
    starts: tuple[int, ...]


@dataclass(frozen=True)
class Blocks:
    """A kernel in blocks: by how many elements each buffer moves from one ``section`` to the next,
    and from one ``block`` to the next."""

    kernels: tuple[Block, ...]
    section: Mapping[int, int]
    block: Mapping[int, int]


def in_blocks(cut: Cut, sections: int, count: int, apart: Collection[int]) -> Blocks | None:
    """A kernel in so many ``sections``, each of them in ``count`` blocks, which have parts of their
    own, one behind the other, of the buffers in the slots ``apart``."""
    kernel, size = cut.kernel, cut.along.size
    if size % (sections * count) == 0:
        each = size // (sections * count)
        block = {slot: step * each for slot, step in cut.moves.items()}
        section = {slot: step * count for slot, step in block.items()}
        whole = Block(cut.section(each), 0, count, (0,) * len(kernel.buffers))
        return Blocks((whole,), section, block)
    if size != sections:
        return None
    one = cut.section(1)
    for along in one.ranges:
        rows = None if along.size % count else cuts.cut_along(one, along)
        if rows is not None and all(
            slot in rows.apart and rows.reach(slot) == cut.moves[slot] for slot in apart
        ):
            block = {slot: step * (along.size // count) for slot, step in rows.moves.items()}
            return Blocks(tuple(_each(rows, count)), cut.moves, block)
    return None


def _each(rows: Cut, count: int) -> Iterator[Block]:
    """The kernels of a section's blocks, equal ones once."""
    made = [_block(rows, number, count) for number in range(count)]
    first = 0
    for (kernel, starts), same in groupby(made):
        end = first + len([*same])
        yield Block(kernel, first, end, starts)
        first = end


def _block(rows: Cut, number: int, count: int) -> tuple[Kernel, tuple[int, ...]]:
    """The kernel of a section's block, on buffers that begin where it needs them first; and where
    that is, behind where the block begins."""
    each = rows.along.size // count
    kernel = rows.elements(number * each, each)
    reached = hulls((slot, index.interval) for slot, index, _ in cuts.accesses(kernel))
    starts, buffers = [], []
    for slot, spec in enumerate(kernel.buffers):
        step = rows.moves.get(slot, 0)
        low, high = reached[slot] if step else (0, spec.size)
        start = min(max(low, 0), number * step * each)
        starts.append(start)
        buffers.append(BufferSpec(spec.dtype, min(high + 1, spec.size) - start))
    kernel = moved(kernel, {slot: -start for slot, start in enumerate(starts) if start})
    outputs = tuple(replace(o, index=o.index - starts[o.slot]) for o in kernel.outputs)
    kernel = replace(kernel, outputs=outputs, buffers=tuple(buffers))
    behind = (start - number * each * rows.moves.get(slot, 0) for slot, start in enumerate(starts))
    return kernel, tuple(behind)
