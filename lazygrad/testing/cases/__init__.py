"""The cases of the conformance suite, one module a family."""

from lazygrad.testing.cases import (
    creation,
    edges,
    elementwise,
    indexed,
    linalg,
    loops,
    movement,
    products,
    reduce,
    rounding,
    rules,
    vectors,
    windows,
)

CASES = [
    *creation.CASES,
    *elementwise.CASES,
    *rounding.CASES,
    *movement.CASES,
    *indexed.CASES,
    *reduce.CASES,
    *products.CASES,
    *linalg.CASES,
    *loops.CASES,
    *rules.CASES,
    *windows.CASES,
    *vectors.CASES,
    *edges.CASES,
]
