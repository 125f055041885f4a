"""Small rewrites of expressions into what NumPy has a faster call for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from lazygrad.plugin import (
    DType,
    Expr,
    Index,
    Kernel,
    composed,
    dtype as dt,
    expr as ex,
    folding,
    forms,
    ops,
)
from lazygrad_numpy.access import classify

NEGATIVE = ex.KernelOp("NEGATIVE", "-src[0]")
ABSOLUTE = ex.KernelOp("ABSOLUTE", "src[0] without its sign, never -0.0")
TANH = ex.KernelOp("TANH", "the hyperbolic tangent of src[0]")

# erf(x) = tanh(x * P(x*x)) to 1e-7, in float32 to 4 units in the last place: fitted by weighted
# least squares (Lawson's) up to 4, from where on tanh is 1.
ERF = (
    1.4185262386945396e-07, -5.668483026965987e-06, 8.763737423578277e-05,
    -0.0006197848124429584, -0.00019183062249794602, 0.10276905447244644, 1.128379225730896,
)  # fmt: skip

Sources = tuple[Expr, ...]


Rewrite = Callable[[Sources], Expr | None]


def with_numpy_calls(kernel: Kernel) -> Kernel:
    """The graph knows few ops; NumPy has more: ``a + b * -1`` is ``a - b``, and so on."""
    return _rewritten(kernel, REWRITES, _folded)


def _folded(value: Expr, src: Sources) -> Expr | None:
    """What is computed from numbers alone, or with one that changes nothing."""
    op, dtype = value.op, value.dtype
    for e in src:
        if e.op is ex.LITERAL:
            break
    else:
        return None
    if not isinstance(op, ops.Op):
        return None
    known = [e.arg if e.op is ex.LITERAL else None for e in src]
    dtypes = [e.dtype for e in src]
    number = folding.number(op, known, dtypes, dtype)
    if number is not None:
        return ex.literal(number, dtype)
    same = folding.operand(op, known, dtypes, dtype)
    return folding.index(op, src, dtype) if same is None else src[same]


def with_composed_calls(kernel: Kernel) -> Kernel:
    """Functions that are composed of many ops, in few calls."""

    def visit(value: Expr, src: Sources) -> Expr:
        rebuilt = ex.rebuild(value, src, value.arg)
        for name, make in COMPOSED.get(value.op, ()):
            x = composed.argument(name, rebuilt)
            made = None if x is None else make(x)
            if made is not None:
                return made
        return rebuilt

    return _with_values(kernel, ex.transform(kernel.values, visit))


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


def _rewritten(
    kernel: Kernel,
    rewrites: Mapping[Any, Rewrite],
    first: Callable[[Expr, Sources], Expr | None] = lambda value, src: None,
) -> Kernel:
    def visit(value: Expr, src: Sources) -> Expr:
        known = first(value, src)
        if known is not None:
            return known
        rewrite = rewrites.get(value.op)
        found = rewrite(src) if rewrite is not None else None
        return found if found is not None else ex.rebuild(value, src, value.arg)

    return _with_values(kernel, ex.transform(kernel.values, visit))


def _with_values(kernel: Kernel, values: Iterable[Expr]) -> Kernel:
    outputs = tuple(replace(o, value=v) for o, v in zip(kernel.outputs, values, strict=True))
    return replace(kernel, outputs=outputs)


def _as(form: forms.Form | None, dtype: DType) -> Expr | None:
    return None if form is None else ex.extension(*form, None, dtype)


def _tanh(x: Expr) -> Expr:
    return ex.extension(TANH, (x,), None, x.dtype)


def _erf(x: Expr) -> Expr | None:
    """``tanh(x * P(x*x))``, a third of the calls: no branches."""
    if x.dtype is not dt.float32:
        return None

    def step(op: ops.Op, left: Expr, right: Expr) -> Expr:
        return ex.elementwise(op, (left, right), x.dtype)

    squared = step(ops.MUL, x, x)
    total, *others = (ex.literal(number, x.dtype) for number in ERF)
    for number in others:
        total = step(ops.ADD, step(ops.MUL, total, squared), number)
    return _tanh(step(ops.MUL, total, x))


def _sigmoid(x: Expr) -> Expr:
    """Where the power overflows, its reciprocal is too small to be told from 0."""
    one = ex.literal(1.0, x.dtype)
    minus = ex.extension(NEGATIVE, (x,), None, x.dtype)
    power = ex.elementwise(ops.EXP, (minus,), x.dtype)
    return ex.elementwise(ops.DIV, (one, ex.elementwise(ops.ADD, (power, one), x.dtype)), x.dtype)


def _difference(src: Sources) -> Expr | None:
    for kept, other in (src, src[::-1]):
        if other.op is NEGATIVE:
            return ex.extension(forms.SUBTRACT, (kept, other.src[0]), None, kept.dtype)
    return None


def _negative(src: Sources) -> Expr | None:
    if src[0].dtype.kind not in (dt.SIGNED, dt.FLOAT):
        return None
    for factor, number in (src, src[::-1]):
        if forms.is_literal(number, -1):
            return ex.extension(NEGATIVE, (factor,), None, factor.dtype)
    return None


def _opposite(src: Sources) -> Expr | None:
    return _as(forms.opposite(src), dt.bool_)


def _choice(src: Sources) -> Expr | None:
    """Zero comes last, where it costs nothing. What was chosen already is not chosen again; of two
    conditions for the same value, one choice is made, because they are narrower than it."""
    condition, left, right = src
    if forms.is_literal(left, True) and forms.is_literal(right, False):
        return condition if left.dtype is dt.bool_ else None
    if is_zero(right) and left.op is ops.MAX and _is_size(condition, *left.src):
        return ex.extension(ABSOLUTE, left.src[:1], None, left.dtype)
    if left.op is ops.WHERE and left.src[0] is condition:
        return ex.elementwise(ops.WHERE, (condition, left.src[1], right), left.dtype)
    if is_zero(left) and not is_zero(right):
        swapped = (ex.extension(*forms.negated(condition), None, dt.bool_), right, left)
        return ex.elementwise(ops.WHERE, swapped, left.dtype)
    if is_zero(right) and left.op is ops.WHERE and is_zero(left.src[2]):
        both = ex.elementwise(ops.AND, (condition, left.src[0]), dt.bool_)
        return ex.elementwise(ops.WHERE, (both, left.src[1], right), left.dtype)
    return None


def _is_size(condition: Expr, x: Expr, minus: Expr) -> bool:
    """Whether the larger of ``x`` and ``minus`` where ``condition``, else zero, is abs(x)."""
    if condition.op is not ops.NE or minus.op is not NEGATIVE:
        return False
    return condition.src[0] is x and is_zero(condition.src[1]) and minus.src[0] is x


def is_zero(e: Expr) -> bool:
    """Whether ``e`` is the number whose bits are all zero."""
    return e.op is ex.LITERAL and e.arg == 0 and str(e.arg) != "-0.0"


# By the op of their last step.
COMPOSED: Mapping[Any, tuple[tuple[str, Callable[[Expr], Expr | None]], ...]] = {
    ops.WHERE: (("tanh", _tanh), ("erf", _erf)),
    ops.DIV: (("sigmoid", _sigmoid),),
}
REWRITES: Mapping[Any, Rewrite] = {
    ops.ADD: _difference,
    ops.MUL: _negative,
    ops.NE: _opposite,
    ops.XOR: _opposite,
    ops.WHERE: _choice,
}
