"""Contractions of which every point of the innermost axis is one by itself, as the gradient of a
depthwise filter: to pack them for BLAS would turn all of memory round. Each of their few results
a point is a product of whole rows, summed over rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product as points
from math import prod

from lazygrad.plugin import Expr, Kernel, Range, contraction
from lazygrad_numpy import product
from lazygrad_numpy.code import Array, Scope
from lazygrad_numpy.lower import Lowering, compute_dtype
from lazygrad_numpy.windows import Windowed, windowed

MOST_RESULTS = 64  # of a point of the batch, each with statements of its own
NARROWEST = 8  # elements of a row


@dataclass(frozen=True)
class Channelwise:
    """``sum[k](left * right)``, where only ``left`` varies over ``results``.

    Attributes:
        batch: the ranges that both vary over.
        seen: how ``left`` is computed, if windows slide over it.
    """

    left: Expr
    right: Expr
    results: tuple[Range, ...]
    batch: tuple[Range, ...]
    seen: Windowed | None

    @property
    def windows(self) -> tuple[Windowed, ...]:
        return () if self.seen is None else (self.seen,)

    @property
    def layout(self) -> tuple[Range, ...]:
        """The ranges of what is computed, outermost first."""
        return (*self.results, *self.batch)


def plan(kernel: Kernel) -> dict[Expr, Channelwise]:
    """How the REDUCE of ``kernel`` is computed, if it is one."""
    found = contraction.find_product(kernel)
    if found is None or not is_channelwise(found):
        return {}
    left, right = found.pairs[0] if found.m else found.pairs[0][::-1]
    results = found.m or found.n
    if prod(r.size for r in results) > MOST_RESULTS:
        return {}
    return {found.total: Channelwise(left, right, results, found.batch, windowed(left))}


def is_channelwise(found: contraction.Contraction) -> bool:
    """Whether a matrix meets a vector at each point of a batch, and the larger one has points of
    the batch next to each other in memory."""
    if not found.batch or (found.m and found.n):
        return False
    ranges = (*found.batch, *found.m, *found.n, *found.k)
    largest = max(found.pairs[0], key=lambda value: prod(r.size for r in value.ranges))
    row = product.innermost(largest, ranges)
    return row in found.batch and row.size >= NARROWEST


def emit(
    lo: Lowering, e: Expr, how: Channelwise, scope: Scope
) -> Iterator[tuple[Array, Mapping[Range, int]]]:
    """Computes the products of a block, one result after the other, in the same memory; which
    result it is."""
    if how.seen is None:
        left = lo.need(how.left, scope)
    else:
        left = how.seen.seen(lo.need(how.seen.value, scope), lo.names.loops)
    right = lo.need(how.right, scope)
    ranges = (left.ranges | right.ranges) - set(how.results)
    out = lo.names.scratch(ranges, compute_dtype(e.dtype), scope, label="product")
    for point in points(*(range(r.size) for r in how.results)):
        where = dict(zip(how.results, point, strict=True))
        lo.statement(scope, "multiply", [at(lo, left, where), right], out)
        yield out, where


def at(lo: Lowering, array: Array, where: Mapping[Range, int]) -> Array:
    """``array`` where some ranges have one value each."""
    strides = {r: step for r, step in array.strides.items() if r not in where}
    return replace(
        array,
        label=lo.names.fresh(f"{array.label}_at"),
        strides=strides,
        extents={r: array.extents[r] for r in strides},
        offset=array.offset + sum(array.strides.get(r, 0) * i for r, i in where.items()),
    )
