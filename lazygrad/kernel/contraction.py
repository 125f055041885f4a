"""Contractions: a SUM of products whose factors vary over different output ranges.

Matrix products, convolutions and both of their gradients, attention. They are found here and
nowhere else, as batch, M, N and K ranges; what stands above the REDUCE is the epilogue.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from lazygrad import ops
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Expr, Guard
from lazygrad.kernel.index import Range
from lazygrad.kernel.kernel import Kernel

LARGEST_WINDOW = 9  # results that one point of a kernel combines: more do not stay in registers

Pair = tuple[Expr, Expr]


@dataclass(frozen=True)
class Contraction:
    """``total`` == the sum over ``k`` of ``a * b`` for all pairs ``(a, b)``.

    Attributes:
        total: the REDUCE expression; epilogues read it.
        pairs: the factors of each product, with the guards and casts that stood around their sum
            (cast before the product, so that half precision multiplies in the accumulator's dtype).
            Several of them are the gradient of a value that several matrices multiply, or the
            change of a product of which both factors change.
        batch: output ranges that factors of both sides vary over.
        m: output ranges that only the first factors vary over.
        n: output ranges that only the second ones vary over. One of ``m`` and ``n`` may be empty
            (matrix times vector), not both.
        k: the summed ranges, at least one of them in factors of both sides.
        window: ranges of a reduction of a few such sums, which the outputs are made of: of the
            maximum over the window of a pooling. One side varies over them.
    """

    total: Expr
    pairs: tuple[Pair, ...]
    batch: tuple[Range, ...]
    m: tuple[Range, ...]
    n: tuple[Range, ...]
    k: tuple[Range, ...]
    window: tuple[Range, ...] = ()

    @property
    def sides(self) -> tuple[tuple[Expr, ...], tuple[Expr, ...]]:
        """The first factors of all products, and the second ones."""
        first, second = zip(*self.pairs, strict=True)
        return first, second


def find(kernel: Kernel) -> Contraction | None:
    """The contraction that ``kernel`` is, or None: its only REDUCE, a SUM of products at every
    point of all of its outputs, or of a window for each of these points."""
    reductions = kernel.reductions()
    if not 1 <= len(reductions) <= 2:
        return None
    total, *around = reductions
    window = tuple(r for e in around for r in e.arg.ranges)
    everywhere = all({*o.ranges, *window} == total.ranges for o in kernel.outputs)
    if total.arg.op is not ops.SUM or not everywhere or _size(window) > LARGEST_WINDOW:
        return None
    pairs = _pairs(total.src[0])
    if pairs is None:
        return None
    first, second = (_varying(side) for side in zip(*pairs, strict=True))
    outer, k = kernel.outputs[0].ranges, total.arg.ranges
    batch = tuple(r for r in outer if r in first and r in second)
    m = tuple(r for r in outer if r in first and r not in second)
    n = tuple(r for r in outer if r in second and r not in first)
    one_side = first.isdisjoint(window) or second.isdisjoint(window)
    if not (m or n) or not any(r in first and r in second for r in k) or not one_side:
        return None
    return Contraction(total, pairs, batch, m, n, k, window)


def find_product(kernel: Kernel) -> Contraction | None:
    """The contraction that ``kernel`` is, if it is one of two factors, and of no window: what a
    library computes."""
    found = find(kernel)
    return found if found is not None and len(found.pairs) == 1 and not found.window else None


def factors(value: Expr) -> list[Pair] | None:
    """The factors of the products that are added up in ``value``; None if anything else is."""
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


def _varying(side: tuple[Expr, ...]) -> frozenset[Range]:
    return frozenset[Range]().union(*(factor.ranges for factor in side))


def _size(ranges: tuple[Range, ...]) -> int:
    return prod(r.size for r in ranges)


def _pairs(value: Expr) -> tuple[Pair, ...] | None:
    """The factors, with the guards and widening casts that stood around the sum of their products
    applied to them, those of every product in the order of the first one's."""
    wrappers: list[Expr] = []
    while value.op is ex.GUARD or _is_widening(value):
        wrappers.append(value)
        value = value.src[0]
    pairs = factors(value)
    if pairs is None:
        return None
    for wrapper in reversed(wrappers):
        if wrapper.op is ex.GUARD:
            pairs = [_guarded(pair, wrapper.arg) for pair in pairs]
        else:
            pairs = [(_cast(a, wrapper), _cast(b, wrapper)) for a, b in pairs]
    return tuple(_like(pairs[0], pair) for pair in pairs)


def _is_widening(value: Expr) -> bool:
    """A cast between floats to a wider one: the product is better taken after it."""
    if value.op is not ops.CAST or not value.dtype.is_floating_point:
        return False
    source = value.src[0].dtype
    return source.is_floating_point and source.itemsize < value.dtype.itemsize


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


def _like(first: Pair, pair: Pair) -> Pair:
    """The factors of a product in the order of the first one's."""
    x, y = pair

    def alike(a: Expr, b: Expr) -> int:
        return len(a.ranges & first[0].ranges) + len(b.ranges & first[1].ranges)

    return pair if alike(x, y) >= alike(y, x) else (y, x)
