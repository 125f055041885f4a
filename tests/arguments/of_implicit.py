"""A result for each argument of each function of ``lazygrad.implicit``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import lazygrad as lg
from lazygrad import Tensor
from lazygrad.errors import ConvergenceError, JitError
from lazygrad.implicit import fixed_points, minima, roots, runge_kutta
from tests.arguments.asked import Asked, Case, M, Refused, X

SOLVERS = ("lu", "gmres", "cg")
FEW: Any = {"max_num_steps": 16}  # all of them are done where nobody can look


def heron(z: Tensor, a: Tensor) -> Tensor:
    return (z + a / z) / 2


def half(f: Asked, p: Tensor, **how: Any) -> Any:
    """2 p, to which z comes closer by half in each step."""
    return f.fixed_point(lambda z: z / 2 + p, p * 0, method="picard", **how)


def square(z: Tensor, a: Tensor) -> Tensor:
    return z * z - a


def bowl(z: Tensor, a: Tensor) -> Tensor:
    """Smallest at the square root."""
    return (z**3 / 3 - a * z).sum()


def slopes(solve: Callable[..., Any], x: Tensor) -> Tensor:
    """The derivatives of a square root, by each way to solve their equations."""

    def slope(solver: str) -> Tensor:
        return lg.func.grad(lambda a: solve(a, linear_solver=solver).sum())(x)

    return lg.stack([slope(solver) for solver in SOLVERS])


def fading(f: Asked, x: Tensor, until: float = 2.0, **how: Any) -> Any:
    t = Tensor([0.0, until / 2, until], device=x.device)
    return f.odeint(lambda t, y: -y, x, t, **how)


def growing(f: Asked, x: Tensor, **how: Any) -> Any:
    """Linear in time, so that all methods are exact."""
    t = Tensor([0.0, 1.0, 3.0], device=x.device)
    return f.odeint(func=lambda t, y: y * 0 + x, y0=x, t=t, **how)


x, m = np.array(X), np.array(M)
SQRT, SLOPE = x**0.5, [x**-0.5 / 2] * len(SOLVERS)
SOLVED = np.linalg.solve(m, x)
GONE = [x, x * np.exp(-1), x * np.exp(-2)]
GROWN = [x, 2 * x, 4 * x]
UNSOLVED = Refused(ConvergenceError, "after 1 iteration")
NAN = x * np.nan

CASES: dict[str, list[Case]] = {
    "fixed_point": [
        Case(lambda f, x, m: f.fixed_point(heron, x, x), SQRT),
        Case(lambda f, x, m: f.fixed_point(heron, x, x, method="anderson", memory=2), SQRT),
        Case(lambda f, x, m: f.fixed_point(heron, x, x, method="picard"), SQRT),
        Case(lambda f, x, m: half(f, x, tol=0.6), x),
        Case(lambda f, x, m: half(f, x, maxiter=1), UNSOLVED, jitted=NAN),
        Case(lambda f, x, m: slopes(lambda a, **how: f.fixed_point(heron, a, a, **how), x), SLOPE),
    ],
    "root": [
        Case(lambda f, x, m: f.root(square, x, x), SQRT),
        Case(lambda f, x, m: f.root(square, x, x, method="newton", maxiter=9), SQRT),
        Case(lambda f, x, m: f.root(square, x, x, method="broyden", memory=4), SQRT),
        Case(lambda f, x, m: f.root(square, x, x, tol=3.0), x),
        Case(lambda f, x, m: f.root(square, x, x, maxiter=1), UNSOLVED, jitted=NAN),
        Case(lambda f, x, m: slopes(lambda a, **how: f.root(square, a, a, maxiter=9, **how), x),
             SLOPE),
    ],
    "argmin": [
        Case(lambda f, x, m: f.argmin(bowl, x, x, method="lbfgs", memory=3, maxiter=16), SQRT),
        Case(lambda f, x, m: f.argmin(bowl, x, x, tol=3.0, maxiter=1), x),
        Case(lambda f, x, m: f.argmin(bowl, x, x, maxiter=1), UNSOLVED, jitted=NAN),
        Case(lambda f, x, m: slopes(lambda a, **how: f.argmin(bowl, a, a, maxiter=16, **how), x),
             SLOPE),
    ],
    "linear_solve": [
        Case(lambda f, x, m: f.linear_solve(m, x), SOLVED),
        Case(lambda f, x, m: f.linear_solve(lambda z: m @ z, x, method="lu"), SOLVED),
        Case(lambda f, x, m: f.linear_solve(A=m, b=x, x0=m[0], method="cg", maxiter=9), SOLVED),
        Case(lambda f, x, m: f.linear_solve(m, x, method="gmres", restart=2), SOLVED),
        Case(lambda f, x, m: f.linear_solve(m, x, x, method="cg", tol=9.0), x),
        Case(lambda f, x, m: f.linear_solve(m, x, x, method="cg", atol=9.0), x),
        Case(lambda f, x, m: f.linear_solve(m, x, method="cg", maxiter=1), UNSOLVED, jitted=NAN),
    ],
    "cg": [
        Case(lambda f, x, m: f.cg(m, x), SOLVED),
        Case(lambda f, x, m: f.cg(lambda z: m @ z, x, x0=x, tol=9.0), x),
        Case(lambda f, x, m: f.cg(A=m, b=x, x0=x, atol=9.0), x),
        Case(lambda f, x, m: f.cg(m, x, maxiter=1), UNSOLVED, jitted=NAN),
    ],
    "gmres": [
        Case(lambda f, x, m: f.gmres(m, x, restart=2), SOLVED),
        Case(lambda f, x, m: f.gmres(lambda z: m @ z, x, x0=x, tol=9.0), x),
        Case(lambda f, x, m: f.gmres(A=m, b=x, x0=x, atol=9.0), x),
        Case(lambda f, x, m: f.gmres(m, x, maxiter=1), UNSOLVED, jitted=NAN),
    ],
    "odeint": [
        Case(lambda f, x, m: fading(f, x, method="dopri5", options=FEW), GONE),
        Case(lambda f, x, m: fading(f, x, rtol=1e-6, atol=1e-6, options=FEW, adjoint=True), GONE),
        Case(lambda f, x, m: growing(f, x, options=FEW | {"first_step": 0.5}), GROWN),
        Case(lambda f, x, m: fading(f, x, 9.0, options={"max_num_steps": 1}),
             Refused(ConvergenceError, r": 1 step of dopri5 went 0\."), jitted=[NAN] * 3),
        Case(lambda f, x, m: fading(f, x, method="euler"), [x, 0 * x, 0 * x]),
        Case(lambda f, x, m: fading(f, x, method="euler", options={"steps": 2}),
             [x, x / 4, x / 16]),
        Case(lambda f, x, m: fading(f, x, method="euler", options={"step_size": 0.5}),
             [x, x / 4, x / 16], jitted=Refused(JitError, '"steps"')),
        Case(lambda f, x, m: fading(f, x, method="rk4"), [x, 0.375 * x, 0.375**2 * x]),
    ],
}  # fmt: skip

# Of arguments that are one of a few words.
WORDS = {
    "fixed_point.method": tuple(fixed_points.METHODS),
    "root.method": tuple(roots.METHODS),
    "argmin.method": tuple(minima.METHODS),
    "linear_solve.method": SOLVERS,
    "odeint.method": tuple(runge_kutta.METHODS),
    **dict.fromkeys(
        ("fixed_point.linear_solver", "root.linear_solver", "argmin.linear_solver"), SOLVERS
    ),
}
