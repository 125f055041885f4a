"""Composed functions that a library has a call for: found in kernels, by what they are composed of.

The graph has few ops, and ``lang`` composes all functions of them. A backend whose library has one
of these may call that: it is told of what a value of a kernel is the function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple, cast

from lazygrad import ops
from lazygrad.body import Slot
from lazygrad.element_types import DType
from lazygrad.graph import Node, node
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.kernel import Kernel, loads
from lazygrad.kernel.target import Target
from lazygrad.lang.transcendental import erf, sigmoid, tanh

FUNCTIONS: Mapping[str, Callable[[Node], Node]] = {
    "erf": erf,
    "sigmoid": sigmoid,
    "tanh": tanh,
}


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
    factor = ex.literal(x.src[1].arg * wanted.src[1].arg, x.dtype)
    return ex.elementwise(ops.MUL, (x.src[0], factor), x.dtype)


def _is_multiple(e: Expr) -> bool:
    return e.op is ops.MUL and e.src[1].op is ex.LITERAL
