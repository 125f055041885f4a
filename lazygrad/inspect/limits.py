"""What a device can do at most, measured once a process: bytes a second in cache and in memory, and
operations a second of a product of matrices."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from lazygrad.inspect.alone import seconds
from lazygrad.runtime import cache as plans
from lazygrad.runtime.buffer import value_of
from lazygrad.runtime.program import Binding
from lazygrad.tensor_class import Tensor

SMALL, LARGE = 1 << 14, 1 << 22  # float32 elements of what lies in cache, and of what does not
SIDE = 512  # of the matrices
CACHED = 1 << 20  # bytes up to which data lie in cache


class Limits(NamedTuple):
    """Bytes a second, in cache and not, and operations a second."""

    cache: float
    memory: float
    compute: float

    def seconds(self, flops: int, nbytes: int) -> float:
        """What a kernel takes that reaches them."""
        bandwidth = self.cache if nbytes <= CACHED else self.memory
        return max(nbytes / bandwidth, flops / self.compute)


@cache
def limits(device: str) -> Limits:
    """Those of ``device``."""
    small, large = (Tensor(np.ones(n, np.float32), device=device) for n in (SMALL, LARGE))
    matrix = Tensor(np.ones((SIDE, SIDE), np.float32), device=device)
    return Limits(
        cache=2 * small.nbytes / _seconds(small * 1.5),
        memory=2 * large.nbytes / _seconds(large * 1.5),
        compute=2 * SIDE**3 / _seconds(matrix @ matrix),
    )


def _seconds(wanted: Tensor) -> float:
    requested = [wanted._node]
    leaves = plans.structure(requested).leaves
    plan = plans.compile_graph(requested, leaves, str(wanted.device))  # no plan of the user's line
    given = [value_of(leaf).memory for leaf in leaves][: plan.inputs]
    memory = [*given, *plan.outputs(), *plan.arenas()]
    return seconds(Binding(plan, [piece.raw for piece in memory]))
