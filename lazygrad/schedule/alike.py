"""What drafts have in common whose kernels are the same, from whatever memory: the steps of a loop
that Python unrolled, layers of equal size, the update of each parameter.

Where a draft begins to read is no part of it: a slice of a value in memory moves what is loaded,
and nothing else, as long as nothing in the draft asks whether an index lies inside.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple

from lazygrad import ops
from lazygrad.graph import Node
from lazygrad.schedule.draft import Draft
from lazygrad.schedule.partition import Partition
from lazygrad.shape import Shape

GUARDED = frozenset({ops.PAD, ops.SHEAR, ops.GATHER, ops.SCATTER})  # what reads inside bounds


class Form(NamedTuple):
    """What a draft computes.

    Attributes:
        key: equal for drafts that have one kernel, but for where they begin to read.
        values: those that it is about; the key knows them by their numbers.
        starts: by the number of a value, the element at which the first slice of it begins.
    """

    key: Hashable
    values: list[Node]
    starts: Mapping[int, Shape]


def form_of(
    draft: Draft, inside: Sequence[Node], cut: Partition, told: Callable[[Node], Hashable]
) -> Form:
    """What ``draft`` computes ``inside``; ``told`` says of a value in memory what a kernel that
    reads it depends on."""
    number: dict[Node, int] = {}
    parts: list[Hashable] = []
    starts: dict[int, Shape] = {}
    whole = _read_whole(inside)
    for value in inside:
        for operand in value.src:
            if operand not in number:  # it is in memory
                number[operand] = len(number)
                parts.append((operand.shape, operand.dtype, told(operand)))
        below = tuple([number[operand] for operand in value.src])
        arg = value.arg
        if value.op is ops.CONTIGUOUS:
            arg = None  # it says why the value is stored
        elif value.op is ops.SHRINK and value.src[0] not in whole:
            start = tuple([low for low, _ in arg])
            first = starts.setdefault(below[0], start)
            arg = value.shape, tuple([a - b for a, b in zip(start, first, strict=True)])
        parts.append((value.op, below, arg))
        number[value] = len(number)
    roots = []
    for root in draft.roots:
        memory, at = cut.memory_of(root)
        place = number.setdefault(memory, len(number))
        roots.append((number[root], place, memory.shape, at, root in cut.fixed))
    return Form((tuple(parts), tuple(roots)), list(number), starts)


def _read_whole(inside: Sequence[Node]) -> set[Node]:
    """The values of which it matters where a slice of them begins: what is computed, and what
    something else reads as well."""
    found = set(inside)
    for value in inside:
        if value.op in GUARDED:
            found.update(*(other.src for other in inside))
            break
        if value.op is not ops.SHRINK:
            found.update(value.src)
    return found
