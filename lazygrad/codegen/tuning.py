"""What a tuner may vary in the schedule of a kernel, and within which bounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.target import Target


@dataclass(frozen=True)
class Tuning:
    """Choices that replace those of the heuristics; 0 leaves it to them.

    Attributes:
        rows, columns: of the register tile of a contraction, in scalars and vectors.
        vectors: in a step of any other kernel.
        items: work-items a unit.
    """

    rows: int = 0
    columns: int = 0
    vectors: int = 0
    items: int = 0


NONE = Tuning()
ROWS = (1, 2, 4, 6, 8, 10, 12, 14)
COLUMNS = (1, 2, 3, 4)
FEWEST_ACCUMULATORS = 4  # fewer wait for each other
VECTORS = (1, 2, 4, 8, 16)
ITEMS = (1, 4, 8, 32, 64)


def variations(best: Tuning, target: Target, stage: int) -> Iterator[Tuning]:
    """The neighbours of the best so far that a stage of tuning tries: first the shape of a step,
    then the number of work-items."""
    if stage == 1:
        yield from (replace(best, items=items) for items in ITEMS)
        return
    for columns in COLUMNS:
        for rows in ROWS:
            used = rows * columns + columns + 1
            if rows * columns >= FEWEST_ACCUMULATORS and used <= target.registers:
                yield replace(best, rows=rows, columns=columns)
    yield from (replace(best, vectors=vectors) for vectors in VECTORS)


STAGES = 2


def is_worthwhile(kernel: Kernel) -> bool:
    """Whether a kernel takes long enough for its schedule to matter."""
    return sum(spec.size for spec in kernel.buffers) >= 1 << 14
