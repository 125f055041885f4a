"""Derivatives of inverses, solutions, determinants and the exponential."""

from __future__ import annotations

from lazygrad.graph import Node
from lazygrad.lang.calls import call
from lazygrad.lang.creation import tril, triu
from lazygrad.lang.elementwise import add, mul, neg, sub
from lazygrad.lang.join import cat
from lazygrad.lang.linalg import matmul
from lazygrad.lang.matrices import chain, mT
from lazygrad.lang.movement import narrow, unsqueeze
from lazygrad.lang.operands import zeros_like
from lazygrad.lang.reduce import sum


def _inner(left: Node, right: Node) -> Node:
    """The sum of all products of elements, a number for each matrix, of shape (.., 1, 1)."""
    return sum(mul(left, right), (-2, -1), True)


def _wide(number: Node) -> Node:
    """A number for each matrix, in its shape."""
    return unsqueeze(unsqueeze(number, -1), -1)


def push_inv(t: Node, ans: Node, index: int) -> Node:
    return neg(chain(ans, t, ans))


def pull_inv(g: Node, ans: Node, index: int) -> Node:
    return neg(chain(mT(ans), g, mT(ans)))


def push_solve(t: Node, ans: Node, index: int) -> Node:
    a, _ = ans.src
    (change,) = call("solve", a, t if index else neg(matmul(t, ans)))
    return change


def pull_solve(g: Node, ans: Node, index: int) -> Node:
    (back,) = call("solve", mT(ans.src[0]), g)
    return back if index else neg(matmul(back, mT(ans)))


def push_triangular(t: Node, ans: Node, index: int) -> Node:
    change = t if index else neg(matmul(_triangle(t, ans), ans))
    (solved,) = call("solve_triangular", ans.src[0], change, options=ans.arg.options)
    return solved


def pull_triangular(g: Node, ans: Node, index: int) -> Node:
    upper, unit = ans.arg.options
    (back,) = call("solve_triangular", mT(ans.src[0]), g, options=(not upper, unit))
    return back if index else _triangle(neg(matmul(back, mT(ans))), ans)


def _triangle(x: Node, ans: Node) -> Node:
    """The part of the matrix that the solution depends on."""
    upper, unit = ans.arg.options
    return triu(x, int(unit)) if upper else tril(x, -int(unit))


# G. H. Golub, V. Pereyra, The differentiation of pseudo-inverses and nonlinear least squares
# problems whose variables separate, SIAM J. Numer. Anal. 10 (1973); the rank does not change.


def push_pinv(t: Node, ans: Node, index: int) -> Node:
    (a,) = ans.src
    t = mT(t)
    outside = sub(t, chain(t, a, ans))
    inside = sub(t, chain(ans, a, t))
    change = add(chain(ans, mT(ans), outside), chain(inside, mT(ans), ans))
    return sub(change, chain(ans, mT(t), ans))


def pull_pinv(g: Node, ans: Node, index: int) -> Node:
    (a,) = ans.src
    t, p = mT(g), mT(ans)
    outside = sub(t, chain(p, mT(a), t))
    inside = sub(t, chain(t, ans, a))
    change = add(chain(outside, ans, p), chain(p, ans, inside))
    return sub(change, chain(p, g, p))


def push_det(t: Node, ans: Node, index: int) -> Node:
    (cofactors,) = call("cofactors", ans.src[0])
    return sum(mul(cofactors, t), (-2, -1))


def pull_det(g: Node, ans: Node, index: int) -> Node:
    (cofactors,) = call("cofactors", ans.src[0])
    return mul(_wide(g), cofactors)


def push_cofactors(t: Node, ans: Node, index: int) -> Node:
    inverse = mT(*call("inv", ans.src[0]))
    return sub(mul(_inner(ans, t), inverse), chain(inverse, mT(t), ans))


def pull_cofactors(g: Node, ans: Node, index: int) -> Node:
    inverse = mT(*call("inv", ans.src[0]))
    return sub(mul(_inner(g, inverse), ans), chain(ans, mT(g), inverse))


def push_slogdet(t: Node, ans: Node, index: int) -> Node:
    (inverse,) = call("inv", ans.src[0])
    return sum(mul(mT(inverse), t), (-2, -1))


def pull_slogdet(g: Node, ans: Node, index: int) -> Node:
    (inverse,) = call("inv", ans.src[0])
    return mul(_wide(g), mT(inverse))


def push_exp(t: Node, ans: Node, index: int) -> Node:
    return _exp_along(ans.src[0], t)


def pull_exp(g: Node, ans: Node, index: int) -> Node:
    return _exp_along(mT(ans.src[0]), g)


def _exp_along(a: Node, t: Node) -> Node:
    """The derivative of exp at ``a`` along ``t``: a block of exp of a block matrix."""
    size = a.shape[-1]
    blocks = cat([cat([a, t], -1), cat([zeros_like(a), a], -1)], -2)
    (whole,) = call("matrix_exp", blocks)
    return narrow(narrow(whole, -2, 0, size), -1, size, size)
