"""Kernel: a loop nest with shared outer ranges, in a form that every backend starts from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import prod

from lazygrad.element_types import DType
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import Index, Range


@dataclass(frozen=True)
class BufferSpec:
    """Memory that a kernel touches: ``size`` elements of ``dtype``."""

    dtype: DType
    size: int

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize


@dataclass(frozen=True)
class Output:
    """``buffer[index] = value`` for every point of ``ranges``.

    ``ranges`` begins with the kernel's shared outer ranges. The index visits no element twice; all
    outputs of a buffer together, those of other kernels included, visit each exactly once.
    """

    slot: int
    index: Index
    value: Expr
    ranges: tuple[Range, ...]

    @property
    def points(self) -> int:
        """How many elements it writes."""
        return prod(r.size for r in self.ranges)


@dataclass(frozen=True)
class Kernel:
    """Outputs computed together.

    For each point of ``ranges`` (which are independent of each other: any order, any parallel
    division): evaluate the reductions, then loop over the remaining ranges of each output and
    store. A REDUCE whose free ranges all lie in ``ranges`` is evaluated once a point; that makes
    softmax over rows one kernel. Reductions may be nested. A COLLECT is the one output of its
    kernel: its places are filled, then every element that goes to one is combined into it.

    Buffers come in the order outputs, then inputs; ``buffers[slot]`` describes each. Several
    outputs may be parts of one buffer, and need not be all of it: other kernels write the rest. An
    output buffer is distinct from every input.

    Attributes:
        name: what it computes, e.g. "conv2d_relu_128x64x11x11"; a valid C and Python identifier.
        origins: the user's operations and lines it came from.
        reasons: why it is a kernel of its own.
    """

    name: str
    ranges: tuple[Range, ...]
    outputs: tuple[Output, ...]
    buffers: tuple[BufferSpec, ...]
    origins: tuple[str, ...] = field(default=(), compare=False)
    reasons: tuple[str, ...] = field(default=(), compare=False)

    @property
    def values(self) -> tuple[Expr, ...]:
        return tuple(output.value for output in self.outputs)

    @property
    def written(self) -> Mapping[int, int]:
        """The slots that it writes, which come first, and how many elements of each."""
        found: dict[int, int] = {}
        for output in self.outputs:
            found[output.slot] = found.get(output.slot, 0) + output.points
        return found

    @property
    def collected(self) -> Expr | None:
        """The COLLECT that it computes, which is its one output then."""
        value = self.outputs[0].value if self.outputs else None
        return value if value is not None and value.op is ex.COLLECT else None

    def transformed(self, visit: Callable[[Expr, tuple[Expr, ...]], Expr]) -> Kernel:
        """With its values rebuilt bottom-up: ``visit(expr, new_src)`` returns what stands for
        ``expr``."""
        values = ex.transform(self.values, visit)
        outputs = tuple(replace(o, value=v) for o, v in zip(self.outputs, values, strict=True))
        return replace(self, outputs=outputs)

    def reductions(self) -> list[Expr]:
        """Its REDUCE expressions, inner ones first."""
        return [e for e in ex.toposort(self.values) if e.op is ex.REDUCE]


def buffer_names(kernel: Kernel) -> tuple[str, ...]:
    """What code calls the buffers of ``kernel``: those that it writes come first."""
    written = len(kernel.written)
    return tuple(f"{'out' if n < written else 'in'}{n}" for n in range(len(kernel.buffers)))


def named(kernel: Kernel, text: str) -> str:
    """``text`` with buffers under their names, not as b0, b1 ..."""
    names = buffer_names(kernel)
    return re.sub(r"\bb(\d+)(?=\[)", lambda found: names[int(found[1])], text)


def loads(roots: Iterable[Expr]) -> list[Expr]:
    """The LOAD expressions below ``roots``."""
    return [e for e in ex.toposort(roots) if e.op is ex.LOAD]
