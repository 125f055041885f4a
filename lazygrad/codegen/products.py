"""Sums of products: what a register tile can compute.

A contraction as ``lazygrad.kernel.contraction`` describes it, or several of the same shape added
up in one sum: the gradient of a value that three matrices multiply.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

from lazygrad import ops
from lazygrad.codegen.normal import substitute
from lazygrad.kernel import expr as ex
from lazygrad.kernel.contraction import LARGEST_WINDOW, is_widening
from lazygrad.kernel.expr import Expr, Guard
from lazygrad.kernel.index import Range
from lazygrad.kernel.kernel import Kernel, loads

Pair = tuple[Expr, Expr]


@dataclass(frozen=True)
class SumOfProducts:
    """``total`` == the sum over ``k`` of ``a * b`` for all pairs ``(a, b)``.

    Attributes:
        m: output ranges that only the first factors vary over.
        n: output ranges that only the second ones vary over. One of both may be empty.
        window: ranges of a reduction of a few such sums, which the outputs are made of: of the
            maximum over the window of a pooling. One side varies over them.
    """

    total: Expr
    pairs: tuple[Pair, ...]
    m: tuple[Range, ...]
    n: tuple[Range, ...]
    k: tuple[Range, ...]
    window: tuple[Range, ...] = ()


def find(kernel: Kernel) -> SumOfProducts | None:
    """The sum that ``kernel`` is, or None: its only REDUCE, a floating-point SUM of products at
    every point of all of its outputs, or of a window for each of these points."""
    reductions = kernel.reductions()
    if not 1 <= len(reductions) <= 2:
        return None
    total, *around = reductions
    window = tuple(r for e in around for r in e.arg.ranges)
    outer = kernel.outputs[0].ranges
    if prod(r.size for r in window) > LARGEST_WINDOW:
        return None
    everywhere = all({*o.ranges, *window} == total.ranges for o in kernel.outputs)
    if total.arg.op is not ops.SUM or not total.dtype.is_floating_point or not everywhere:
        return None
    pairs = _pairs(total.src[0])
    if pairs is None:
        return None
    pairs = _aligned(pairs)
    first = frozenset[Range]().union(*(a.ranges for a, _ in pairs))
    second = frozenset[Range]().union(*(b.ranges for _, b in pairs))
    m = tuple(r for r in outer if r in first and r not in second)
    n = tuple(r for r in outer if r in second and r not in first)
    k = total.arg.ranges
    if not (m or n) or not any(r in first and r in second for r in k):
        return None
    if not (second.isdisjoint(window) or first.isdisjoint(window)):
        return None
    return SumOfProducts(total, tuple(pairs), m, n, k, window)


def formed(
    kernel: Kernel, found: SumOfProducts, pairs: Sequence[Pair], order: tuple[Range, ...]
) -> Kernel:
    """``kernel`` with the sum as one of the products of ``pairs``, its loops in ``order``."""
    total = _form(pairs, found, order)
    return substitute(kernel, {}, {}, lambda e: total if e is found.total else e)


def _form(pairs: Sequence[Pair], found: SumOfProducts, order: tuple[Range, ...]) -> Expr:
    dtype = found.total.dtype
    source: Expr | None = None
    for pair in pairs:
        product = ex.elementwise(ops.MUL, pair, dtype)
        source = product if source is None else ex.elementwise(ops.ADD, (source, product), dtype)
    return found.total if source is None else ex.reduce(ops.SUM, source, order)


def products(value: Expr) -> list[Pair] | None:
    """The factors of what is added up in ``value``; None if anything else is."""
    pairs: list[Pair] = []
    left = [value]
    while left:
        current = left.pop()
        if current.op is ops.ADD:
            left += reversed(current.src)
        elif current.op is ops.MUL:
            pairs.append((current.src[0], current.src[1]))
        else:
            return None
    return pairs


def _pairs(value: Expr) -> list[Pair] | None:
    """The products, with the guards and widening casts that stood around their sum applied to
    their factors."""
    wrappers: list[Expr] = []
    while value.op is ex.GUARD or is_widening(value):
        wrappers.append(value)
        value = value.src[0]
    pairs = products(value)
    if pairs is None:
        return None
    for wrapper in reversed(wrappers):
        if wrapper.op is ex.GUARD:
            pairs = [_guarded(pair, wrapper.arg) for pair in pairs]
        else:
            pairs = [(_cast(a, wrapper), _cast(b, wrapper)) for a, b in pairs]
    return pairs


def _guarded(pair: Pair, guard: Guard) -> Pair:
    """Each bound goes to a factor that varies with it already, so that the other one can still be
    shared; a product with that zero is zero, unless the other factor is infinite."""
    a, b = pair
    for bound in guard:
        if bound.index.ranges <= a.ranges:
            a = ex.guarded(a, (bound,))
        elif bound.index.ranges <= b.ranges:
            b = ex.guarded(b, (bound,))
        else:
            a, b = ex.guarded(a, (bound,)), ex.guarded(b, (bound,))
    return _pushed(a), _pushed(b)


def _pushed(value: Expr) -> Expr:
    """Guards around a load are its own."""
    bounds: Guard = ()
    inner = value
    while inner.op is ex.GUARD:
        bounds += inner.arg
        inner = inner.src[0]
    if inner.op is not ex.LOAD or not bounds:
        return value
    slot, index, guard = inner.arg
    return ex.load(slot, index, inner.dtype, ex.simplify_guard((*guard, *bounds)))


def _cast(value: Expr, wrapper: Expr) -> Expr:
    return ex.elementwise(ops.CAST, (value,), wrapper.dtype)


def _aligned(pairs: list[Pair]) -> list[Pair]:
    """The factors of every product in the order of the first one's."""
    a, b = pairs[0]

    def alike(x: Expr, y: Expr) -> int:
        return len(x.ranges & a.ranges) + len(y.ranges & b.ranges)

    return [(x, y) if alike(x, y) >= alike(y, x) else (y, x) for x, y in pairs]


# -- memory of the factors ----------------------------------------------------------------------


def outward(factors: Iterable[Expr], ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    """Long steps through the memory of the factors first."""
    read = loads(factors)
    return tuple(sorted(ranges, key=lambda r: -stride(read, r)))


def stride(read: list[Expr], r: Range) -> int:
    """The smallest step in memory along ``r``; large where there is none, so that what does not
    move is an outer loop."""
    steps = [abs(e.arg.index.coefficient(r)) for e in read]
    return min((step for step in steps if step), default=1 << 62)
