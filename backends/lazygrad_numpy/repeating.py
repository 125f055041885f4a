"""Operands that an operation repeats, as the vector that a batch norm adds to each pixel.

NumPy starts its inner loop anew for each run of elements over which all operands go on in equal
steps. Where that is the width of a narrow vector, the vector is repeated, once for all blocks,
until runs are long: along a part of a range, if all of it would be too much (``with_long_runs``).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from math import prod

from lazygrad.plugin import Expr, Index, Kernel, Range, expr as ex, index as ix, ops, ranges as rg
from lazygrad_numpy.arrays import Names, tuple_text
from lazygrad_numpy.code import Array, Scope
from lazygrad_numpy.indexing import TAKE_ROWS
from lazygrad_numpy.lower import LARGEST_CONSTANT, Lowering
from lazygrad_numpy.team import CHUNK

LONG_RUN = CHUNK  # elements; within shorter runs NumPy copies what repeats
MOST = 16 * LONG_RUN  # elements that are repeated in a launch: they stay in cache
MANY_ELEMENTS = 4096  # of an operation for which all this is worth its calls
FEWEST_USES = 4  # of each element that is repeated

Walk = tuple[Mapping[Range, int], Mapping[Range, int]]  # strides and extents of an array


# -- parts of ranges --------------------------------------------------------------------------


def with_long_runs(kernel: Kernel, order: Sequence[Range], whole: Container[Range]) -> Kernel:
    """``kernel`` with ranges in two, other ones than those that must stay ``whole``, so that what
    repeats along them can be repeated for a part."""
    parts: dict[Range, int] = {}
    for value in ex.toposort(kernel.values):
        if (
            value.op in (*ex.BINDING, TAKE_ROWS)
            or prod(r.size for r in value.ranges) < MANY_ELEMENTS
        ):
            continue
        for operand in value.src:
            r, run = _repeated_along([r for r in order if r in value.ranges], operand)
            part = _divisor_from(r.size, -(-LONG_RUN // run)) if r is not None else 0
            if r is not None and part * run <= MOST and FEWEST_USES * part <= r.size:
                parts[r] = max(part, parts.get(r, 0))
    parts = {r: part for r, part in parts.items() if r not in whole and _is_free(kernel, r)}
    mapping: dict[Range, Index] = {}
    pairs: dict[Range, tuple[Range, ...]] = {}
    for r, part in parts.items():
        outer, inner = Range(f"{r.name}_outer", r.size // part), Range(f"{r.name}_inner", part)
        mapping[r], pairs[r] = ix.of(outer) * part + ix.of(inner), (outer, inner)
    return rg.substitute(kernel, mapping, pairs) if parts else kernel


def _repeated_along(ranges: Sequence[Range], operand: Expr) -> tuple[Range | None, int]:
    """The innermost of ``ranges`` that ``operand`` does not have, if it has ranges further in; and
    how many elements those are."""
    run = 1
    for r in reversed(ranges):
        if r not in operand.ranges:
            return (r, run) if operand.ranges and 1 < run < LONG_RUN else (None, run)
        run *= r.size
    return None, run


def _divisor_from(size: int, least: int) -> int:
    """The smallest divisor of ``size`` that is not below ``least``."""
    return next((n for n in range(least, size) if size % n == 0), size)


def _is_free(kernel: Kernel, r: Range) -> bool:
    """Whether a range can be cut: no bound speaks of it, and nothing divides it."""
    values = ex.toposort(kernel.values)
    bounds = [bound.index for value in values for bound in ex.guard_of(value)]
    indices = [index for value in values for index in ex.indices(value)]
    affine = all(index.affine_in(r) for index in indices)
    return affine and not any(r in index.ranges for index in bounds)


# -- operands ---------------------------------------------------------------------------------


def spread(lo: Lowering, e: Expr, scope: Scope) -> list[Array]:
    """The operands of the elementwise ``e``; those that it repeats within short runs in memory of
    their own."""
    names = lo.names
    found = [lo.array(operand, scope) for operand in e.src]
    elements = prod(map(names.extent, e.ranges))
    if scope is names.prepare or elements < MANY_ELEMENTS:
        return found
    for position, operand in enumerate(e.src):
        array = found[position]
        if not array.ranges:
            found[position] = _filled(names, array, e)
            continue
        home = next(s for s in scope.chain() if operand in s.values)
        most = min(MOST, elements // FEWEST_USES) if home is not names.prepare else LARGEST_CONSTANT
        wide = _widened(names, e, found, position, most)
        if wide != array.ranges:
            found[position] = _repeated(lo, array, wide, home)
    return found


def _filled(names: Names, number: Array, e: Expr) -> Array:
    """NumPy's ``maximum`` of an array and a number computes one element at a time, which takes
    three times as long as that of two arrays."""
    if e.op is not ops.MAX or number.home is not None:
        return number
    known = names.spread.setdefault(number, {})
    if e.ranges not in known:
        wide = names.prepared(e.ranges, number.dtype, f"{number.label}_repeated")
        shape = tuple_text(names.shape(names.axes(e.ranges), wide.extents))
        names.prepare.add(f"{wide.label} = filled({number.label}, {shape})")
        known[e.ranges] = wide
    return known[e.ranges]


def _widened(
    names: Names, e: Expr, operands: Sequence[Array], position: int, most: int
) -> frozenset[Range]:
    """The ranges of an operand, and those to repeat it along so that runs are long, or else twice
    as long as before; ``most`` elements in all."""
    order = names.in_order(e.ranges)
    walks: list[Walk] = [(array.strides, array.extents) for array in operands]
    own = wide = best = operands[position].ranges
    longest = _run(names, order, walks)
    for r in reversed([r for r in order if r not in own]):
        wide |= {r}
        extents, strides, size = names.packed(names.in_order(wide))
        if longest >= LONG_RUN or size > most:
            break
        walks[position] = strides, extents
        run = _run(names, order, walks)
        if run >= 2 * longest:
            best, longest = wide, run
    return best


def _run(names: Names, order: Sequence[Range], walks: Iterable[Walk]) -> int:
    """How many elements NumPy computes before an operand goes on in another step."""
    run, inner = 1, None
    for r in reversed([r for r in order if names.extent(r) > 1]):
        if inner is not None and not all(_goes_on(walk, r, inner) for walk in walks):
            break
        run *= names.extent(r)
        inner = r
    return run


def _goes_on(walk: Walk, outer: Range, inner: Range) -> bool:
    """Whether a step of ``outer`` is one more step of ``inner``."""
    strides, extents = walk
    return strides.get(outer, 0) == strides.get(inner, 0) * extents.get(inner, 1)


def _repeated(lo: Lowering, array: Array, ranges: frozenset[Range], home: Scope) -> Array:
    known = lo.names.spread.setdefault(array, {})
    if ranges not in known:
        label = f"{array.label}_repeated"
        known[ranges] = lo.names.scratch(ranges, array.dtype, home, label=label)
        lo.copy(array, known[ranges], home)
    return known[ranges]
