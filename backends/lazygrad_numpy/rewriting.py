"""Small rewrites of expressions into what NumPy has a faster call for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lazygrad.plugin import Expr, Index, Kernel, composed, dtype as dt, expr as ex, ops
from lazygrad_numpy.access import classify

SUBTRACT = ex.KernelOp("SUBTRACT", "src[0] - src[1]")
EQUAL = ex.KernelOp("EQUAL", "src[0] == src[1]")
ABSOLUTE = ex.KernelOp("ABSOLUTE", "src[0] without its sign, never -0.0")
NEGATIVE = ex.KernelOp("NEGATIVE", "-src[0]")
NOT = ex.KernelOp("NOT", "the opposite of a bool")
TANH = ex.KernelOp("TANH", "the hyperbolic tangent of src[0]")

Sources = tuple[Expr, ...]


Rewrite = Callable[[Sources], Expr | None]


def with_numpy_calls(kernel: Kernel) -> Kernel:
    """The graph knows few ops; NumPy has more: ``a + b * -1`` is ``a - b``, and so on."""
    return _rewritten(kernel, REWRITES)


def with_composed_calls(kernel: Kernel) -> Kernel:
    """Functions that are composed of many ops, in few calls."""

    def visit(value: Expr, src: Sources) -> Expr:
        rebuilt = ex.rebuild(value, src, value.arg)
        for name, make in COMPOSED.get(value.op, ()):
            x = composed.argument(name, rebuilt)
            if x is not None:
                return make(x)
        return rebuilt

    return _of_values(kernel, ex.transform(kernel.values, visit))


def with_guards_once(kernel: Kernel) -> Kernel:
    """Of two loads that are multiplied, one is zero outside of a guard that both have: the other
    one needs it only where it would leave its memory."""

    def once(src: Sources) -> Expr | None:
        one, other = src
        if one.op is not ex.LOAD or other.op is not ex.LOAD:
            return None
        lighter = _without(kernel, other, one.arg.guard)
        heavier = _without(kernel, one, lighter.arg.guard)
        changed = lighter is not other or heavier is not one
        return ex.elementwise(ops.MUL, (heavier, lighter), one.dtype) if changed else None

    return _rewritten(kernel, {ops.MUL: once})


def _without(kernel: Kernel, load: Expr, guard: ex.Guard) -> Expr:
    """``load`` without those bounds of ``guard`` that are about no dim of its memory, or all of
    them where it is never outside."""
    slot, index, own = load.arg
    size = kernel.buffers[slot].size
    low, high = index.interval
    inside = low >= 0 and high < size
    kept = tuple(b for b in own if b not in guard or not (inside or _is_apart(b.index, index)))
    if len(kept) == len(own):
        return load
    lighter = ex.load(slot, index, load.dtype, kept)
    return lighter if inside or classify(lighter, size) is not None else load


def _is_apart(bound: Index, index: Index) -> bool:
    """Whether ``bound`` is about something else than a dim that ``index`` walks along."""
    steps = {index.coefficient(atom) / c for atom, c in bound.terms}
    return len(steps) > 1 or steps == {0}


def _rewritten(kernel: Kernel, rewrites: Mapping[Any, Rewrite]) -> Kernel:
    def visit(value: Expr, src: Sources) -> Expr:
        rewrite = rewrites.get(value.op)
        found = rewrite(src) if rewrite is not None else None
        return found if found is not None else ex.rebuild(value, src, value.arg)

    return _of_values(kernel, ex.transform(kernel.values, visit))


def _of_values(kernel: Kernel, values: Sequence[Expr]) -> Kernel:
    outputs = tuple(replace(o, value=v) for o, v in zip(kernel.outputs, values, strict=True))
    return replace(kernel, outputs=outputs)


def _tanh(x: Expr) -> Expr:
    return ex.extension(TANH, (x,), None, x.dtype)


def _sigmoid(x: Expr) -> Expr:
    """Where the power overflows, its reciprocal is too small to be told from 0."""
    one = ex.literal(1.0, x.dtype)
    minus = ex.extension(NEGATIVE, (x,), None, x.dtype)
    power = ex.elementwise(ops.EXP, (minus,), x.dtype)
    return ex.elementwise(ops.DIV, (one, ex.elementwise(ops.ADD, (power, one), x.dtype)), x.dtype)


def _difference(src: Sources) -> Expr | None:
    if src[0].dtype.kind not in (dt.SIGNED, dt.FLOAT):
        return None
    for kept, other in (src, src[::-1]):
        if other.op is ops.MUL and any(_is_literal(f, -1) for f in other.src):
            positive = next((f for f in other.src if not _is_literal(f, -1)), other.src[0])
            return ex.extension(SUBTRACT, (kept, positive), None, kept.dtype)
    return None


def _opposite(src: Sources) -> Expr | None:
    """A bool that differs from True; of a comparison, the opposite comparison."""
    for condition, other in (src, src[::-1]):
        if condition.dtype is dt.bool_ and _is_literal(other, True):
            return negated(condition)
    return None


def negated(condition: Expr) -> Expr:
    """The opposite of a bool."""
    if condition.op is ops.NE:
        return ex.extension(EQUAL, condition.src, None, dt.bool_)
    return ex.extension(NOT, (condition,), None, dt.bool_)


def _choice(src: Sources) -> Expr | None:
    """Zero comes last, where it costs nothing. What was chosen already is not chosen again; of two
    conditions for the same value, one choice is made, because they are narrower than it."""
    condition, left, right = src
    if is_zero(right) and left.op is ops.MAX and _is_size(condition, *left.src):
        return ex.extension(ABSOLUTE, left.src[:1], None, left.dtype)
    if left.op is ops.WHERE and left.src[0] is condition:
        return ex.elementwise(ops.WHERE, (condition, left.src[1], right), left.dtype)
    if is_zero(left) and not is_zero(right):
        swapped = (negated(condition), right, left)
        return ex.elementwise(ops.WHERE, swapped, left.dtype)
    if is_zero(right) and left.op is ops.WHERE and is_zero(left.src[2]):
        both = ex.elementwise(ops.AND, (condition, left.src[0]), dt.bool_)
        return ex.elementwise(ops.WHERE, (both, left.src[1], right), left.dtype)
    return None


def _is_size(condition: Expr, x: Expr, minus: Expr) -> bool:
    """Whether the larger of ``x`` and ``minus`` where ``condition``, else zero, is abs(x)."""
    if condition.op is not ops.NE or minus.op is not ops.MUL:
        return False
    nonzero = condition.src[0] is x and is_zero(condition.src[1])
    return nonzero and minus.src[0] is x and _is_literal(minus.src[1], -1)


def is_zero(e: Expr) -> bool:
    """Whether ``e`` is the number whose bits are all zero."""
    return e.op is ex.LITERAL and e.arg == 0 and str(e.arg) != "-0.0"


def _is_literal(e: Expr, value: Any) -> bool:
    return e.op is ex.LITERAL and bool(e.arg == value)


# By the op of their last step.
COMPOSED: Mapping[Any, tuple[tuple[str, Callable[[Expr], Expr]], ...]] = {
    ops.WHERE: (("tanh", _tanh),),
    ops.DIV: (("sigmoid", _sigmoid),),
}
REWRITES: Mapping[Any, Rewrite] = {
    ops.ADD: _difference,
    ops.NE: _opposite,
    ops.XOR: _opposite,
    ops.WHERE: _choice,
}
