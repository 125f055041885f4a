"""The cases of the conformance suite, one module a family."""

from lazygrad.testing.cases import (
    creation,
    edges,
    elementwise,
    movement,
    products,
    reduce,
    windows,
)

CASES = [
    *creation.CASES,
    *elementwise.CASES,
    *movement.CASES,
    *reduce.CASES,
    *products.CASES,
    *windows.CASES,
    *edges.CASES,
]
