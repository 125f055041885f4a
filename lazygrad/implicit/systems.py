"""Linear systems of equations."""

from __future__ import annotations

from typing import Any

from lazygrad.arguments import is_tensor, shown
from lazygrad.bridge import read, wrap
from lazygrad.errors import ArgumentError, ShapeError
from lazygrad.functional.solving import solve
from lazygrad.graph import Node
from lazygrad.implicit.closed import closed, stand_in
from lazygrad.implicit.linear import Linear, linear_of
from lazygrad.implicit.rule import linear_solution
from lazygrad.implicit.vectors import vector_of
from lazygrad.lang.elementwise import without_history
from lazygrad.public import public


@public
def linear_solve(
    A: Any, b: Any, x0: Any = None, *, method: Any = None, tol: float | None = None,
    atol: float = 0.0, maxiter: int | None = None, restart: int = 20,
) -> Any:  # fmt: skip
    """The x with ``A x = b``.

    The derivatives are those of the solution, in both modes and to any order, by ``b`` and by all
    that ``A`` reads: arguments of transforms, and tensors that require a gradient. They are
    solutions of linear systems themselves, by the same method.

    Args:
        A: a linear function of containers like ``b``, or a matrix (..., n, n).
        b: a tensor, or a container of tensors; (..., n) for a matrix.
        x0: where to begin, like ``b``; by default at 0.
        method: "lu" by the matrix itself, "cg" for a symmetric positive definite one, "gmres" for
            others. By default "lu" for a matrix and for up to 32 equations, "gmres" for more.
        tol, atol: the norm of ``b - A x`` is at most ``max(tol * norm of b, atol)``; ``tol`` is
            1e-6 in float32, 1e-11 in float64, if it is not given.
        maxiter: the largest number of products with ``A``; by default ten times the number of
            equations, 1000 at most.
        restart: of "gmres": the vectors that it remembers.

    Returns:
        A container like ``b``.

    Raises:
        ConvergenceError: where no solution is found. Under jit and vmap, where no value can be
            looked at, it is NaN then.
        LinAlgError: with "lu", for a singular matrix.
        ArgumentError, DtypeError, ShapeError: for what is not like ``b``.

    >>> from lazygrad import Tensor
    >>> from lazygrad.implicit import linear_solve
    >>> linear_solve(lambda x: 2 * x, Tensor([2.0, 4.0])).tolist()
    [1.0, 2.0]
    """
    return _solve("linear_solve", A, b, x0, method, Linear(None, tol, atol, maxiter, restart))


@public
def cg(
    A: Any, b: Any, x0: Any = None, *, tol: float | None = None, atol: float = 0.0,
    maxiter: int | None = None,
) -> Any:  # fmt: skip
    """``linear_solve`` by conjugate gradients, for a symmetric positive definite ``A``.

    Source: Hestenes and Stiefel, Methods of conjugate gradients for solving linear systems (1952).

    >>> from lazygrad import Tensor
    >>> from lazygrad.implicit import cg
    >>> cg(Tensor([[2.0, 1.0], [1.0, 2.0]]), Tensor([3.0, 3.0])).tolist()
    [1.0, 1.0]
    """
    return _solve("cg", A, b, x0, "cg", Linear(None, tol, atol, maxiter))


@public
def gmres(
    A: Any, b: Any, x0: Any = None, *, tol: float | None = None, atol: float = 0.0,
    restart: int = 20, maxiter: int | None = None,
) -> Any:  # fmt: skip
    """``linear_solve`` by minimal residuals, for any regular ``A``; begun anew after ``restart``
    products, which it remembers.

    Sources: Saad and Schultz, GMRES (1986); in the form of Jiránek and Rozložník, Adaptive version
    of simpler GMRES (2010), which needs no matrix beside.

    >>> from lazygrad import Tensor
    >>> from lazygrad.implicit import gmres
    >>> x = gmres(Tensor([[0.0, 2.0], [1.0, 0.0]]), Tensor([4.0, 1.0]))
    >>> [round(value, 5) for value in x.tolist()]
    [1.0, 2.0]
    """
    return _solve("gmres", A, b, x0, "gmres", Linear(None, tol, atol, maxiter, restart))


def _solve(name: str, A: Any, b: Any, x0: Any, method: Any, linear: Linear) -> Any:
    chosen = linear_of(name, "method", method)
    if is_tensor(A):
        if chosen in (None, "lu"):
            return solve(A, b)
        _check(name, A, b)
        made = _solved(name, lambda x: (A * x.unsqueeze(-2)).sum(-1), read(b), x0, linear, chosen)
        return wrap(made, name)
    if not callable(A):
        raise ArgumentError(f"[{name}] A must be a Tensor or a function, got {shown(A)}")
    side = vector_of(name, "b", b)
    start = None if x0 is None else wrap(side.like(x0))
    made = _solved(name, side.function(A), side.joined, start, linear, chosen)
    return side.apart(wrap(made, name))


def _solved(name: str, A: Any, side: Node, x0: Any, linear: Linear, method: str | None) -> Node:
    held = stand_in(side)
    matrix, outer = closed(name, A, [side])
    moved = matrix.at([held, *outer])
    start = None if x0 is None else wrap(without_history(read(x0)))
    return linear_solution(name, moved, held, side, linear._replace(method=method), start)


def _check(name: str, A: Any, b: Any) -> None:
    n = b.shape[-1:]
    if A.shape[-2:] != (*n, *n) or A.shape[:-2] != b.shape[:-1]:
        raise ShapeError(
            f"[{name}] A is {A.shape} and b {b.shape}; they must be (..., n, n) and (..., n)"
        )
