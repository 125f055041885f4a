"""The last two dims as matrices: what products and decompositions have in common."""

from __future__ import annotations

from lazygrad.graph import Node
from lazygrad.lang.creation import eye, tril
from lazygrad.lang.elementwise import add, mul, sub
from lazygrad.lang.linalg import matmul
from lazygrad.lang.movement import transpose, unsqueeze


def mT(x: Node) -> Node:
    """Each matrix transposed."""
    return transpose(x, -2, -1)


def identity(x: Node) -> Node:
    """The identity that ``x``, square, is multiplied with."""
    return eye(x.shape[-1], x.shape[-1], x.dtype, x.device)


def by_columns(x: Node, factors: Node) -> Node:
    """Each column times its factor: the product with a diagonal matrix."""
    return mul(x, unsqueeze(factors, -2))


def by_rows(x: Node, factors: Node) -> Node:
    """Each row times its factor."""
    return mul(x, unsqueeze(factors, -1))


def symmetric(x: Node) -> Node:
    """The symmetric part."""
    return mul(add(x, mT(x)), 0.5)


def skew(x: Node) -> Node:
    """``x`` less its transpose."""
    return sub(x, mT(x))


def half_lower(x: Node) -> Node:
    """The lower triangle, half of its diagonal."""
    return mul(add(tril(x), tril(x, -1)), 0.5)


def chain(*factors: Node) -> Node:
    """The product of several matrices, from the left."""
    product = factors[0]
    for factor in factors[1:]:
        product = matmul(product, factor)
    return product
