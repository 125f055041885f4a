"""Products of small constant matrices and vectors of nodes, written out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from lazygrad import ops
from lazygrad.graph import Node, const, node
from lazygrad.schedule.toom_cook import Matrix, Row


def product(matrix: Matrix, values: Sequence[Node]) -> list[Node]:
    """``matrix @ values``. Rows that differ in signs only, as those of opposite points do, share
    the terms that are equal and those that are opposite."""
    made: list[Node] = []
    while len(made) < len(matrix):
        row, *after = matrix[len(made) :]
        if after and _mirrored(row, after[0]):
            both = list(zip(row, after[0], strict=True))
            equal = _sum([c if c == d else Fraction(0) for c, d in both], values)
            opposite = _sum([c if c != d else Fraction(0) for c, d in both], values)
            made += [node(ops.ADD, (equal, opposite)), _less(equal, opposite)]
        else:
            made.append(_sum(row, values))
    return made


def _mirrored(row: Row, after: Row) -> bool:
    """Whether they differ in signs only, but not in all of them."""
    if any(abs(a) != abs(b) for a, b in zip(row, after, strict=True)):
        return False
    terms = [a == b for a, b in zip(row, after, strict=True) if a]
    return any(terms) and not all(terms)


def _sum(row: Iterable[Fraction], values: Sequence[Node]) -> Node:
    """The sum of terms, positive ones first."""
    terms = [(factor, value) for factor, value in zip(row, values, strict=True) if factor]
    terms.sort(key=lambda term: (term[0] != 1, term[0] < 0))
    (factor, first), *others = terms
    total = _times(first, factor)
    for factor, value in others:
        total = node(ops.ADD, (total, _times(value, factor)))
    return total


def _less(value: Node, other: Node) -> Node:
    return node(ops.ADD, (value, _times(other, Fraction(-1))))


def _times(value: Node, factor: Fraction) -> Node:
    if factor == 1:
        return value
    number = const(float(factor), value.dtype, value.shape, value.device)
    return node(ops.MUL, (value, number))
