"""RoutineCall: a step of a plan that is no loop nest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lazygrad.element_types import DType
from lazygrad.graph import Scalar
from lazygrad.kernel.kernel import BufferSpec
from lazygrad.shape import Shape, numel


@dataclass(frozen=True)
class RoutineCall:
    """One of ``lazygrad.routines``, run once on whole values in memory, each of which lies there
    row by row. Buffers come in the order results, then operands.

    Attributes:
        name: what it computes and of which shape, e.g. "cholesky_3x3".
        routine, options: which one, and what it takes besides its operands.
        wanted: the numbers of the results that are written.
        results, operands: the shapes of those, and of all operands.
        dtype: of everything.
        origins: the user's operations and lines it came from.
        reasons: why it is a step of its own.
    """

    name: str
    routine: str
    options: tuple[Scalar, ...]
    wanted: tuple[int, ...]
    results: tuple[Shape, ...]
    operands: tuple[Shape, ...]
    dtype: DType
    origins: tuple[str, ...] = field(default=(), compare=False)
    reasons: tuple[str, ...] = field(default=(), compare=False)

    @property
    def buffers(self) -> tuple[BufferSpec, ...]:
        return tuple(BufferSpec(self.dtype, numel(s)) for s in (*self.results, *self.operands))

    @property
    def written(self) -> Mapping[int, int]:
        """The slots that it writes, and how many elements of each."""
        return dict(enumerate(map(numel, self.results)))

    @property
    def nbytes(self) -> int:
        """Bytes read and written."""
        return sum(spec.nbytes for spec in self.buffers)
