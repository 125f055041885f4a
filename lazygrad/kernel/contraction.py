"""Contractions: a SUM of a product whose factors vary over different output ranges.

Matrix products, convolutions and both of their gradients, attention. They are found here, once,
and described as batch, M, N and K ranges; what stands above the REDUCE is the epilogue.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lazygrad import ops
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Expr, Guard
from lazygrad.kernel.index import Range
from lazygrad.kernel.kernel import Kernel

LARGEST_WINDOW = 9  # results that one point of a kernel combines: more do not stay in registers


@dataclass(frozen=True)
class Contraction:
    """``reduce`` == sum over ``k`` of ``a * b``; epilogues read it, every output runs over all of
    ``batch + m + n``.

    Attributes:
        reduce: the REDUCE expression.
        a, b: the factors, with the guards and casts that stood around the product (cast before
            the product, so that half precision multiplies in the accumulator's dtype).
        batch: output ranges that both factors vary over.
        m: output ranges that only ``a`` varies over.
        n: output ranges that only ``b`` varies over. One of ``m`` and ``n`` may be empty
            (matrix times vector), not both.
        k: the reduced ranges, at least one of them in both factors.
        others: the factors of products that are added up beside this one, those like ``a`` first.
    """

    reduce: Expr
    a: Expr
    b: Expr
    batch: tuple[Range, ...]
    m: tuple[Range, ...]
    n: tuple[Range, ...]
    k: tuple[Range, ...]
    others: tuple[tuple[Expr, Expr], ...] = ()

    @property
    def sides(self) -> tuple[tuple[Expr, ...], tuple[Expr, ...]]:
        """The first factors of all products, and the second ones."""
        first, second = zip((self.a, self.b), *self.others, strict=True)
        return first, second


def find(kernel: Kernel) -> Contraction | None:
    """The contraction that ``kernel`` is, or None: exactly one REDUCE, a SUM of a product."""
    reductions = kernel.reductions()
    if len(reductions) != 1 or reductions[0].arg.op is not ops.SUM:
        return None
    total = reductions[0]
    outer = kernel.outputs[0].ranges
    if any(set(output.ranges) != set(outer) for output in kernel.outputs):
        return None
    factors = _factors(total.src[0])
    if factors is None or set(outer) != total.ranges:
        return None
    a, b = factors
    in_both = a.ranges & b.ranges
    batch = tuple(r for r in outer if r in in_both)
    m = tuple(r for r in outer if r in a.ranges and r not in in_both)
    n = tuple(r for r in outer if r in b.ranges and r not in in_both)
    k = total.arg.ranges
    if not (m or n) or not any(r in in_both for r in k):
        return None
    return Contraction(total, a, b, batch, m, n, k)


def find_in_sum(kernel: Kernel) -> Contraction | None:
    """The first one of several products that one sum adds up, with those ``others``: the gradient
    of a value that three matrices multiply, the change of a product of which both factors
    change."""
    reductions = kernel.reductions()
    if len(reductions) != 1:
        return None
    (total,) = reductions
    first, *rest = _added(total.src[0])
    one = ex.reduce(total.arg.op, first, total.arg.ranges)
    found = find(replace(kernel, outputs=tuple(replace(o, value=one) for o in kernel.outputs)))
    if found is None:
        return None
    others = [_factors(product) for product in rest]
    aligned = tuple(_like(found, *factors) for factors in others if factors is not None)
    return replace(found, others=aligned) if len(aligned) == len(others) else None


def _added(value: Expr) -> list[Expr]:
    found, left = [], [value]
    while left:
        current = left.pop()
        if current.op is ops.ADD:
            left += reversed(current.src)
        else:
            found.append(current)
    return found


def _like(found: Contraction, x: Expr, y: Expr) -> tuple[Expr, Expr]:
    """Two factors in the order of those that are found."""

    def alike(a: Expr, b: Expr) -> int:
        return len(a.ranges & found.a.ranges) + len(b.ranges & found.b.ranges)

    return (x, y) if alike(x, y) >= alike(y, x) else (y, x)


def find_in_windows(kernel: Kernel) -> Contraction | None:
    """The contraction of whose results each output combines a window, as a pooling does; the
    ranges of the window are none of ``m`` and ``n``."""
    reductions = kernel.reductions()
    if len(reductions) != 2:
        return None
    total, around = reductions
    window = around.arg.ranges
    points = tuple(replace(o, value=total, ranges=(*o.ranges, *window)) for o in kernel.outputs)
    found = find(replace(kernel, outputs=points))
    if found is None:
        return None
    m, n = (tuple(r for r in side if r not in window) for side in (found.m, found.n))
    return replace(found, m=m, n=n)


def _factors(value: Expr) -> tuple[Expr, Expr] | None:
    """The two factors of a product; guards and casts around it are applied to both of them."""
    wrappers: list[Expr] = []
    while value.op is ex.GUARD or is_widening(value):
        wrappers.append(value)
        value = value.src[0]
    if value.op is not ops.MUL:
        return None
    a, b = value.src
    for wrapper in reversed(wrappers):
        if wrapper.op is ex.GUARD:
            guard: Guard = wrapper.arg
            a, b = ex.guarded(a, guard), ex.guarded(b, guard)
        else:
            a = ex.elementwise(ops.CAST, (a,), wrapper.dtype)
            b = ex.elementwise(ops.CAST, (b,), wrapper.dtype)
    return a, b


def is_widening(value: Expr) -> bool:
    """A cast between floats to a wider one: the product is better taken after it."""
    if value.op is not ops.CAST or not value.dtype.is_floating_point:
        return False
    source = value.src[0].dtype
    return source.is_floating_point and source.itemsize < value.dtype.itemsize
