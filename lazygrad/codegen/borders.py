"""Borders: where the window of a convolution reaches over the edge of an image, along lanes.

Guards that differ from lane to lane keep a vector from being loaded at once. They hold almost
everywhere: with the window written out and the steps at the edges in code of their own, a vector
there is one from inside of the image, moved by a number of lanes that is known. Where it is the
sum that is long, it is cut at the edges instead (see ``contract``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from lazygrad.codegen.schedule import Walk
from lazygrad.kernel import index as ix
from lazygrad.kernel.expr import Bound, Expr
from lazygrad.kernel.index import Range
from lazygrad.kernel.kernel import loads

WINDOW = 9  # elements that are written out


def are_known(load: Expr, r: Range, summed: tuple[Range, ...]) -> bool:
    """Whether ``load`` is contiguous along ``r`` but for edges: those of a small window of the sum,
    or those of a few elements along a sum, the innermost one."""
    guards = [bound for bound in load.arg.guard if r in bound.index.ranges]
    if not guards or not load.arg.index.affine_in(r) or load.arg.index.coefficient(r) != 1:
        return False
    return all(_window(b, r, summed) or _slides(b, r, summed[-1]) for b in guards)


def _window(bound: Bound, r: Range, summed: tuple[Range, ...]) -> Range | None:
    """The range of the sum that moves along ``r``."""
    (*others,) = bound.index.ranges - {r}
    if not bound.index.affine_in(r) or bound.index.coefficient(r) != 1 or len(others) != 1:
        return None
    (window,) = others
    return window if window in summed and window.size <= min(WINDOW, r.size) else None


def _slides(bound: Bound, r: Range, along: Range) -> bool:
    """Whether ``r`` is a window that moves along a sum, most of which needs no guard."""
    together = bound.index.ranges == {r, along}
    return together and bound.index.affine_in(along) and 4 * r.size <= along.size


def walks(
    factors: Iterable[Expr], r: Range, walk: Walk, summed: tuple[Range, ...]
) -> dict[Range, Walk]:
    """How to walk ``r`` and windows along it, so that lanes at edges are known."""
    found: dict[Range, Walk] = {}
    cuts: set[int] = set()
    for e in loads(factors):
        for bound in e.arg.guard if are_known(e, r, summed) else ():
            window = _window(bound, r, summed)
            if window is not None:
                found[window] = Walk(window.size)
                cuts.update(_cuts(bound, r, walk.tile))
    if found:
        found[r] = replace(walk, cuts=tuple(sorted(cuts)))
    return found


def _cuts(bound: Bound, r: Range, tile: int) -> Iterator[int]:
    """Around the steps that reach over an edge."""
    low, high = (bound.index - ix.of(r)).interval
    for start in range(0, r.size, tile):
        stop = min(start + tile, r.size)
        if start + low < bound.low or stop - 1 + high >= bound.high:
            yield from (cut for cut in (start, stop) if 0 < cut < r.size)
