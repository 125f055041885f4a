"""Small rewrites of expressions into what NumPy has a faster call for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lazygrad.plugin import (
    DType,
    Expr,
    Index,
    Kernel,
    dtype as dt,
    expr as ex,
    folding,
    forms,
    ops,
)
from lazygrad_numpy.access import classify

NEGATIVE = ex.KernelOp("NEGATIVE", "-src[0]")
ABSOLUTE = ex.KernelOp("ABSOLUTE", "src[0] without its sign, never -0.0")

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

    return kernel.transformed(visit)


def _as(form: forms.Form | None, dtype: DType) -> Expr | None:
    return None if form is None else ex.extension(*form, None, dtype)


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


REWRITES: Mapping[Any, Rewrite] = {
    ops.ADD: _difference,
    ops.MUL: _negative,
    ops.NE: _opposite,
    ops.XOR: _opposite,
    ops.WHERE: _choice,
}
