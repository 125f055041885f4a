"""Value expressions: what their constructors simplify."""

from __future__ import annotations

from lazygrad import element_types as dt
from lazygrad.kernel import expr as ex
from lazygrad.kernel.expr import Bound
from lazygrad.kernel.index import Index, Range, of

ROW = Range("i", 4)
NOWHERE = (Bound(of(ROW) + 7, 0, 7),)
SOMEWHERE = (Bound(of(ROW) + 5, 0, 7),)


def test_a_guard_that_never_holds() -> None:
    assert ex.never(NOWHERE) and not ex.never(SOMEWHERE) and not ex.never(())
    assert ex.never((*SOMEWHERE, *NOWHERE))


def test_what_no_point_may_touch_is_zero() -> None:
    """A load there would read outside of its buffer if its guard were lost on the way."""
    value = ex.load(1, of(ROW) + 7, dt.float32)
    assert ex.load(1, of(ROW) + 7, dt.float32, NOWHERE) is ex.literal(0.0, dt.float32)
    assert ex.guarded(value, NOWHERE) is ex.literal(0.0, dt.float32)
    assert ex.guard_loads(value, NOWHERE) is ex.literal(0.0, dt.float32)
    assert ex.load(1, of(ROW) + 5, dt.float32, SOMEWHERE).op is ex.LOAD


def test_substitution_finds_that_it_never_holds() -> None:
    guarded = ex.load(1, of(ROW) + 5, dt.int32, SOMEWHERE)
    assert ex.substitute(guarded, {ROW: Index((), 3)}) is ex.literal(0, dt.int32)
    assert ex.substitute(guarded, {ROW: Index((), 1)}) is ex.load(1, Index((), 6), dt.int32)
