"""Whether a kernel computes what it should: its results beside those of the interpreter, at a
sample of places where there are many."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from lazygrad import element_types as dt
from lazygrad.codegen.interpret import interpret_at
from lazygrad.kernel import expr as ex
from lazygrad.kernel.index import Range
from lazygrad.kernel.kernel import Kernel
from lazygrad.kernel.routine import RoutineCall
from lazygrad.routines import ROUTINES
from lazygrad.runtime.compare import allowed, beyond, readable, told

Array = np.ndarray[Any, Any]
MOST = 1 << 20  # evaluations of an expression
NUDGE, TIMES = 2e-6, 4  # by how much inputs are changed to see where results hang on a hair
FURTHER = 8  # times what that changes, rounding may


def difference(
    kernel: Kernel | RoutineCall, inputs: Sequence[Array], outputs: Sequence[Array]
) -> str | None:
    """Where the ``outputs`` are not what the kernel makes of the ``inputs``, in words; all are flat
    arrays as stored, in the order of its slots."""
    expected = _expected(kernel, inputs)
    nudged: list[list[tuple[int, Array, Array]]] = []
    for number, (slot, where, values) in enumerate(expected):
        dtype = kernel.buffers[slot].dtype
        found, right = readable(outputs[slot][where], dtype), readable(values, dtype)
        most = allowed(right, dtype)
        wrong = beyond(found, right, most)
        if wrong.any():
            nudged = nudged or [_expected(kernel, _nudged(kernel, inputs, s)) for s in range(TIMES)]
            moved = [readable(each[number][2], dtype) for each in nudged]
            wrong &= ~_hangs(found, right, moved, most)
        if wrong.any():
            return told(f"buffer {slot}", where, found, right, wrong)
    return None


def _hangs(found: Array, right: Array, moved: Sequence[Array], most: Array) -> Array:
    """Where elements hang on a hair, as what is left of a sum that cancels, or one side of a
    comparison: rounding moves them as far as slightly other inputs do."""
    if right.dtype.kind != "f":
        return np.any([each != right for each in moved], 0)
    with np.errstate(all="ignore"):
        moves = np.max([np.abs(each.astype(np.float64) - right) for each in moved], 0)
    return ~beyond(found, right, most + FURTHER * moves)


def _expected(
    kernel: Kernel | RoutineCall, inputs: Sequence[Array]
) -> list[tuple[int, Array, Array]]:
    if isinstance(kernel, Kernel):
        return interpret_at(kernel, inputs, sample(kernel))
    operands = [array.reshape(s) for array, s in zip(inputs, kernel.operands, strict=True)]
    with np.errstate(all="ignore"):
        compute = ROUTINES[kernel.routine].compute
        found = compute(frozenset(kernel.wanted), *operands, *kernel.options)
    results = [np.asarray(found[number], kernel.dtype.numpy).ravel() for number in kernel.wanted]
    return [(slot, np.arange(len(each)), each) for slot, each in enumerate(results)]


def _nudged(kernel: Kernel | RoutineCall, inputs: Sequence[Array], seed: int) -> list[Array]:
    rng = np.random.default_rng(seed)
    specs = kernel.buffers[len(kernel.written) :]
    return [
        (array * (1 + NUDGE * rng.choice([-1, 1], array.shape))).astype(array.dtype)
        if spec.dtype in (dt.float32, dt.float64)
        else array
        for array, spec in zip(inputs, specs, strict=True)
    ]


def sample(kernel: Kernel) -> dict[Range, Array]:
    """Positions of ranges at which to evaluate a kernel, so that no expression is evaluated more
    often than ``MOST`` allows, as far as reductions do not need them all."""
    if kernel.collected is not None:
        return {}
    values = ex.toposort(kernel.values)
    bound = {r for e in values if e.op in ex.BINDING for r in e.arg.ranges}
    free = list(dict.fromkeys(r for o in kernel.outputs for r in o.ranges if r not in bound))
    counts = {r: r.size for r in (*free, *bound)}
    needed = {e.ranges | (set(e.arg.ranges) if e.op in ex.BINDING else set()) for e in values}
    needed |= {frozenset(output.ranges) for output in kernel.outputs}
    while free:
        costly = max(needed, key=lambda ranges: prod(counts[r] for r in ranges))
        widest = max(costly.intersection(free), key=counts.__getitem__, default=None)
        if prod(counts[r] for r in costly) <= MOST or widest is None or counts[widest] == 1:
            break
        counts[widest] = (counts[widest] + 1) // 2
    rng = np.random.default_rng(0)
    return {
        r: np.sort(rng.choice(r.size, counts[r], replace=False)) for r in free if counts[r] < r.size
    }
