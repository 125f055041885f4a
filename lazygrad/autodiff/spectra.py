"""Derivatives of eigenvalues and singular values, and of their vectors."""

from __future__ import annotations

from typing import NamedTuple

from lazygrad.graph import Node
from lazygrad.lang.calls import sibling
from lazygrad.lang.comparison import ne
from lazygrad.lang.elementwise import add, div, mul, sub, where
from lazygrad.lang.linalg import matmul
from lazygrad.lang.matrices import by_columns, by_rows, chain, identity, mT, skew
from lazygrad.lang.movement import broadcast_to, narrow, pad, unsqueeze
from lazygrad.lang.reduce import sum


def _gaps(values: Node) -> Node:
    """One over what each value, by column, is more than each other one, by row; 0 of itself."""
    more = sub(unsqueeze(values, -2), unsqueeze(values, -1))
    other = broadcast_to(ne(identity(more), 1.0), more.shape)
    return where(other, div(1.0, where(other, more, 1.0)), 0.0)


def push_eigenvalues(t: Node, ans: Node, index: int) -> Node:
    v = sibling(ans, 1)
    return sum(mul(v, matmul(t, v)), -2)


def pull_eigenvalues(g: Node, ans: Node, index: int) -> Node:
    v = sibling(ans, 1)
    return matmul(by_columns(v, g), mT(v))


def push_eigenvectors(t: Node, ans: Node, index: int) -> Node:
    return matmul(ans, mul(_gaps(sibling(ans, 0)), chain(mT(ans), t, ans)))


def pull_eigenvectors(g: Node, ans: Node, index: int) -> Node:
    inside = mul(_gaps(sibling(ans, 0)), matmul(mT(ans), g))
    return chain(ans, inside, mT(ans))


class Svd(NamedTuple):
    """The thin decomposition that a call of svd is part of."""

    u: Node
    s: Node
    v: Node

    @classmethod
    def of(cls, ans: Node) -> Svd:
        s = sibling(ans, 1)
        size = s.shape[-1]
        u, vh = sibling(ans, 0), sibling(ans, 2)
        return cls(narrow(u, -1, 0, size), s, mT(narrow(vh, -2, 0, size)))

    @property
    def gaps(self) -> Node:
        return _gaps(mul(self.s, self.s))

    @property
    def flipped(self) -> Svd:
        """That of the transposed matrix."""
        return Svd(self.v, self.s, self.u)

    def push_u(self, t: Node) -> Node:
        """The tangent of U for a tangent of the matrix."""
        p = chain(mT(self.u), t, self.v)
        both = add(by_columns(p, self.s), by_rows(mT(p), self.s))
        inside = matmul(self.u, mul(self.gaps, both))
        return add(inside, self._outside(by_columns(matmul(t, self.v), div(1.0, self.s))))

    def pull_u(self, g: Node) -> Node:
        """The cotangent of the matrix for one of U."""
        within = mul(self.gaps, skew(matmul(mT(self.u), g)))
        inside = matmul(self.u, by_columns(within, self.s))
        outside = self._outside(by_columns(g, div(1.0, self.s)))
        return matmul(add(inside, outside), mT(self.v))

    def _outside(self, x: Node) -> Node:
        """What of columns lies outside those of U."""
        return sub(x, chain(self.u, mT(self.u), x))


def push_u(t: Node, ans: Node, index: int) -> Node:
    return _as_wide(Svd.of(ans).push_u(t), ans.shape[-1])


def pull_u(g: Node, ans: Node, index: int) -> Node:
    found = Svd.of(ans)
    return found.pull_u(narrow(g, -1, 0, found.s.shape[-1]))


def push_s(t: Node, ans: Node, index: int) -> Node:
    u, _, v = Svd.of(ans)
    return sum(mul(u, matmul(t, v)), -2)


def pull_s(g: Node, ans: Node, index: int) -> Node:
    u, _, v = Svd.of(ans)
    return matmul(by_columns(u, g), mT(v))


def push_vh(t: Node, ans: Node, index: int) -> Node:
    return mT(_as_wide(Svd.of(ans).flipped.push_u(mT(t)), ans.shape[-2]))


def pull_vh(g: Node, ans: Node, index: int) -> Node:
    found = Svd.of(ans).flipped
    return mT(found.pull_u(mT(narrow(g, -2, 0, found.s.shape[-1]))))


def _as_wide(x: Node, columns: int) -> Node:
    """With further columns, which could be any: they count as constant, as in PyTorch."""
    return pad(x, [(0, 0)] * (x.ndim - 1) + [(0, columns - x.shape[-1])])
