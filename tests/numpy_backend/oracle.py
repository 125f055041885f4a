"""What a kernel means, evaluated point by point: floats in float64, integers in their dtype.

It works on whole grids of coordinates and knows nothing of strides, blocks or BLAS.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lazygrad import element_types as dt, ops
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import DataAtom, Index, Quotient, Range, Remainder
from lazygrad.kernel.kernel import Kernel, Output

Array = np.ndarray[Any, Any]


def decoded(stored: Array, dtype: dt.DType) -> Array:
    """Stored elements as numbers to compute with."""
    if dtype is dt.bfloat16:
        return (stored.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return stored.astype(np.float64) if dtype.kind == dt.FLOAT else stored


def expected(kernel: Kernel, inputs: Mapping[int, Array]) -> dict[int, Array]:
    """What each output slot holds afterwards, not yet rounded to its dtype."""
    evaluator = _Evaluator(inputs)
    with np.errstate(all="ignore"):
        for e in ex.toposort(kernel.values):  # operands first: chains are longer than the stack
            evaluator.value(e, _axes(e.ranges))
        return {o.slot: evaluator.output(o, kernel.buffers[o.slot].size) for o in kernel.outputs}


class _Evaluator:
    """A value is an array with one axis for each of its free ranges, in order of their names;
    it does not depend on anything else, so each expression is evaluated once."""

    def __init__(self, inputs: Mapping[int, Array]) -> None:
        self.inputs = inputs
        self.known: dict[Expr, Array] = {}

    def output(self, output: Output, size: int) -> Array:
        axes = _axes(output.ranges)
        shape = tuple(r.size for r in axes)
        value = np.broadcast_to(self.value(output.value, axes), shape)
        where = np.broadcast_to(self.index(output.index, axes), shape)
        result = np.full(size, 0, value.dtype)
        assert where.size == size and np.array_equal(np.sort(where, axis=None), np.arange(size))
        result[where.ravel()] = value.ravel()
        return result

    def value(self, e: Expr, axes: Sequence[Range]) -> Array:
        """The value over ``axes``, with size 1 where it does not vary."""
        if e not in self.known:
            self.known[e] = self._evaluate(e)
        own = [r for r in axes if r in e.ranges]
        value = np.broadcast_to(self.known[e], tuple(r.size for r in own))
        return value.reshape([r.size if r in e.ranges else 1 for r in axes])

    def index(self, index: Index, axes: Sequence[Range]) -> Array:
        total = np.array(index.const)
        for atom, coefficient in index.terms:
            if isinstance(atom, Range):
                at = np.arange(atom.size).reshape([-1 if r == atom else 1 for r in axes])
            elif isinstance(atom, Quotient):
                at = self.index(atom.index, axes) // atom.divisor
            elif isinstance(atom, Remainder):
                at = self.index(atom.index, axes) % atom.divisor
            else:
                assert isinstance(atom, DataAtom)
                at = self.value(atom.value, axes).astype(np.int64)
            total = total + at * coefficient
        return total

    def _evaluate(self, e: Expr) -> Array:
        axes = _axes(e.ranges)
        if e.op is ex.LITERAL:
            return np.array(e.arg).astype(np.float64 if e.dtype.kind == dt.FLOAT else e.dtype.numpy)
        if e.op is ex.INDEX:
            return self._cast(self.index(e.arg, axes), e.dtype)
        if e.op is ex.LOAD:
            return self._load(e, axes)
        if e.op is ex.REDUCE:
            return self._reduce(e)
        src = [self.value(operand, axes) for operand in e.src]
        if e.op is ex.GUARD:
            return np.where(self._inside(e.arg, axes), src[0], src[0].dtype.type(0))
        if e.op is ops.CAST:
            return self._cast(src[0], e.dtype)
        return ELEMENTWISE[e.op](*src)

    def _inside(self, guard: ex.Guard, axes: Sequence[Range]) -> Array:
        inside = np.array(True)
        for bound in guard:
            at = self.index(bound.index, axes)
            inside = inside & (bound.low <= at) & (at < bound.high)
        return inside

    def _load(self, e: Expr, axes: Sequence[Range]) -> Array:
        slot, index, guard = e.arg
        elements = decoded(self.inputs[slot], e.dtype)
        where, inside = np.broadcast_arrays(self.index(index, axes), self._inside(guard, axes))
        assert ((where >= 0) & (where < elements.size))[inside].all()
        if elements.size == 0:
            return np.zeros(where.shape, elements.dtype)
        found = elements[np.clip(where, 0, elements.size - 1)]
        return np.where(inside, found, elements.dtype.type(0))

    def _reduce(self, e: Expr) -> Array:
        axes = _axes({*e.src[0].ranges, *e.arg.ranges})
        value = np.broadcast_to(self.value(e.src[0], axes), tuple(r.size for r in axes))
        over = tuple(i for i, r in enumerate(axes) if r in e.arg.ranges)
        if e.arg.op is ops.SUM:
            return value.sum(axis=over, dtype=value.dtype)
        if value.size == 0:
            return np.full([r.size for r in _axes(e.ranges)], e.dtype.min, value.dtype)
        return value.max(axis=over)

    @staticmethod
    def _cast(value: Array, dtype: dt.DType) -> Array:
        if dtype is dt.bfloat16:
            return decoded(to_bfloat16(value), dtype)
        if dtype.kind != dt.FLOAT:
            return value != 0 if dtype is dt.bool_ else value.astype(dtype.numpy)
        return value.astype(dtype.numpy).astype(np.float64)


def to_bfloat16(values: Array) -> Array:
    """Bits of the nearest bfloat16; the values must be finite."""
    bits = values.astype(np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def _axes(ranges: Iterable[Range]) -> list[Range]:
    return sorted(set(ranges), key=lambda r: r.name)


def _divide(a: Array, b: Array) -> Array:
    if a.dtype.kind == "f":
        return a / b
    return np.where(a % b != 0, (np.abs(a) // np.abs(b)) * np.sign(a) * np.sign(b), a // b).astype(
        a.dtype
    )


ELEMENTWISE: dict[Any, Any] = {
    ops.EXP: np.exp,
    ops.LOG: np.log,
    ops.SIN: np.sin,
    ops.SQRT: np.sqrt,
    ops.ADD: np.add,
    ops.MUL: np.multiply,
    ops.DIV: _divide,
    ops.MAX: np.maximum,
    ops.WHERE: np.where,
    ops.LT: np.less,
    ops.NE: np.not_equal,
    ops.MOD: np.fmod,
    ops.AND: np.bitwise_and,
    ops.XOR: np.bitwise_xor,
}
