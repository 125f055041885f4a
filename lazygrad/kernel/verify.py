"""Checks on kernels: every range is bound, every access inside its buffer, every output element
written once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lazygrad.errors import InternalError
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import Range
from lazygrad.kernel.kernel import BufferSpec, Kernel, Output

LARGEST_MARKED = 1 << 16  # elements of a buffer that are looked at one by one


def verify_kernel(kernel: Kernel) -> None:
    """Raises InternalError for a malformed kernel."""
    for output in kernel.outputs:
        _verify_output(kernel, output)
    for value in ex.toposort(kernel.values):
        _verify_indices(kernel, value)
        if value.op is ex.LOAD:
            _verify_load(kernel, value)
        elif value.op is ex.COLLECT:
            _verify_collect(kernel, value)


def _verify_output(kernel: Kernel, output: Output) -> None:
    if output.ranges[: len(kernel.ranges)] != kernel.ranges:
        raise InternalError(f"[verify] {kernel.name}: an output does not begin with the ranges")
    unbound = output.value.ranges - set(output.ranges)
    if unbound:
        names = sorted(r.name for r in unbound)
        raise InternalError(f"[verify] {kernel.name}: ranges {names} are not bound")
    spec = kernel.buffers[output.slot]
    if spec.dtype is not output.value.dtype:
        raise InternalError(f"[verify] {kernel.name}: stores {output.value.dtype} as {spec.dtype}")
    low, high = output.index.interval
    inside = low >= 0 and high < spec.size
    if output.points and not (inside and _visits_none_twice(output)):
        raise InternalError(f"[verify] {kernel.name}: does not write each element once")


def _visits_none_twice(output: Output) -> bool:
    """An affine index whose strides nest like the digits of a number, some of which may be 0."""
    if not output.index.is_affine:
        return False
    strides = sorted((output.index.coefficient(r), r.size) for r in output.ranges if r.size != 1)
    reached = 1
    for stride, size in strides:
        if stride < reached:
            return False
        reached = stride * (size - 1) + reached
    return True


def verify_written(buffer: BufferSpec, outputs: Sequence[Output]) -> None:
    """Raises InternalError unless ``outputs``, of whatever kernels, write each element of a buffer
    exactly once."""
    counted = sum(output.points for output in outputs)
    twice = False
    if counted == buffer.size <= LARGEST_MARKED and len(outputs) > 1:
        written = np.zeros(buffer.size, np.int8)
        for output in outputs:
            np.add.at(written, _elements(output), 1)
        twice = bool(np.any(written != 1))
    if counted != buffer.size or twice:
        raise InternalError(f"[verify] {len(outputs)} parts do not write each element of {buffer}")


def _elements(output: Output) -> np.ndarray[Any, Any]:
    """Where each of its points goes."""
    found = np.array([output.index.const])
    for r in output.ranges:
        steps = output.index.coefficient(r) * np.arange(r.size)
        found = np.add.outer(found, steps).ravel()
    return found


def _verify_indices(kernel: Kernel, value: Expr) -> None:
    """What is inside an index is computed wherever the index is needed, so it reduces nothing."""
    inside = value.operands[len(value.src) :]
    if any(e.op is ex.REDUCE for e in ex.toposort(inside)):
        raise InternalError(f"[verify] {kernel.name}: an index of {value} holds a reduction")


def _verify_load(kernel: Kernel, value: Expr) -> None:
    slot, index, guard = value.arg
    low, high = index.interval
    size = kernel.buffers[slot].size
    if (low < 0 or high >= size) and not guard and not _empty(value):
        raise InternalError(
            f"[verify] {kernel.name}: load {value} reaches {low}...{high} of {size} elements"
        )
    if kernel.buffers[slot].dtype is not value.dtype:
        raise InternalError(f"[verify] {kernel.name}: loads {value} with another dtype")


def _verify_collect(kernel: Kernel, value: Expr) -> None:
    """It stands alone, and its places are a range of the kernel that nothing else depends on."""
    below = frozenset[Range]().union(*(operand.ranges for operand in value.src))
    at, turn = value.arg.at, value.arg.turn
    if len(kernel.outputs) != 1 or kernel.collected is not value or kernel.reductions():
        raise InternalError(f"[verify] {kernel.name}: {value} is not all that it computes")
    if (at.terms or at.const) and (value.arg.places is None or value.arg.places in below):
        raise InternalError(f"[verify] {kernel.name}: the places {at} are no range of their own")
    single = {r for r in value.arg.ranges if r.size == 1}
    if turn.ranges | single != set(value.arg.ranges):
        raise InternalError(f"[verify] {kernel.name}: {turn} does not count {value.arg.ranges}")


def _empty(value: Expr) -> bool:
    return any(r.size == 0 for r in value.ranges)
