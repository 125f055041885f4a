"""Derivatives of triangular and orthogonal factors."""

from __future__ import annotations

from lazygrad.errors import GradError
from lazygrad.graph import Node
from lazygrad.lang.calls import call, sibling
from lazygrad.lang.creation import tril, triu
from lazygrad.lang.elementwise import add, sub
from lazygrad.lang.linalg import matmul
from lazygrad.lang.matrices import half_lower, mT, symmetric


def _lower_solve(lower: Node, b: Node) -> Node:
    return call("solve_triangular", lower, b, options=(False, False))[0]


def _upper_solve(upper: Node, b: Node) -> Node:
    return call("solve_triangular", upper, b, options=(True, False))[0]


def push_cholesky(t: Node, ans: Node, index: int) -> Node:
    left = _lower_solve(ans, symmetric(t))
    return matmul(ans, half_lower(mT(_lower_solve(ans, mT(left)))))


def pull_cholesky(g: Node, ans: Node, index: int) -> Node:
    left = _upper_solve(mT(ans), half_lower(matmul(mT(ans), g)))
    return symmetric(mT(_upper_solve(mT(ans), mT(left))))


def _factors(ans: Node) -> tuple[Node, Node]:
    """Q and R of a call of qr, of which a derivative is asked for."""
    rows, columns = ans.src[0].shape[-2:]
    q, r = sibling(ans, 0), sibling(ans, 1)
    if columns > rows or q.shape[-1] > columns:
        raise GradError(
            f"[qr] of {rows} x {columns} matrices Q of shape {q.shape} and R of shape {r.shape} "
            "have no derivative: the further columns of Q can be any; use mode='reduced'"
        )
    return q, r


def _over(x: Node, r: Node) -> Node:
    """``x`` times the inverse of R."""
    return mT(_lower_solve(mT(r), mT(x)))


def _turn(y: Node) -> Node:
    """How Q turns within its columns."""
    lower = tril(y, -1)
    return sub(lower, mT(lower))


def push_q(t: Node, ans: Node, index: int) -> Node:
    q, r = _factors(ans)
    x = _over(t, r)
    y = matmul(mT(q), x)
    return add(x, matmul(q, sub(_turn(y), y)))


def push_r(t: Node, ans: Node, index: int) -> Node:
    q, r = _factors(ans)
    y = matmul(mT(q), _over(t, r))
    return matmul(sub(y, _turn(y)), r)


def pull_q(g: Node, ans: Node, index: int) -> Node:
    q, r = _factors(ans)
    w = matmul(mT(q), g)
    back = sub(g, matmul(q, add(triu(w), tril(mT(w), -1))))
    return mT(_upper_solve(r, mT(back)))


def pull_r(g: Node, ans: Node, index: int) -> Node:
    q, r = _factors(ans)
    z = matmul(g, mT(r))
    back = matmul(q, add(triu(z), tril(mT(z), -1)))
    return mT(_upper_solve(r, mT(back)))


def _lu_factors(ans: Node) -> tuple[Node, Node, Node]:
    """P, L and U of a call of lu: of square matrices, which ``lang.lu`` makes the others of."""
    p, lower, upper = (sibling(ans, number) for number in range(3))
    return p, lower, upper


def push_lu(t: Node, ans: Node, index: int) -> Node:
    p, lower, upper = _lu_factors(ans)
    (left,) = call("solve_triangular", lower, matmul(mT(p), t), options=(False, True))
    inside = mT(_lower_solve(mT(upper), mT(left)))
    if ans.arg.result == 1:
        return matmul(lower, tril(inside, -1))
    return matmul(triu(inside), upper)


def pull_lu(g: Node, ans: Node, index: int) -> Node:
    p, lower, upper = _lu_factors(ans)
    if ans.arg.result == 1:
        inside = tril(matmul(mT(lower), g), -1)
    else:
        inside = triu(matmul(g, mT(upper)))
    (left,) = call("solve_triangular", mT(lower), inside, options=(True, True))
    return matmul(p, mT(_upper_solve(upper, mT(left))))
