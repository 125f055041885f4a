"""The derivatives of routines: how a change of an operand changes each result, and back.

``push`` takes a tangent of operand ``index`` to the tangent of a result, ``pull`` a cotangent of
the result back to the operand. All of it is written in ``lang``, calls of routines among it, so
that derivatives have derivatives. Where a result is not determined (eigenvectors of equal
eigenvalues), neither is its derivative: it is infinite or NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from lazygrad.autodiff import factors, inverses, spectra
from lazygrad.graph import Node
from lazygrad.lang.operands import zeros_like

Way = Callable[[Node, Node, int], Node]  # (tangent or cotangent, result, index) -> Node


class Derivative(NamedTuple):
    """Of one result of a routine."""

    push: Way
    pull: Way


def push(tangent: Node, ans: Node, index: int) -> Node:
    """The tangent of a CALL that a tangent of its operand ``index`` causes."""
    return _of(ans).push(tangent, ans, index)


def pull(cotangent: Node, ans: Node, index: int) -> Node:
    """The cotangent of operand ``index`` of a CALL that a cotangent of it causes."""
    return _of(ans).pull(cotangent, ans, index)


def _of(ans: Node) -> Derivative:
    return DERIVATIVES[ans.arg.routine][ans.arg.result]


def _push_nothing(t: Node, ans: Node, index: int) -> Node:
    return zeros_like(ans)


def _pull_nothing(g: Node, ans: Node, index: int) -> Node:
    return zeros_like(ans.src[index])


NOTHING = Derivative(_push_nothing, _pull_nothing)
CHOLESKY = Derivative(factors.push_cholesky, factors.pull_cholesky)
LU = Derivative(factors.push_lu, factors.pull_lu)

DERIVATIVES: Mapping[str, tuple[Derivative, ...]] = {
    "inv": (Derivative(inverses.push_inv, inverses.pull_inv),),
    "solve": (Derivative(inverses.push_solve, inverses.pull_solve),),
    "solve_triangular": (Derivative(inverses.push_triangular, inverses.pull_triangular),),
    "pinv": (Derivative(inverses.push_pinv, inverses.pull_pinv),),
    "det": (Derivative(inverses.push_det, inverses.pull_det),),
    "cofactors": (Derivative(inverses.push_cofactors, inverses.pull_cofactors),),
    "slogdet": (NOTHING, Derivative(inverses.push_slogdet, inverses.pull_slogdet)),
    "cholesky": (CHOLESKY,),
    "cholesky_ex": (CHOLESKY, NOTHING),
    "qr": (Derivative(factors.push_q, factors.pull_q), Derivative(factors.push_r, factors.pull_r)),
    "lu": (NOTHING, LU, LU, NOTHING),
    "permutation": (NOTHING,),
    "order": (NOTHING,),
    "igamma": (NOTHING, NOTHING),  # what it has is written beside its values, in lang.gamma
    "eigh": (
        Derivative(spectra.push_eigenvalues, spectra.pull_eigenvalues),
        Derivative(spectra.push_eigenvectors, spectra.pull_eigenvectors),
    ),
    "svd": (
        Derivative(spectra.push_u, spectra.pull_u),
        Derivative(spectra.push_s, spectra.pull_s),
        Derivative(spectra.push_vh, spectra.pull_vh),
    ),
    "matrix_exp": (Derivative(inverses.push_exp, inverses.pull_exp),),
}
