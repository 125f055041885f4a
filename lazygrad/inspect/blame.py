"""Who made what is no number: the operation of a kernel whose operands were finite.

An element that a kernel stores is followed back through the expressions that it hangs on, as far as
they are not finite: past the branch of a WHERE that was not taken, and past what does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from lazygrad import ops
from lazygrad.codegen.interpret import Interpreter
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import Range
from lazygrad.kernel.kernel import Kernel, Output

Array = np.ndarray[Any, Any]
Values = Mapping[Expr, Array]

INDEX = "index"  # of a culprit: one that points at nothing, for which NaN stands
DIVISIONS = (ops.DIV, ops.MOD)
EVERYWHERE: Array = np.ones((), np.bool_)
SHOWN = {
    ops.ADD: "sum", ops.MUL: "product", ops.DIV: "division", ops.MOD: "remainder",
    ops.SQRT: "square root", ops.CAST: "conversion", ex.REDUCE: "sum over many",
    ex.COLLECT: "sum at an index",
}  # fmt: skip


class Culprit(NamedTuple):
    """An operation, what it gives, and of what: of reductions nothing is listed."""

    op: str
    value: float
    operands: tuple[float, ...] = ()


class Divided(NamedTuple):
    """Who divided by zero, and the slot and the place of an element that hangs on it; no place
    where that is found by index."""

    culprit: Culprit
    slot: int
    place: int | None = None


def not_finite(
    kernel: Kernel, inputs: Sequence[Array], output: Output, place: int
) -> Culprit | None:
    """Who made the element at a ``place`` of an output's buffer, which is not finite; None if the
    kernel has read it, or if it is an infinity that the program has as a constant."""
    found = _around(kernel, inputs, output, place)
    values = found.values
    matters: dict[Expr, Array] = {output.value: found.index(output.index) == place}
    for e in reversed(ex.toposort([output.value])):
        if e not in matters or not e.dtype.is_floating_point or e.op in (ex.LOAD, ex.LITERAL):
            continue
        wrong = matters[e] & ~np.isfinite(values[e])
        if e.op is ops.WHERE and _has_chosen_nan(e, wrong, values):
            return Culprit(INDEX, np.nan, _index(e.src[0], values, wrong))
        unexplained = wrong
        for operand, chosen in _followed(e, found):
            if not operand.dtype.is_floating_point:
                continue
            follows = wrong & chosen & ~np.isfinite(values[operand])
            matters[operand] = matters.get(operand, np.False_) | follows
            unexplained = unexplained & ~_seen_from(e, follows, found)
        if unexplained.any():
            return _culprit(e, values, unexplained)
    return None


def writes(kernel: Kernel, inputs: Sequence[Array], output: Output, place: int) -> bool:
    """Whether an output writes a place of its buffer, of which it may be a part."""
    return bool((Interpreter(kernel, inputs, {}).index(output.index) == place).any())


def divided_by_zero(kernel: Kernel, inputs: Sequence[Array]) -> Divided | None:
    """A division of integers by 0, or the rest of one, that an element of a result hangs on."""
    if not any(map(_divides, ex.toposort(kernel.values))):
        return None
    found = _evaluated(Interpreter(kernel, inputs, {}))
    for output in kernel.outputs:
        matters: dict[Expr, Array] = {output.value: EVERYWHERE}
        order = ex.toposort([output.value])
        for e in reversed(order):
            for operand, chosen in _followed(e, found):
                matters[operand] = matters.get(operand, np.False_) | (matters[e] & chosen)
        for e in filter(_divides, order):
            zero = matters[e] & (found.values[e.src[1]] == 0)
            if zero.any():
                return _divided(e, zero, output, found)
    return None


def _divides(e: Expr) -> bool:
    return e.op in DIVISIONS and e.dtype.is_integer


def _divided(e: Expr, zero: Array, output: Output, found: Interpreter) -> Divided:
    culprit = _culprit(e, found.values, zero)
    if found.kernel.collected is not None:  # values go where others say
        return Divided(culprit, output.slot)
    first = _first(zero, found.values[e])
    return Divided(culprit, output.slot, int(_number(found.index(output.index), first)))


def _evaluated(interpreter: Interpreter) -> Interpreter:
    interpreter.evaluate()
    return interpreter


def _around(kernel: Kernel, inputs: Sequence[Array], output: Output, place: int) -> Interpreter:
    """The values of all expressions, for one place as far as kernels can be evaluated for one."""
    whole = Interpreter(kernel, inputs, {})
    if kernel.collected is not None:
        return _evaluated(whole)
    at: dict[Range, Array] = {}
    position = np.argwhere(whole.index(output.index) == place)[0]  # it writes there, see ``writes``
    bound = {r for e in ex.toposort(kernel.values) if e.op in ex.BINDING for r in e.arg.ranges}
    for r in output.ranges:
        if r not in bound:
            at[r] = position[whole.axes[r]].reshape(1)
    return _evaluated(Interpreter(kernel, inputs, at))


def _has_chosen_nan(e: Expr, wrong: Array, values: Values) -> bool:
    condition = values[e.src[0]]
    return any(
        operand.op is ex.LITERAL and operand.arg != operand.arg and bool((wrong & chosen).any())
        for operand, chosen in ((e.src[1], condition), (e.src[2], ~condition))
    )


def _index(condition: Expr, values: Values, where: Array) -> tuple[float, ...]:
    """What was read of an index that a condition refuses; nothing if it is computed."""
    for e in ex.toposort([condition]):
        if e.op is ex.LOAD and e.dtype.is_integer:
            return (_number(values[e], _first(where, values[e])),)
    return ()


def _followed(e: Expr, found: Interpreter) -> Iterator[tuple[Expr, Array]]:
    """The operands that a value hangs on, and where it does."""
    if e.op is ops.WHERE:
        condition = found.values[e.src[0]]
        yield from zip(e.src, (EVERYWHERE, condition, ~condition), strict=True)
    else:
        chosen = found.inside(e.arg) if e.op is ex.GUARD else EVERYWHERE
        yield from ((operand, chosen) for operand in e.operands)


def _seen_from(e: Expr, follows: Array, found: Interpreter) -> Array:
    """Where a value hangs on one of its operands that is not finite."""
    if e.op not in ex.BINDING:
        return follows
    axes = None if e.op is ex.COLLECT else tuple(found.axes[r] for r in e.arg.ranges)
    return np.asarray(follows.any(axes, keepdims=True))


def _culprit(e: Expr, values: Values, where: Array) -> Culprit:
    """An operation at the first place where it is to blame."""
    first = _first(where, values[e])
    op = SHOWN.get(e.op, e.op.name.lower())
    if e.op in ex.BINDING:
        return Culprit(op, _number(values[e], first))
    return Culprit(op, _number(values[e], first), tuple(_number(values[o], first) for o in e.src))


def _first(where: Array, value: Array) -> tuple[Any, ...]:
    """The first place that is marked in an array of the shape of both."""
    shape = np.broadcast_shapes(where.shape, value.shape)
    return tuple(np.argwhere(np.broadcast_to(where, shape))[0])


def _number(value: Array, at: tuple[Any, ...]) -> float:
    """The element of an array at a place of one that it is broadcast to."""
    own = tuple(0 if n == 1 else i for n, i in zip(value.shape, at, strict=True))
    return value[own].item()
