"""Running reductions are found in whatever form they come, and nothing else is."""

from __future__ import annotations

import pytest

from lazygrad import element_types as dt, ops
from lazygrad.kernel import expr as ex, index as ix
from lazygrad.kernel.expr import Expr
from lazygrad.kernel.index import Index, Range
from lazygrad.kernel.running import find

AT, K, B, LONGER = Range("i", 8), Range("k", 8), Range("b", 3), Range("l", 9)


def element(r: Range) -> Expr:
    return ex.load(1, ix.of(B) * 8 + ix.of(r), dt.float32)


def reduced(
    before: Index, after: Index, value: Expr, nothing: float = 0.0, op: ops.Op = ops.SUM
) -> Expr:
    """Over K, what is left out where ``before < after`` is ``nothing``."""
    sides = tuple(ex.index_value(side, dt.int32) for side in (before, after))
    condition = ex.elementwise(ops.LT, sides, dt.bool_)
    literal = ex.literal(nothing, dt.float32)
    chosen = ex.elementwise(ops.WHERE, (condition, literal, value), dt.float32)
    return ex.reduce(op, chosen, (K,))


FORWARDS = ix.of(AT), ix.of(K)
BACKWARDS = ix.of(K), ix.of(AT)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(("op", "nothing"), [(ops.SUM, 0.0), (ops.REDUCE_MAX, float("-inf"))])
def test_found(backwards: bool, op: ops.Op, nothing: float) -> None:
    sides = BACKWARDS if backwards else FORWARDS
    found = find(reduced(*sides, element(K), nothing, op))
    assert found is not None
    assert (found.along, found.source, found.backwards) == (AT, element(AT), backwards)


def test_counted_from_the_end() -> None:
    last = Index((), 7)
    found = find(reduced(last - ix.of(K), last - ix.of(AT), element(K)))
    assert found is not None
    assert not found.backwards


OTHERS = {
    "not of the same length": reduced(ix.of(LONGER), ix.of(K), element(K)),
    "an element more": reduced(ix.of(AT) + 1, ix.of(K), element(K)),
    "every second": reduced(ix.of(AT), ix.of(K) * 2, element(K)),
    "within a row": reduced(ix.of(AT) + ix.of(B), ix.of(K), element(K)),
    "other elements for each result": reduced(*FORWARDS, ex.load(
        1, ix.of(AT) * 8 + ix.of(K), dt.float32)),
    "always the same": reduced(*FORWARDS, element(B)),
    "another identity": reduced(*FORWARDS, element(K), 1.0),
}  # fmt: skip


@pytest.mark.parametrize("why", OTHERS)
def test_not_found(why: str) -> None:
    assert find(OTHERS[why]) is None
