"""A slow, exact evaluator of kernels: the oracle of code generation, and a tool to debug with.

Every expression is evaluated at all points of its ranges at once, one array axis a range.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lazygrad import element_types as dt, ops, semantics
from lazygrad.element_types import DType
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Expr, Guard
from lazygrad.kernel.index import DataAtom, Index, Quotient, Range
from lazygrad.kernel.kernel import Kernel

Array = np.ndarray[Any, Any]


def interpret(kernel: Kernel, inputs: Sequence[Array]) -> list[Array]:
    """The output buffers of ``kernel``, flat, for its input buffers in slot order.

    bfloat16 buffers are uint16 bits. Half precision is computed in float32 and rounded where it is
    cast or stored.
    """
    specs = [kernel.buffers[slot] for slot in kernel.written]
    results = [np.zeros(spec.size, spec.dtype.numpy) for spec in specs]
    for slot, where, stored in interpret_at(kernel, inputs, {}):
        results[slot][where] = stored
    return results


def interpret_at(
    kernel: Kernel, inputs: Sequence[Array], at: Mapping[Range, Array]
) -> list[tuple[int, Array, Array]]:
    """What each output stores: its slot, the places there, and the elements, all flat. Of ranges
    in ``at``, which nothing is reduced over, at those positions only."""
    return Interpreter(kernel, inputs, at).stored()


class Interpreter:
    """
    Attributes:
        axes: of each range, in all arrays.
        values: of expressions, once they were evaluated.
    """

    def __init__(self, kernel: Kernel, inputs: Sequence[Array], at: Mapping[Range, Array]) -> None:
        self.kernel, self.at = kernel, at
        first = len(kernel.written)
        self.memory = {first + i: np.ravel(array) for i, array in enumerate(inputs)}
        found = [r for o in kernel.outputs for r in o.ranges]
        order = ex.toposort(kernel.values)
        found += [r for e in order if e.op in ex.BINDING for r in e.arg.ranges]
        self.axes = {r: axis for axis, r in enumerate(dict.fromkeys(found))}
        self.values: dict[Expr, Array] = {}

    def evaluate(self) -> None:
        with np.errstate(all="ignore"):
            for e in ex.toposort(self.kernel.values):
                self.values[e] = _RULES.get(e.op, Interpreter.elementwise)(self, e)

    def stored(self) -> list[tuple[int, Array, Array]]:
        """What ``interpret_at`` gives."""
        self.evaluate()
        found = []
        for output in self.kernel.outputs:
            shape = self._shape(output.ranges)
            where = np.broadcast_to(self.index(output.index), shape)
            value = np.broadcast_to(self.values[output.value], shape)
            stored = _stored(value, output.value.dtype)
            found.append((output.slot, where.ravel(), stored.ravel()))
        return found

    def _positions(self, r: Range) -> Array:
        found = self.at.get(r)
        return np.arange(r.size) if found is None else found

    def _shape(self, ranges: Sequence[Range]) -> tuple[int, ...]:
        shape = [1] * len(self.axes)
        for r in ranges:
            shape[self.axes[r]] = len(self._positions(r))
        return tuple(shape)

    def index(self, index: Index) -> Array:
        total: Array = np.full([1] * len(self.axes), index.const, np.int64)
        for atom, coefficient in index.terms:
            if isinstance(atom, Range):
                part = self._positions(atom).reshape(self._shape([atom]))
            elif isinstance(atom, DataAtom):
                part = self.values[atom.value].astype(np.int64)
            elif isinstance(atom, Quotient):
                part = self.index(atom.index) // atom.divisor
            else:
                part = self.index(atom.index) % atom.divisor
            total = total + coefficient * part
        return total

    def inside(self, guard: Guard) -> Array:
        holds: Array = np.ones([1] * len(self.axes), np.bool_)
        for bound in guard:
            value = self.index(bound.index)
            holds = holds & (bound.low <= value) & (value < bound.high)
        return holds

    # -- one method an op -----------------------------------------------------------------------

    def load(self, e: Expr) -> Array:
        slot, index, guard = e.arg
        where, holds = np.broadcast_arrays(self.index(index), self.inside(guard))
        memory = self.memory[slot]
        safe = np.where(holds, where, 0)
        if memory.size == 0:
            return np.zeros(safe.shape, _compute(e.dtype))
        loaded = _loaded(memory[safe], e.dtype)
        return np.where(holds, loaded, np.zeros((), loaded.dtype))

    def literal(self, e: Expr) -> Array:
        return np.full([1] * len(self.axes), e.arg, _compute(e.dtype))

    def from_index(self, e: Expr) -> Array:
        return self.index(e.arg).astype(_compute(e.dtype))

    def guard(self, e: Expr) -> Array:
        value = self.values[e.src[0]]
        return np.where(self.inside(e.arg), value, np.zeros((), value.dtype))

    def reduce(self, e: Expr) -> Array:
        source = self.values[e.src[0]]
        shape = list(source.shape)
        for r in e.arg.ranges:
            shape[self.axes[r]] = r.size
        source = np.broadcast_to(source, shape)
        axes = tuple(self.axes[r] for r in e.arg.ranges)
        if e.arg.op is ops.SUM:
            wide = source.astype(np.float64) if e.dtype.is_floating_point else source
            return wide.sum(axes, keepdims=True).astype(source.dtype)
        first = source.dtype.type(e.dtype.min)
        return np.max(source, axes, keepdims=True, initial=first)

    def collect(self, e: Expr) -> Array:
        """Point by point in order of their turns."""
        op, at, turn, ranges = e.arg
        position, source = np.broadcast_arrays(*(self.values[operand] for operand in e.src))
        inner = self._shape([*((e.ranges - at.ranges) | set(ranges))])
        places = self._shape([*e.ranges])
        result = np.full(places, ops.NOTHING[op](e.dtype), source.dtype)
        position, source = np.broadcast_to(position, inner), np.broadcast_to(source, inner)
        order = np.argsort(np.broadcast_to(self.index(turn), inner), axis=None, kind="stable")
        point = list(np.unravel_index(order, inner))
        for r in ranges:
            point[self.axes[r]] = np.zeros_like(order)
        size = e.arg.places.size if e.arg.places else 1
        goes = position.ravel()[order]
        inside = (goes >= 0) & (goes < size)
        if e.arg.places:
            point[self.axes[e.arg.places]] = goes
        where = tuple(axis[inside] for axis in point)
        if op is None:
            result[where] = source.ravel()[order][inside]
        else:
            semantics.COMBINE[op].at(result, where, source.ravel()[order][inside])
        return result

    def elementwise(self, e: Expr) -> Array:
        src = [self.values[operand] for operand in e.src]
        if e.op is ops.CAST:
            return _cast(src[0], e.src[0].dtype, e.dtype)
        return np.asarray(_ELEMENTWISE[e.op](*src))


_ELEMENTWISE: Mapping[Any, Callable[..., Any]] = semantics.ELEMENTWISE
_RULES: dict[Any, Callable[[Interpreter, Expr], Array]] = {
    ex.LOAD: Interpreter.load,
    ex.LITERAL: Interpreter.literal,
    ex.INDEX: Interpreter.from_index,
    ex.GUARD: Interpreter.guard,
    ex.REDUCE: Interpreter.reduce,
    ex.COLLECT: Interpreter.collect,
}


# -- half precision -----------------------------------------------------------------------------


def _compute(dtype: DType) -> np.dtype[Any]:
    """What values of ``dtype`` are computed in."""
    return np.dtype(np.float32) if dtype in dt.HALVES else dtype.numpy


def _loaded(stored: Array, dtype: DType) -> Array:
    if dtype is dt.bfloat16:
        return (stored.astype(np.uint32) << 16).view(np.float32)
    return stored.astype(_compute(dtype))


def _stored(value: Array, dtype: DType) -> Array:
    if dtype is dt.bfloat16:
        return _bfloat16_bits(np.ascontiguousarray(value, np.float32))
    return value.astype(dtype.numpy)


def _bfloat16_bits(value: Array) -> Array:
    """Rounded to nearest, ties to even."""
    bits = value.view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(value), (bits >> 16) | 0x40, rounded).astype(np.uint16)


def _cast(value: Array, source: DType, dtype: DType) -> Array:
    if dtype in dt.HALVES:
        return _loaded(_stored(value.astype(np.float32), dtype), dtype)
    return semantics.cast(value, dtype)
