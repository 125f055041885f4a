"""Linear systems, by products with the matrix alone, or by the matrix: the solvers."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from lazygrad.arguments import shown
from lazygrad.bridge import read, wrap
from lazygrad.errors import ValueRangeError
from lazygrad.func.vmap import vmap
from lazygrad.functional.compare import where
from lazygrad.functional.creation import arange, eye, zeros
from lazygrad.functional.like import zeros_like
from lazygrad.functional.solving import solve
from lazygrad.graph import Node
from lazygrad.implicit.iterating import Iterate, Limits, Process, solved, tolerance
from lazygrad.lang.elementwise import without_history
from lazygrad.modes import no_grad

SMALL = 32  # equations that are solved by their matrix, if nothing else is said
DEPENDENT = 1e-7  # what is left of a vector in the space of others, at most
STAGNATION = 0.9  # a residual that shrinks by less than that stands still

Map = Callable[[Any], Any]


class Linear(NamedTuple):
    """How linear systems are solved.

    Attributes:
        method: a name of ``METHODS``; None for "lu" of a few equations, "gmres" of many.
        tol, atol: the residual is at most the larger of ``tol`` times that of 0, and ``atol``.
        maxiter: None for ten times the number of equations, and 1000 at most.
        restart: after how many steps "gmres" forgets.
    """

    method: str | None = None
    tol: float | None = None
    atol: float = 0.0
    maxiter: int | None = None
    restart: int = 20

    def solution(
        self,
        name: str,
        matrix: Map,
        b: Node,
        outer: Sequence[Node] = (),
        key: Hashable = None,
        start: Any = None,
    ) -> Node:
        """The x with ``matrix(x, *outer) = b``, without derivative history.

        Args:
            matrix: a function of handles, linear in x, which is like ``b``.
            key: what is equal for functions that are the same, see ``kept``.
            start: where to begin; by default at 0.
        """
        method = self.method or ("lu" if b.ndim == 1 and b.size <= SMALL else "gmres")
        if method == "lu":
            with no_grad():
                fixed = [wrap(without_history(value)) for value in outer]
                return read(by_matrix(lambda x: matrix(x, *fixed), wrap(b)))
        size = b.shape[-1]
        tol = tolerance(b.dtype) / 10 if self.tol is None else self.tol
        most = min(10 * size, 1000) if self.maxiter is None else self.maxiter
        limits = Limits(name, method, tol, most)

        begins = () if start is None else (read(start),)
        first = len(begins)  # of what is outside, among the operands behind b
        atol, restart = self.atol, min(self.restart, size)

        def process(side: Any, *given: Any) -> Process:
            fixed = given[first:]

            def moved(x: Any) -> Any:
                return matrix(x, *fixed)

            def begin() -> Iterate:
                x = given[0] if first else zeros_like(side)
                r = side - moved(x) if first else side
                scale = norm(side).clamp(min=atol / tol if tol else 0.0)
                scale = where(scale > 0, scale, 1.0)
                memory = METHODS[method].memory(r, restart)
                return Iterate(x, norm(r) / scale, counter(side), (r, scale, memory))

            def step(now: Iterate) -> Iterate:
                r, scale, memory = now.memory
                x, r, memory = METHODS[method].step(moved, now.count, now.x, r, memory)
                return Iterate(x, norm(r) / scale, now.count + 1, (r, scale, memory))

            return Process(begin, step)

        keyed = None if key is None else (self, first, key)
        return solved(limits, keyed, process, [b, *begins, *outer])


def by_matrix(matrix: Map, b: Any) -> Any:
    """By elimination."""
    n = b.shape[-1]
    columns = vmap(matrix)(eye(n, dtype=b.dtype, device=b.device))
    return solve(columns.T, b)


def counter(like: Any) -> Any:
    return zeros((), dtype="int32", device=like.device)


def dot(x: Any, y: Any) -> Any:
    """Of the last dims, which stay."""
    return (x * y).sum(-1, keepdim=True)


def norm(x: Any) -> Any:
    return dot(x, x).sqrt()


def ratio(x: Any, y: Any) -> Any:
    """``x / y``, and 0 where there is nothing to divide by."""
    return where(y == 0, 0.0, x / where(y == 0, 1.0, y))


# -- conjugate gradients -------------------------------------------------------------------------


def _cg_memory(r: Any, restart: int) -> Any:
    return r


def _cg_step(matrix: Map, count: Any, x: Any, r: Any, direction: Any) -> tuple[Any, Any, Any]:
    moved = matrix(direction)
    squares = dot(r, r)
    length = ratio(squares, dot(direction, moved))
    x, r = x + length * direction, r - length * moved
    return x, r, r + ratio(dot(r, r), squares) * direction


# -- minimal residuals -----------------------------------------------------------------------------


class Basis(NamedTuple):
    """Directions, behind each other in the last dim but one, and where the matrix takes them:
    vectors that are orthonormal.

    Attributes:
        last: the last of these.
        slow: whether it did not help much.
    """

    directions: Any
    images: Any
    last: Any
    slow: Any


def _gmres_memory(r: Any, restart: int) -> Basis:
    rows = zeros((*r.shape[:-1], restart, r.shape[-1]), dtype=r.dtype, device=r.device)
    return Basis(rows, rows, r, norm(r) < 0)


def _gmres_step(matrix: Map, count: Any, x: Any, r: Any, basis: Basis) -> tuple[Any, Any, Basis]:
    """One direction more: the residual, or the last image where that would stand still. The
    residual is the smallest that all directions together allow, as it is of GMRES."""
    restart = basis.images.shape[-2]
    place = count % restart
    slots = arange(restart, device=r.device).unsqueeze(-1)
    directions = where(slots < place, basis.directions, 0.0)
    images = where(slots < place, basis.images, 0.0)
    new = where(basis.slow & (place > 0), basis.last, ratio(r, norm(r)))
    image = matrix(new)
    length = norm(image)
    for _ in range(2):  # twice is enough
        parts = (images * image.unsqueeze(-2)).sum(-1, keepdim=True)
        image = image - (parts * images).sum(-2)
        new = new - (parts * directions).sum(-2)
    left = norm(image)
    left = where(left > length * DEPENDENT, left, 0.0)  # else it is in the space already
    image, new = ratio(image, left), ratio(new, left)
    part = dot(image, r)
    after = r - part * image
    here = slots == place
    directions = where(here, new.unsqueeze(-2), directions)
    images = where(here, image.unsqueeze(-2), images)
    slow = norm(after) > STAGNATION * norm(r)
    return x + part * new, after, Basis(directions, images, image, slow)


class Method(NamedTuple):
    """A solver that goes step by step.

    Attributes:
        memory: what it begins with: of the first residual, and after how many steps it forgets.
        step: of the matrix, the number of steps that were done, x, its residual and the memory:
            what comes after these three.
    """

    memory: Callable[..., Any]
    step: Callable[..., Any]


METHODS: Mapping[str, Method] = {
    "cg": Method(_cg_memory, _cg_step),
    "gmres": Method(_gmres_memory, _gmres_step),
}


def linear_of(name: str, what: str, method: Any) -> str | None:
    """A name of a linear solver.

    Raises:
        ValueRangeError: for another one.
    """
    if method in (None, "lu", *METHODS):
        return method
    raise ValueRangeError(
        f"[{name}] {what} must be {', '.join(['lu', *METHODS])} or None, got {shown(method)}"
    )
