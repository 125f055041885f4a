"""The cases of the conformance suite, one module a family."""

from lazygrad.testing.cases import (
    creation,
    edges,
    elementwise,
    indexed,
    movement,
    products,
    reduce,
    rounding,
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
    *windows.CASES,
    *vectors.CASES,
    *edges.CASES,
]
