"""Composed functions that a library has a call for: found in kernels, by what they are composed of.

The graph has few ops, and ``lang`` composes all functions of them. A backend that has one of these
itself is given kernels that say so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import NamedTuple, cast

from lazygrad import ops
from lazygrad.body import Slot
from lazygrad.element_types import DType, float32
from lazygrad.graph import Node, node
from lazygrad.kernel import expr as ex, forms
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.kernel import Kernel, loads
from lazygrad.kernel.target import Target
from lazygrad.lang.transcendental import erf, sigmoid, tanh

FUNCTIONS: Mapping[str, Callable[[Node], Node]] = {
    "erf": erf,
    "sigmoid": sigmoid,
    "tanh": tanh,
}

# erf(x) = tanh(x * P(x*x)) to 1e-7, in float32 to 4 units in the last place: fitted by weighted
# least squares (Lawson's) up to 4, from where on tanh is 1.
ERF = (
    1.4185262386945396e-07, -5.668483026965987e-06, 8.763737423578277e-05,
    -0.0006197848124429584, -0.00019183062249794602, 0.10276905447244644, 1.128379225730896,
)  # fmt: skip


def _tanh(x: Expr) -> Expr:
    return ex.extension(forms.TANH, (x,), None, x.dtype)


def _sigmoid(x: Expr) -> Expr:
    """Where the power overflows, its reciprocal is too small to be told from 0."""
    one = ex.literal(1.0, x.dtype)
    power = ex.elementwise(ops.EXP, (_multiple(x, -1.0),), x.dtype)
    return ex.elementwise(ops.DIV, (one, ex.elementwise(ops.ADD, (power, one), x.dtype)), x.dtype)


def _erf(x: Expr) -> Expr | None:
    """Without branches: a third of the steps."""
    if x.dtype is not float32:
        return None

    def step(op: ops.Op, left: Expr, right: Expr) -> Expr:
        return ex.elementwise(op, (left, right), x.dtype)

    squared = step(ops.MUL, x, x)
    total, *others = (ex.literal(number, x.dtype) for number in ERF)
    for number in others:
        total = step(ops.ADD, step(ops.MUL, total, squared), number)
    return _tanh(step(ops.MUL, total, x))


# What stands for functions, by the op of their last step.
SHORT: Mapping[object, tuple[tuple[str, Callable[[Expr], Expr | None]], ...]] = {
    ops.WHERE: (("tanh", _tanh), ("erf", _erf)),
    ops.DIV: (("sigmoid", _sigmoid),),
}


def with_calls(kernel: Kernel, dtypes: Collection[DType]) -> Kernel:
    """``kernel`` with functions of values of ``dtypes`` as calls, or in fewer steps than are right
    for derivatives."""
    if all(e.op is not ops.EXP for e in ex.toposort(kernel.values)):
        return kernel

    def visit(value: Expr, src: tuple[Expr, ...]) -> Expr:
        rebuilt = ex.rebuild(value, src, value.arg)
        for name, make in SHORT.get(value.op, ()) if value.dtype in dtypes else ():
            x = argument(name, rebuilt)
            made = None if x is None else make(x)
            if made is not None:
                return made
        return rebuilt

    return kernel.transformed(visit)


class Pattern(NamedTuple):
    """What a function is composed of, of the values at ``of``."""

    value: Expr
    of: Expr


@cache
def pattern(name: str, dtype: DType) -> Pattern:
    """That of a function of ``FUNCTIONS``, as kernels compute it."""
    from lazygrad.schedule.plan import make_plan  # 10 ms; not where all code is on disk

    given = node(ops.BUFFER, (), Slot(0, (2,), dtype, "any"))
    [step] = make_plan([FUNCTIONS[name](given)], [given], Target()).steps
    [value] = cast(Kernel, step.kernel).values
    [of] = loads([value])
    return Pattern(value, of)


def argument(name: str, value: Expr) -> Expr | None:
    """What ``value`` is the function of that name of; None if it is not composed like that."""
    wanted = pattern(name, value.dtype)
    if value.op is not wanted.value.op:
        return None
    known: dict[Expr, Expr] = {}
    return known.get(wanted.of) if _is_like(value, wanted.value, wanted.of, known) else None


def _is_like(value: Expr, wanted: Expr, of: Expr, known: dict[Expr, Expr]) -> bool:
    """Whether ``value`` is ``wanted``, where what stands for ``of`` is the same everywhere."""
    if wanted in known:
        return known[wanted] is value
    if wanted is of:
        alike = value.dtype is of.dtype
    elif value is _scaled(wanted, of, known):
        alike = True
    else:
        pairs = list(zip(value.src, wanted.src, strict=False))
        same = (value.op, value.dtype, value.arg) == (wanted.op, wanted.dtype, wanted.arg)
        alike = same and len(value.src) == len(wanted.src) and bool(pairs or value is wanted)
        alike = alike and all(_is_like(v, w, of, known) for v, w in pairs)
    if alike:
        known[wanted] = value
    return alike


def _scaled(wanted: Expr, of: Expr, known: Mapping[Expr, Expr]) -> Expr | None:
    """A multiple of what stands for ``of`` where that is a multiple itself: one product."""
    x = known.get(of)
    if x is None or not _is_multiple(wanted) or wanted.src[0] is not of or not _is_multiple(x):
        return None
    return _multiple(x, wanted.src[1].arg)


def _multiple(x: Expr, factor: float) -> Expr:
    """``x`` times a number; of a multiple, as one product."""
    if _is_multiple(x):
        x, factor = x.src[0], x.src[1].arg * factor
    return ex.elementwise(ops.MUL, (x, ex.literal(factor, x.dtype)), x.dtype)


def _is_multiple(e: Expr) -> bool:
    return e.op is ops.MUL and e.src[1].op is ex.LITERAL
