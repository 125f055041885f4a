"""The unfused oracle: a graph evaluated with NumPy, one op at a time.

It shares nothing with the scheduler or the backends but the meaning of elementwise ops
(``lazygrad.semantics``), so it says which side is wrong when a fused kernel differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from lazygrad import ops, semantics
from lazygrad.body import FINAL, Looped
from lazygrad.element_types import DType
from lazygrad.errors import InternalError
from lazygrad.graph import Node, node, toposort
from lazygrad.ops import Kind, Op
from lazygrad.routines import ROUTINES

Array = np.ndarray[Any, Any]


class HostValue:
    """A BUFFER's argument in host memory: a graph on it can be evaluated without any backend."""

    def __init__(self, array: Array, dtype: DType, device: str) -> None:
        self.shape, self.dtype, self.device = array.shape, dtype, device
        self._array = array

    def numpy(self) -> Array:
        return self._array


def leaf(array: Array, dtype: DType, device: str = "CPU") -> Node:
    """A leaf that holds ``array``, brought to ``dtype``."""
    return node(ops.BUFFER, (), HostValue(semantics.cast(array, dtype), dtype, device))


def evaluate(root: Node) -> Array:
    """The value of one node; bfloat16 comes as float32."""
    return evaluate_all([root])[0]


def evaluate_all(nodes: Iterable[Node]) -> list[Array]:
    """The values of several nodes, each op below them computed once."""
    return _evaluated(list(nodes), {})


def _evaluated(roots: list[Node], given: Mapping[Node, Array]) -> list[Array]:
    """Their values, where those of some nodes are ``given``."""
    values = dict(given)
    for current in toposort(roots, _sources):
        if current in given:
            continue
        src = tuple(values[operand] for operand in _sources(current))
        value = _compute(current, src)
        if value.shape != current.shape:
            raise InternalError(f"[reference] {current} evaluated to shape {value.shape}")
        values[current] = value
    return [values[root] for root in roots]


def _sources(current: Node) -> tuple[Node, ...]:
    """What is said to derivatives is not part of a value."""
    return current.src[: current.op.value_arity]


def _compute(current: Node, src: tuple[Array, ...]) -> Array:
    if current.op.kind is Kind.ELEMENTWISE:
        return np.asarray(semantics.apply(current.op, src, current.dtype))
    return np.asarray(RULES[current.op](current, *src))


def _constant(current: Node) -> Array:
    value = np.full(current.shape, current.arg.value, semantics.compute_dtype(current.dtype))
    return semantics.cast(value, current.dtype)


def _iota(current: Node) -> Array:
    return np.arange(current.shape[0], dtype=current.dtype.numpy)


def _buffer(current: Node) -> Array:
    return np.asarray(current.arg.numpy())


def _sum(current: Node, x: Array) -> Array:
    with np.errstate(all="ignore"):
        if current.dtype.name == "bool":
            return np.asarray(np.any(x, axis=current.arg, keepdims=True))
        total = np.sum(x, axis=current.arg, keepdims=True, dtype=x.dtype)
        return semantics.cast(total, current.dtype)


def _reduce_max(current: Node, x: Array) -> Array:
    lowest: Any = current.dtype.min
    return np.asarray(np.max(x, axis=current.arg, keepdims=True, initial=lowest))


def _pad(current: Node, x: Array) -> Array:
    return np.pad(x, current.arg)


def _shrink(current: Node, x: Array) -> Array:
    return x[tuple(slice(start, stop) for start, stop in current.arg)]


def _shear(current: Node, x: Array) -> Array:
    axis, by, factor, offset, size = current.arg
    result = np.zeros(current.shape, x.dtype)
    source, target = np.moveaxis(x, (axis, by), (0, 1)), np.moveaxis(result, (axis, by), (0, 1))
    for k in range(x.shape[by]):
        for i in range(size):
            position = i + factor * k + offset
            if 0 <= position < x.shape[axis]:
                target[i, k] = source[position, k]
    return result


def _gather(current: Node, x: Array, index: Array) -> Array:
    axis, size = current.arg, x.shape[current.arg]
    if size == 0:
        return np.zeros(index.shape, x.dtype)
    inside = (index >= 0) & (index < size)
    taken = np.take_along_axis(x, np.where(inside, index, 0), axis)
    return np.where(inside, taken, np.zeros((), x.dtype))


def _scatter(current: Node, index: Array, x: Array) -> Array:
    axis, size, combine = current.arg
    result = np.full(current.shape, ops.NOTHING[combine](current.dtype), x.dtype)
    for at in np.ndindex(x.shape):  # row-major: along any axis in order
        if 0 <= index[at] < size:
            to = (*at[:axis], index[at], *at[axis + 1 :])
            result[to] = x[at] if combine is None else semantics.COMBINE[combine](result[to], x[at])
    return result


def _join(current: Node, *pieces: Array) -> Array:
    return np.concatenate(pieces, current.arg)


def _call(current: Node, *operands: Array) -> Array:
    if not current.size:
        return np.empty(current.shape, current.dtype.numpy)
    name, options, result = current.arg
    found = ROUTINES[name].compute(frozenset([result]), *operands, *options)
    return found[result].astype(current.dtype.numpy)


def _loop(current: Node, *operands: Array) -> Array:
    looped: Looped = current.arg
    body, length, backwards, (kind, of) = looped
    roots = [*body.next, *([of] if isinstance(of, Node) else ())]
    carries = list(operands[: body.carries])
    given, fixed = body.carries, body.carries + body.xs
    trajectory, stacked = [carries], {}
    for at in reversed(range(length)) if backwards else range(length):
        step = [*carries, *(x[at] for x in operands[given:fixed]), *operands[fixed:]]
        found = _evaluated(roots, dict(zip(body.leaves, step, strict=True)))
        carries = found[: body.carries]
        trajectory.append(carries)
        stacked[at] = found[-1]
    if isinstance(of, Node):
        return np.stack([stacked[at] for at in range(length)])
    if kind == FINAL:
        return carries[of]
    return np.stack([values[of] for values in (trajectory[::-1] if backwards else trajectory)])


def _same(current: Node, x: Array) -> Array:
    return x


RULES: Mapping[Op, Callable[..., Array]] = {
    ops.CONST: _constant,
    ops.IOTA: _iota,
    ops.BUFFER: _buffer,
    ops.SUM: _sum,
    ops.REDUCE_MAX: _reduce_max,
    ops.RESHAPE: lambda current, x: x.reshape(current.arg),
    ops.PERMUTE: lambda current, x: x.transpose(current.arg),
    ops.EXPAND: lambda current, x: np.broadcast_to(x, current.arg),
    ops.PAD: _pad,
    ops.SHRINK: _shrink,
    ops.FLIP: lambda current, x: np.flip(x, current.arg),
    ops.SHEAR: _shear,
    ops.JOIN: _join,
    ops.CALL: _call,
    ops.LOOP: _loop,
    ops.GATHER: _gather,
    ops.SCATTER: _scatter,
    ops.CONTIGUOUS: _same,
    ops.COPY: _same,
    ops.VARIABLE: _same,
    ops.DETACH: _same,
    ops.SURROGATE: _same,
    ops.SLOPE: _same,
    ops.CUSTOM: _same,
}
