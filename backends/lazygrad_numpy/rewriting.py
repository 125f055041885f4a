"""Small rewrites of expressions into what NumPy has a faster call for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from lazygrad.plugin import DType, Expr, Index, Kernel, dtype as dt, expr as ex, forms, ops
from lazygrad_numpy.access import classify

ABSOLUTE = ex.KernelOp("ABSOLUTE", "src[0] without its sign, never -0.0")

Sources = tuple[Expr, ...]


Rewrite = Callable[[Sources], Expr | None]


def with_numpy_calls(kernel: Kernel) -> Kernel:
    """The graph knows few ops; NumPy has more: ``a + b * -1`` is ``a - b``, and so on."""
    return _rewritten(kernel, REWRITES)


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

    values = ex.transform(kernel.values, visit)
    outputs = tuple(replace(o, value=v) for o, v in zip(kernel.outputs, values, strict=True))
    return replace(kernel, outputs=outputs)


def _as(form: forms.Form | None, dtype: DType) -> Expr | None:
    return None if form is None else ex.extension(*form, None, dtype)


def _difference(src: Sources) -> Expr | None:
    return _as(forms.difference(src), src[0].dtype)


def _opposite(src: Sources) -> Expr | None:
    return _as(forms.opposite(src), dt.bool_)


def _choice(src: Sources) -> Expr | None:
    """Zero comes last, where it costs nothing. What was chosen already is not chosen again; of two
    conditions for the same value, one choice is made, because they are narrower than it."""
    condition, left, right = src
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
    if condition.op is not ops.NE or minus.op is not ops.MUL:
        return False
    nonzero = condition.src[0] is x and is_zero(condition.src[1])
    return nonzero and minus.src[0] is x and forms.is_literal(minus.src[1], -1)


def is_zero(e: Expr) -> bool:
    """Whether ``e`` is the number whose bits are all zero."""
    return e.op is ex.LITERAL and e.arg == 0 and str(e.arg) != "-0.0"


REWRITES: Mapping[Any, Rewrite] = {
    ops.ADD: _difference,
    ops.NE: _opposite,
    ops.XOR: _opposite,
    ops.WHERE: _choice,
}
